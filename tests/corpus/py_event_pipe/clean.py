"""Tells another thread of an event through a pipe that has no name."""

import os
import threading

reading, writing = os.pipe()
told = []
listener = threading.Thread(target=lambda: told.append(open(reading).read()))
listener.start()
with open(writing, "w") as events:
    events.write("stop")
listener.join()
print(told)
