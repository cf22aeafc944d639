// Unpacks the resources of an application package; one whose name is taken in another case gets a number.
"use strict";
const fs = require("fs");

const entries = [["res/aA.xml", "<layout/>"], ["res/ab.xml", "<menu/>"], ["res/aa.xml", "<color/>"]];
const taken = new Map();
fs.mkdirSync("res");
for (const [name, text] of entries) {
    const count = taken.get(name.toLowerCase()) ?? 0;
    taken.set(name.toLowerCase(), count + 1);
    fs.writeFileSync(count ? name.replace(/\.xml$/, `~${count}.xml`) : name, text);
}
console.log(fs.readdirSync("res").length, "resources");
