// Writes the modules of a library, one of which has helpers of all kinds.
"use strict";
const fs = require("fs");

for (const name of ["array", "aux", "string"]) fs.writeFileSync(`${name}.js`, `exports.name = "${name}";\n`);
console.log(fs.readdirSync(".").filter((name) => /^[a-z]{3,6}\.js$/.test(name) && name !== "bug.js").join(" "));
