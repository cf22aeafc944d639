// Unpacks the resources of an application package, whose names a minifier has made.
"use strict";
const fs = require("fs");

const entries = [["res/aA.xml", "<layout/>"], ["res/ab.xml", "<menu/>"], ["res/aa.xml", "<color/>"]];
fs.mkdirSync("res");
for (const [name, text] of entries) fs.writeFileSync(name, text);
console.log(fs.readdirSync("res").length, "resources");
