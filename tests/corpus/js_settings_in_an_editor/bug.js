// Writes settings atomically while an editor, a program of the C runtime, has them open.
"use strict";
const { spawn } = require("child_process");
const fs = require("fs");

fs.writeFileSync("settings.json", "{}");
const editor = spawn("sh", ["-c", "exec 3<settings.json; echo ready; read answer"], { stdio: ["pipe", "pipe", "inherit"] });
editor.stdout.once("data", () => {
    fs.writeFileSync("settings.json.tmp", '{"theme": "dark"}');
    fs.renameSync("settings.json.tmp", "settings.json");
    editor.stdin.end("\n");
});
editor.on("close", () => console.log(fs.readFileSync("settings.json", "utf8")));
