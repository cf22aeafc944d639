// Unpacks a package into a staging directory and renames that when all of its files are closed.
"use strict";
const fs = require("fs");

fs.mkdirSync("staging/package", { recursive: true });
const entry = fs.openSync("staging/package/index.js", "w");
fs.writeSync(entry, "module.exports = 1;\n");
fs.closeSync(entry);
fs.renameSync("staging/package", "package");
console.log(fs.readdirSync("package").join());
