// Writes settings atomically when the editor, a program of the C runtime, has closed them.
"use strict";
const { spawn } = require("child_process");
const fs = require("fs");

fs.writeFileSync("settings.json", "{}");
const editor = spawn("sh", ["-c", "exec 3<settings.json; echo ready; read answer"], { stdio: ["pipe", "pipe", "inherit"] });
editor.stdout.once("data", () => editor.stdin.end("\n"));
editor.on("close", () => {
    fs.writeFileSync("settings.json.tmp", '{"theme": "dark"}');
    fs.renameSync("settings.json.tmp", "settings.json");
    console.log(fs.readFileSync("settings.json", "utf8"));
});
