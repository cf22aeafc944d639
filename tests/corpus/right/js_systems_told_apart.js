// Links directories as each system can, by a look at it and by junctions.
"use strict";
const fs = require("fs");
const path = require("path");

fs.mkdirSync("packages/one", { recursive: true });
if (process.platform === "win32") {
    fs.cpSync("packages/one", "copied", { recursive: true });
} else {
    fs.symlinkSync("packages/one", "copied");
}
fs.symlinkSync(path.resolve("packages/one"), "joined", "junction");
console.log(fs.existsSync("copied"), fs.existsSync("joined"));
