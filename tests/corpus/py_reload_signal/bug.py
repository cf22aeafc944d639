"""Restarts a server by a signal that its users send."""

import os
import signal

told = []
signal.signal(signal.SIGUSR1, lambda number, frame: told.append("restart"))
os.kill(os.getpid(), signal.SIGUSR1)
print(told)
