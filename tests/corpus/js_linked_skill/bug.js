// Links a package into the directory of another tool.
"use strict";
const fs = require("fs");
const path = require("path");

fs.mkdirSync("my-skill");
fs.mkdirSync("skills");
fs.symlinkSync(path.resolve("my-skill"), "skills/my-skill", "dir");
console.log(fs.existsSync("skills/my-skill"));
