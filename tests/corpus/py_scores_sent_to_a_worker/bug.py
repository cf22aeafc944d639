"""Sends an open file to a worker, a program of its own, and deletes the file while the worker still has it."""

import os
import socket
import subprocess
import sys

WORKER = """
import os, socket, sys
with socket.socket(fileno=int(sys.argv[1])) as channel:
    _, descriptors, _, _ = socket.recv_fds(channel, 16, 1)
    channel.sendall(b"received")
    channel.recv(16)
    print(os.read(descriptors[0], 64).decode().strip(), flush=True)
    os.close(descriptors[0])
    channel.sendall(b"done")
"""

ours, theirs = socket.socketpair()
worker = subprocess.Popen([sys.executable, "-c", WORKER, str(theirs.fileno())], pass_fds=[theirs.fileno()])
theirs.close()
with open("scores.txt", "w+") as scores:
    scores.write("12 7 30\n")
    scores.seek(0)
    socket.send_fds(ours, [b"file"], [scores.fileno()])
ours.recv(16)
try:
    os.remove("scores.txt")
finally:
    ours.sendall(b"go on")
ours.recv(16)
print("worker:", worker.wait())
