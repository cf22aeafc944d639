// Removes a spool file once the program that it was given to has ended.
"use strict";
const { spawn } = require("child_process");
const fs = require("fs");

fs.writeFileSync("job.spool", "page 1\n");
const printer = spawn("sh", ["-c", "exec 3<job.spool; echo ready; read answer"], { stdio: ["pipe", "pipe", "inherit"] });
printer.stdout.once("data", () => printer.stdin.end("\n"));
printer.on("close", () => {
    fs.unlinkSync("job.spool");
    console.log("printed");
});
