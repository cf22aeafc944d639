"""Tells another thread of an event through a pipe that has a name."""

import os
import threading

os.mkfifo("events")
told = []
listener = threading.Thread(target=lambda: told.append(open("events").read()))
listener.start()
with open("events", "w") as events:
    events.write("stop")
listener.join()
print(told)
