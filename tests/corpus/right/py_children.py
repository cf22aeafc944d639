"""Starts programs in every way of the library, and removes their files when they have ended."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

print(subprocess.run(["echo", "one"], capture_output=True, text=True, check=True).stdout.strip())
with open("output", "w") as output:
    subprocess.run(["echo", "two"], stdout=output, check=True)
os.remove("output")
child = subprocess.Popen([sys.executable, "-c", "print(input())"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
print(child.communicate("three\n")[0].strip())
print(os.waitstatus_to_exitcode(os.system("exit 4")))


def work(number):
    with open(f"part-{number}", "w") as file:
        subprocess.run(["echo", str(number)], stdout=file, check=True)
    with open(f"part-{number}") as file:
        text = file.read().strip()
    os.remove(f"part-{number}")
    return text


with ThreadPoolExecutor(4) as pool:
    print(*pool.map(work, range(6)))
pid = os.posix_spawn("/bin/echo", ["echo", "five"], os.environ)
print(os.waitpid(pid, 0)[1])
