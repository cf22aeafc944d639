"""Logs to one file by one handler, which rotates it."""

import logging
import logging.handlers
import os

os.mkdir("logs")
rotating = logging.handlers.RotatingFileHandler("logs/app.log", maxBytes=64, backupCount=1)
logger = logging.getLogger("app")
logger.addHandler(rotating)
for number in range(4):
    logger.warning("message %d, long enough to fill the file in a moment", number)
print(sorted(os.listdir("logs")))
