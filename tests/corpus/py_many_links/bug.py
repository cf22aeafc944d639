"""Puts the same licence into each package of a store by hard links."""

import os

os.mkdir("store")
with open("store/license", "w") as file:
    file.write("MIT\n")
for number in range(1100):
    os.link("store/license", f"store/license-{number}")
print(len(os.listdir("store")))
