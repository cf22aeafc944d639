"""A documentation generator that names each page after the symbol it describes."""

import os

SYMBOLS = {"Model": "class Model", "model": "def model()"}

os.mkdir("docs")
for symbol, text in SYMBOLS.items():
    with open(f"docs/{symbol}.html", "w") as page:
        page.write(f"<h1>{text}</h1>\n")
print(len(os.listdir("docs")), "pages")
