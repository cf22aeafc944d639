"""Removes a checkout in which no file is open."""

import os
import shutil

os.makedirs("checkout/objects")
pack = open("checkout/objects/pack", "w")
pack.close()
shutil.rmtree("checkout")
print(os.path.exists("checkout"))
