"""Names that look odd and are right on every Windows."""

import os

NAMES = [
    "~", "~$draft", "a~1", "^", "100%", "c++", "ü", "straße", "Σίσυφος", "日本語", "emoji \U0001f600", "it's", "a;b", "a=b",
    "a,b", "[x]", "{y}", "$home", "#1", "@at", "bang!", "a&b", "a`b", "(1)", " leading", "two  blanks", ".hidden",
    "..twodots", "a..b", "-dash", "e\u0301", "x" * 200,
]
for name in NAMES:
    with open(name, "w") as file:
        file.write(name)
print(len(set(NAMES) & set(os.listdir())) == len(NAMES))
