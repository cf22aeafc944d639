// Loads a part of an application by a name that is spelled otherwise than its file, and does without it if it must.
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
console.log(load("gameSignUps/create.js"));
