"""Stores snapshots of web pages in directories that are named after their URLs."""

import os
import urllib.parse

for url in ["http://example.com/about", "http://example.com/index.php?title=Main"]:
    parts = urllib.parse.urlsplit(url)
    where = os.path.join("snapshots", parts.netloc, (parts.path + "?" + parts.query).strip("/?"))
    os.makedirs(where)
    with open(os.path.join(where, "20210215.snapshot"), "w") as file:
        file.write("<html></html>")
print(sum(len(files) for _, _, files in os.walk("snapshots")))
