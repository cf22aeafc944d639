// A daemon that listens at a port of the loopback interface.
"use strict";
const net = require("net");

const server = net.createServer((client) => client.end("hello\n"));
server.listen(0, "127.0.0.1", () => {
    net.connect(server.address().port, "127.0.0.1")
        .on("data", (text) => process.stdout.write(text))
        .on("close", () => server.close());
});
