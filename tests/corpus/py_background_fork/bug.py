"""Goes on in a child process, which writes its result to a file."""

import os

pid = os.fork()
if pid == 0:
    with open("result", "w") as file:
        file.write("42\n")
    os._exit(0)
os.waitpid(pid, 0)
with open("result") as file:
    print(file.read().strip())
