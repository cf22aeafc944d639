"""Reads a configuration by its name, with defaults if it is not there."""

with open("settings.ini", "w") as file:
    file.write("[main]\ncolour = red\n")
try:
    with open("settings.ini") as file:
        print(len(file.readlines()), "lines")
except FileNotFoundError:
    print("defaults")
