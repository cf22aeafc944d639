"""Works in a scratch directory and removes it before it goes back to where it came from."""

import os
import shutil

origin = os.getcwd()
os.mkdir("scratch")
os.chdir("scratch")
with open("result", "w") as file:
    file.write("42")
shutil.rmtree(os.path.join(origin, "scratch"))
os.chdir(origin)
print(os.path.exists("scratch"))
