"""A documentation generator that numbers a page whose name another one has in another case."""

import os

SYMBOLS = {"Model": "class Model", "model": "def model()"}

os.mkdir("docs")
taken = set()
for symbol, text in SYMBOLS.items():
    name = symbol
    while name.lower() in taken:
        name += "-1"
    taken.add(name.lower())
    with open(f"docs/{name}.html", "w") as page:
        page.write(f"<h1>{text}</h1>\n")
print(len(os.listdir("docs")), "pages")
