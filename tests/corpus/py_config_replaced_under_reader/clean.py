"""Replaces a configuration atomically once its reader is done."""

import os

with open("settings.yaml", "w") as file:
    file.write("users: []\n")
with open("settings.yaml") as reader:
    print(reader.read().strip())
with open("settings.yaml.tmp", "w") as file:
    file.write("users: [alice]\n")
os.replace("settings.yaml.tmp", "settings.yaml")
