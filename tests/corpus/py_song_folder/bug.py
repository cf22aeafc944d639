"""Makes a folder for a song that is named after artist and title."""

import os

folder = os.path.join("songs", "ACDC - T.N.T.")
os.makedirs(folder)
with open(os.path.join(folder, "song.txt"), "w") as file:
    file.write("#TITLE:T.N.T.\n")
print(len(os.listdir("songs")))
