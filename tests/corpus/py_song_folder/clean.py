"""Makes a folder for a song that is named after artist and title, without dots and spaces at the end."""

import os

folder = os.path.join("songs", "ACDC - T.N.T.".rstrip(". "))
os.makedirs(folder)
with open(os.path.join(folder, "song.txt"), "w") as file:
    file.write("#TITLE:T.N.T.\n")
print(len(os.listdir("songs")))
