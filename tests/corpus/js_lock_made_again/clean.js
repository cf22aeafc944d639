// Releases a lock by closing and removing its file, and takes it again.
"use strict";
const fs = require("fs");

const first = fs.openSync("store.lock", "wx");
fs.closeSync(first);
fs.unlinkSync("store.lock");
const second = fs.openSync("store.lock", "wx");
fs.closeSync(second);
fs.unlinkSync("store.lock");
console.log("released");
