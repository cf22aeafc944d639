// Makes a folder for each album of a band; an ellipsis is written as one character.
"use strict";
const fs = require("fs");

for (const album of ["First", "And then..."]) fs.mkdirSync(album.replace("...", "\u2026"));
console.log("2 albums");
