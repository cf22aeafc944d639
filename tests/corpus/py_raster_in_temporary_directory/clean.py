"""Maps a raster in a temporary directory and unmaps it before the directory goes."""

import mmap
import os
import tempfile

with tempfile.TemporaryDirectory() as directory:
    with open(os.path.join(directory, "raster.dat"), "wb+") as file:
        file.truncate(8192)
        raster = mmap.mmap(file.fileno(), 0)
    print(len(raster))
    raster.close()
