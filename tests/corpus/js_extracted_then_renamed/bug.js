// Unpacks a package into a staging directory and renames that while one of its files is still open.
"use strict";
const fs = require("fs");

fs.mkdirSync("staging/package", { recursive: true });
const entry = fs.openSync("staging/package/index.js", "w");
fs.writeSync(entry, "module.exports = 1;\n");
fs.renameSync("staging/package", "package");
fs.closeSync(entry);
console.log(fs.readdirSync("package").join());
