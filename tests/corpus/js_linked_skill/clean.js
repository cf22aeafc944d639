// Copies a package into the directory of another tool.
"use strict";
const fs = require("fs");

fs.mkdirSync("my-skill");
fs.mkdirSync("skills");
fs.cpSync("my-skill", "skills/my-skill", { recursive: true });
console.log(fs.existsSync("skills/my-skill"));
