// Removes a spool file while the program that it was given to still reads it.
"use strict";
const { spawn } = require("child_process");
const fs = require("fs");

fs.writeFileSync("job.spool", "page 1\n");
const printer = spawn("sh", ["-c", "exec 3<job.spool; echo ready; read answer"], { stdio: ["pipe", "pipe", "inherit"] });
printer.stdout.once("data", () => {
    fs.unlinkSync("job.spool");
    printer.stdin.end("\n");
});
printer.on("close", () => console.log("printed"));
