// Runs a program that logs into a temporary directory, and removes that when the program has ended.
"use strict";
const { spawn } = require("child_process");
const fs = require("fs");
const os = require("os");
const path = require("path");

const directory = fs.mkdtempSync(path.join(os.tmpdir(), "run-"));
const child = spawn("sh", ["-c", 'exec 3>"$0/run.log"; echo ready; read answer', directory], {
    stdio: ["pipe", "pipe", "inherit"],
});
child.stdout.once("data", () => child.stdin.end("\n"));
child.on("close", () => {
    fs.rmSync(directory, { recursive: true });
    console.log(fs.existsSync(directory));
});
