// Makes a folder for each album of a band.
"use strict";
const fs = require("fs");

for (const album of ["First", "And then..."]) fs.mkdirSync(album);
console.log("2 albums");
