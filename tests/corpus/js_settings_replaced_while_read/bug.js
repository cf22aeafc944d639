// Replaces its settings while a watcher of its own reads them.
"use strict";
const fs = require("fs");

fs.writeFileSync("settings.json", '{"theme":"light"}');
const reader = fs.openSync("settings.json", "r");
fs.writeFileSync("settings.json.tmp", '{"theme":"dark"}');
fs.renameSync("settings.json.tmp", "settings.json");
const before = Buffer.alloc(64);
console.log(before.toString("utf8", 0, fs.readSync(reader, before)));
fs.closeSync(reader);
console.log(fs.readFileSync("settings.json", "utf8"));
