"""Tests what a logger writes into a temporary directory, and closes the handler."""

import logging
import shutil
import tempfile

directory = tempfile.mkdtemp()
handler = logging.FileHandler(f"{directory}/test.log")
logging.getLogger().addHandler(handler)
logging.warning("told")
with open(f"{directory}/test.log") as log:
    print(log.read().strip())
logging.getLogger().removeHandler(handler)
handler.close()
shutil.rmtree(directory)
