// Node shares its files for deletion: what is open may be deleted and renamed.
"use strict";
const fs = require("fs");

fs.writeFileSync("a", "1");
fs.writeFileSync("b", "2");
const a = fs.openSync("a", "r");
const b = fs.openSync("b", "r+");
fs.renameSync("a", "c");
fs.unlinkSync("c");
fs.unlinkSync("b");
fs.closeSync(a);
fs.closeSync(b);
fs.writeFileSync("fixed", "3");
fs.chmodSync("fixed", 0o444);
fs.rmSync("fixed");
console.log(fs.existsSync("b"), fs.existsSync("fixed"));
