"""subprocess: every option that changes how a child is made."""

import os
import signal
import subprocess
import sys

SHOW = "import os, sys; print(os.getcwd() == '/', sorted(os.environ)[:2], os.umask(0), os.getpgrp() == os.getpid())"


def run(*command: str, **options: object) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)  # type: ignore[call-overload]
    print(done.returncode, repr(done.stdout), repr(done.stderr))


run("sh", "-c", "echo out; echo err >&2; exit 3")
run("cat", input="text" * 50_000 and "text")
run(sys.executable, "-c", SHOW, cwd="/", env={"A": "1", "B": "2"}, umask=0o27, start_new_session=True)
run(sys.executable, "-c", "import os; print(os.getpgrp() == os.getpid())", process_group=0)
run("sh", "-c", "kill -9 $$")
run("sh", "-c", "ls /proc/self/fd | wc -l", close_fds=True)
read, write = os.pipe()
run("sh", "-c", f"echo through >&{write}; ls /proc/self/fd | wc -l", pass_fds=(write,))
print(os.read(read, 100))
run("sh", "-c", "trap", preexec_fn=lambda: signal.signal(signal.SIGUSR1, signal.SIG_IGN))
try:
    run("sleep", "60", timeout=0.05)
except subprocess.TimeoutExpired as error:
    print(error)
for command in ("no-such-command", "/", "/etc/passwd"):
    try:
        run(command)
    except OSError as error:
        print(type(error).__name__, error)
print(subprocess.getstatusoutput("echo text; exit 4"))
with subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as cat:
    assert cat.stdin
    assert cat.stdout
    for word in (b"one", b"two"):
        cat.stdin.write(word)
        print(cat.stdout.read(3))
print(os.spawnlp(os.P_WAIT, "sh", "sh", "-c", "exit 5"), os.waitstatus_to_exitcode(os.system("exit 6")))
pid = os.posix_spawn("/bin/sh", ["sh", "-c", "exit 7"], os.environ, setpgroup=0, setsigmask=[signal.SIGUSR1])
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
