// Replaces a file that another process reads, and tries again until that has closed it.
"use strict";
const fs = require("fs/promises");
const { once } = require("events");
const { spawn } = require("child_process");

const READS = "require('fs').openSync('cache.json'); console.log('up'); process.stdin.resume()";

async function replace(source, target, left = 50) {
    try {
        await fs.rename(source, target);
    } catch (error) {
        if (left === 0 || !["EACCES", "EBUSY", "EPERM"].includes(error.code)) throw error;
        await new Promise((resolve) => setTimeout(resolve, 100));
        await replace(source, target, left - 1);
    }
}

(async () => {
    await fs.writeFile("cache.json", "{}");
    const reader = spawn(process.execPath, ["-e", READS]);
    await once(reader.stdout, "data");
    await fs.writeFile("cache.json.new", "[]");
    setTimeout(() => reader.stdin.end(), 300);
    await replace("cache.json.new", "cache.json");
    await once(reader, "exit");
    console.log(await fs.readFile("cache.json", "utf8"));
})();
