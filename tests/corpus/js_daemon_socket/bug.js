// A daemon that listens at a path of the project.
"use strict";
const net = require("net");

const server = net.createServer((client) => client.end("hello\n"));
server.listen("daemon.sock", () => {
    net.connect("daemon.sock").on("data", (text) => process.stdout.write(text)).on("close", () => server.close());
});
