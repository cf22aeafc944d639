// A crawler that caches each page under its URL's path and query.
"use strict";
const fs = require("fs");

const pages = ["https://example.org/page1", "https://example.org/page2?id=06c2da62"];
fs.mkdirSync("cache");
for (const page of pages) {
    const { pathname, search } = new URL(page);
    fs.writeFileSync(`cache${pathname}${search}.html`, "<html></html>");
}
console.log(fs.readdirSync("cache").length, "pages");
