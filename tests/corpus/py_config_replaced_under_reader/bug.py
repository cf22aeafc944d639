"""Replaces a configuration atomically while a reader in the same program holds it open."""

import os

with open("settings.yaml", "w") as file:
    file.write("users: []\n")
reader = open("settings.yaml")
with open("settings.yaml.tmp", "w") as file:
    file.write("users: [alice]\n")
os.replace("settings.yaml.tmp", "settings.yaml")
print(reader.read().strip())
reader.close()
