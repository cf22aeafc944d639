"""Run a command while an echo server serves one connection on a free loopback port, given in $PORT."""

import os
import socket
import subprocess
import sys
import threading


def serve(listener: socket.socket) -> None:
    connection, _ = listener.accept()
    with connection:
        connection.sendall(b"echo: " + connection.recv(1000))


with socket.create_server(("127.0.0.1", 0)) as listener:
    server = threading.Thread(target=serve, args=(listener,), daemon=True)
    server.start()
    environment = {**os.environ, "PORT": str(listener.getsockname()[1])}
    status = subprocess.run(sys.argv[1:], env=environment, check=False).returncode
    server.join()
sys.exit(status)
