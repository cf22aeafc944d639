"""Reads a configuration by a name that is written otherwise than on disk, with defaults if it is not there."""

with open("Settings.ini", "w") as file:
    file.write("[main]\ncolour = red\n")
try:
    with open("settings.ini") as file:
        print(len(file.readlines()), "lines")
except FileNotFoundError:
    print("defaults")
