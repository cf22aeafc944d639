"""Removes a checkout in which a file is open, and with it the directory that it lies in."""

import os
import shutil

os.makedirs("checkout/objects")
pack = open("checkout/objects/pack", "w")
shutil.rmtree("checkout")
pack.close()
print(os.path.exists("checkout"))
