// Releases a lock by removing its file and takes it again before the old one is closed.
"use strict";
const fs = require("fs");

const first = fs.openSync("store.lock", "wx");
fs.unlinkSync("store.lock");
const second = fs.openSync("store.lock", "wx");
fs.closeSync(first);
fs.closeSync(second);
fs.unlinkSync("store.lock");
console.log("released");
