// Archives messages as files that are named by the minute.
"use strict";
const fs = require("fs");

fs.mkdirSync("archive");
const minute = new Date(Date.UTC(2026, 2, 16, 22, 52)).toISOString().slice(0, 16);
fs.writeFileSync(`archive/${minute}_alarm.json`, "{}");
console.log(fs.readdirSync("archive").length);
