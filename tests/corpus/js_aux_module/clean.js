// Writes the modules of a library, one of which has helpers of all kinds.
"use strict";
const fs = require("fs");

for (const name of ["array", "helpers", "string"]) fs.writeFileSync(`${name}.js`, `exports.name = "${name}";\n`);
console.log(fs.readdirSync(".").filter((name) => name !== "clean.js").join(" "));
