"""One name in two cases, one after the other: changed by a rename, or made anew when the old one is gone."""

import os

with open("readme", "w") as file:
    file.write("1")
os.rename("readme", "README")
os.rename("README", "Readme.tmp")
os.rename("Readme.tmp", "ReadMe")
os.remove("ReadMe")
with open("readme", "w") as file:
    file.write("2")
os.makedirs("a/Docs")
os.makedirs("b/docs")
with open("a/Docs/Index", "w") as one, open("b/docs/index", "w") as other:
    one.write("3")
    other.write("3")
os.rename("a/Docs", "a/docs")
print(sorted(os.listdir("a")), os.path.exists("readme"))
