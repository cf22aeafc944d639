// Streams that end before their files are deleted, trees that are copied and removed.
"use strict";
const fs = require("fs");
const os = require("os");
const path = require("path");
const { pipeline } = require("stream/promises");

(async () => {
    const directory = await fs.promises.mkdtemp(path.join(os.tmpdir(), "tree-"));
    await fs.promises.mkdir(path.join(directory, "one", "two"), { recursive: true });
    await fs.promises.writeFile(path.join(directory, "one", "two", "file"), "x".repeat(100000));
    await fs.promises.cp(path.join(directory, "one"), path.join(directory, "copy"), { recursive: true });
    await pipeline(
        fs.createReadStream(path.join(directory, "copy", "two", "file")),
        fs.createWriteStream(path.join(directory, "piped")),
    );
    await fs.promises.rename(path.join(directory, "copy"), path.join(directory, "moved"));
    await fs.promises.rm(directory, { recursive: true });
    console.log(fs.existsSync(directory));
})();
