"""Works in a scratch directory and goes back to where it came from before it removes it."""

import os
import shutil

origin = os.getcwd()
os.mkdir("scratch")
os.chdir("scratch")
with open("result", "w") as file:
    file.write("42")
os.chdir(origin)
shutil.rmtree(os.path.join(origin, "scratch"))
print(os.path.exists("scratch"))
