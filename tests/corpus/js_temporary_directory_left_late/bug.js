// Disposes of a temporary directory in which the process still works.
"use strict";
const fs = require("fs");
const os = require("os");
const path = require("path");

const origin = process.cwd();
const directory = fs.mkdtempSync(path.join(os.tmpdir(), "dax-"));
process.chdir(directory);
fs.rmSync(directory, { recursive: true });
process.chdir(origin);
console.log(fs.existsSync(directory));
