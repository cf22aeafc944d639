// Loads a part of an application by the name of its file.
"use strict";
const fs = require("fs");

fs.mkdirSync("gameSignups");
fs.writeFileSync("gameSignups/create.js", "module.exports = () => 'created';\n");

function load(name) {
    try {
        return fs.readFileSync(name, "utf8").length > 0;
    } catch (error) {
        return error.code;
    }
}
console.log(load("gameSignups/create.js"));
