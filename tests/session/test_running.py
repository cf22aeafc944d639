"""An instance that runs: one supervisor, to which clients come and from which they go, whoever is killed on the way."""

from __future__ import annotations

import json
import os
import random
import select
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from confine.guests import NOBODY, USERS, command_line

from picobox.session import locks, messages
from picobox.session.manager import Manager
from picobox.session.place import SessionPlace
from picobox.session.users import Users

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from picobox.session.registry import Instance

_SECONDS = 60
_PASSWD = "root:x:0:0::/root:/bin/sh\nguest:x:{uid}:{uid}::/home/guest:/bin/sh\nother:x:77:77::/home/other:/bin/sh\n"
_LINKS = ("sh", "cat", "echo", "ps", "sleep", "mkfifo", "readlink", "ls", "grep", "pwd", "env", "kill", "true", "id")


class Home:
    """A user with one instance, small enough to be made for each test."""

    def __init__(self, directory: Path, user: str) -> None:
        self.directory = directory
        self.user = user
        self.environment = {**os.environ, "XDG_DATA_HOME": str(directory), "HOME": str(directory), "TERM": "dumb"}
        self.environment.pop("PICOBOX_POLICY", None)
        self.place = SessionPlace(self.environment)
        self.rootfs = directory / "picobox/instances/box/rootfs"

    def start(self, *words: str | Path, verb: str = "instance", **settings: object) -> subprocess.Popen[str]:
        command = command_line(self.user, verb, *map(str, words))
        given = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | settings
        return subprocess.Popen(command, env=self.environment, cwd=self.directory, text=True, **given)  # type: ignore[call-overload, no-any-return]

    def does(self, *words: str | Path, status: int = 0, verb: str = "instance") -> str:
        """What is said by what ends so, errors too."""
        with self.start(*words, verb=verb, stderr=subprocess.STDOUT) as process:
            output, _ = process.communicate(timeout=_SECONDS)
        assert process.returncode == status, output
        return str(output)

    def runs(self, line: str, *options: str, status: int = 0) -> str:
        return self.does("run", *options, "--", line, status=status)

    def state(self) -> str:
        return str(json.loads(self.does("list", "--json"))[0]["state"])

    def server(self) -> int:
        """Who runs the instance; 0: nobody."""
        for name in os.listdir(self.place.running):
            said = locks.said(os.path.join(self.place.running, name))
            if said:
                return int(said.split()[0])
        return 0

    def server_ends(self, seconds: float) -> bool:
        """Whether who runs the instance ends within so many seconds."""
        server = self.server()
        if not server:
            return True
        with suppress(ProcessLookupError):
            fd = os.pidfd_open(server)
            try:
                return bool(select.select([fd], [], [], seconds)[0])
            finally:
                os.close(fd)
        return True


def write_tree(tree: Path) -> None:
    for name in ("bin", "etc", "root", "proc", "dev", "sys", "tmp"):
        (tree / name).mkdir(parents=True)
    busybox = shutil.which("busybox")
    assert busybox is not None, "install Debian's busybox-static"
    shutil.copy(busybox, tree / "bin/busybox")
    for name in _LINKS:
        (tree / "bin" / name).symlink_to("busybox")


@contextmanager
def home_of(directory: Path, user: str, added: Callable[[Path], None] | None = None) -> Iterator[Home]:
    """`added` puts more into the tree that is imported."""
    tree = directory / "tree"
    write_tree(tree)
    if added is not None:
        added(tree)
    uid = NOBODY if user == "nobody" else os.geteuid()
    (tree / "etc/passwd").write_text(_PASSWD.format(uid=uid))
    archive = directory / "tree.tar"
    with tarfile.open(archive, "w") as tar:
        tar.add(tree, ".")
    data = directory / "data"
    data.mkdir()
    os.chown(data, uid, -1)
    directory.chmod(0o755)
    made = Home(data, user)
    made.does("import", "box", "-", archive)
    try:
        yield made
    finally:
        made.does("terminate", "box")


@pytest.fixture
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    with home_of(tmp_path_factory.mktemp("home"), USERS[0]) as made:
        yield made


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory that others may enter; pytest's own are for one user alone."""
    import tempfile

    with tempfile.TemporaryDirectory(prefix="picobox-running-") as directory:
        yield Path(directory)


@pytest.mark.parametrize("user", USERS)
def test_programs_of_one_instance(place: Path, user: str) -> None:
    """What they see, what becomes of them, and that they see each other, for who has rights and who has none."""
    with home_of(place, user) as home:
        assert home.runs("ls /; pwd; echo text >/etc/new").split() == [
            "bin", "dev", "etc", "proc", "root", "sys", "tmp", "/root",
        ]  # fmt: skip
        assert (home.rootfs / "etc/new").read_text() == "text\n"
        server = home.server()
        assert home.state() == "Running"
        home.runs("mkfifo /go; (cat /go; echo done >/result) >/dev/null 2>&1 &")
        assert "cat /go" in home.runs("ps")
        home.runs("echo >/go; exit 7", status=7)
        assert home.runs("kill -9 $$", status=137) == ""
        assert home.server() == server
        home.does("terminate", "box")
        assert home.state() == "Stopped"
        assert home.server() == 0
        assert "cat" not in home.runs("ps")


def test_clients_share_one_handle_namespace(home: Home) -> None:
    """Programs of two clients have numbers of one table, and one question finds the handles of both."""
    line = "exec 3>>/held; echo up; read none; true"
    with (
        home.start("run", "--", line, stdin=subprocess.PIPE) as one,
        home.start("run", "--", line, stdin=subprocess.PIPE) as other,
    ):
        for client in (one, other):
            assert client.stdout is not None
            assert client.stdout.readline() == "up\n"
        server = str(home.server())

        def told(verb: str, *words: str) -> list[dict[str, Any]]:
            (run,) = json.loads(home.does("--run", server, "--json", *words, verb=verb))["runs"]
            return next(value for name, value in run.items() if name != "run")

        held = told("handles", "/held")
        shells = {each["guest_pid"] for each in held}
        assert len(shells) == 2
        assert [each["fd"] for each in held] == [3, 3]
        numbers = {each["nt_pid"] for each in told("ps") if each["guest_pid"] in shells}
        assert len(numbers) == 2
        objects = {each["path"].rpartition("\\")[2] for each in told("objects", "/Sessions/0/Processes")}
        assert {str(number) for number in numbers} <= objects
        # A third one finds what they have open.
        for pid in shells:
            assert home.runs(f"readlink /proc/{pid}/fd/3") == "/held\n"
        for client in (one, other):
            client.communicate("\n", timeout=_SECONDS)
            assert client.returncode == 0


def test_what_a_program_is_given(home: Home) -> None:
    assert home.does("run", "--exec", "--", "echo", "a  b", "$HOME") == "a  b $HOME\n"
    environment = set(home.runs("env").split())
    assert {"HOME=/root", "WSL_DISTRO_NAME=box", "TERM=dumb", "SHELL=/bin/sh", "LANG=en_US.UTF-8"} <= environment
    assert not any(entry.startswith(("XDG_", "PYTHON")) for entry in environment)
    assert home.runs("pwd", "--cd", "/etc") == "/etc\n"
    assert home.runs("pwd", "--cd", "~") == "/root\n"
    assert "--cd /not/there: No such file" in home.does("run", "--cd", "/not/there", "--", "pwd", status=125)
    assert "--cd etc: name a directory" in home.does("run", "--cd", "etc", "--", "pwd", status=125)
    assert "no such program" in home.does("run", "--exec", "--", "nonesuch", status=127)
    assert "cannot be run" in home.does("run", "--exec", "--", "/etc/passwd", status=126)
    with home.start("run", "--", "cat; echo error >/dev/stderr", stdin=subprocess.PIPE) as process:
        assert process.communicate("given\n", timeout=_SECONDS) == ("given\n", "error\n")


def test_a_request_that_is_none_is_refused(home: Home) -> None:
    """Whatever a client of the same user sends, the programs of others go on."""
    home.runs("sleep 1000 >/dev/null 2>&1 &")
    instance = Manager(home.place).find("box").instance
    user = json.dumps([["true"], "standard", "\ud800", "", [], "", False])
    other = '[["true"], "other", "", "", [], "", false]'
    for text in ("[" * 100_000, "{}", '"text"', "[1, 2, 3, 4, 5, 6, 7]", other, user):
        with _client(home, instance) as connection:
            sealed = os.memfd_create("request")
            os.write(sealed, text.encode())
            messages.send(connection, messages.Message(messages.RUN, fds=(sealed, 0, 1, 2)))
            os.close(sealed)
            answer = messages.receive(connection)
            assert answer is not None, text[:20]
            assert answer.kind == messages.FAILED, text[:20]
    assert "sleep 1000" in home.runs("ps")


def _client(home: Home, instance: Instance) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    connection.settimeout(_SECONDS)
    with messages.short(Manager(home.place).socket_of(instance)) as path:
        connection.connect(path)
    hello = messages.receive(connection)
    assert hello is not None
    assert hello.kind == messages.HELLO
    return connection


def test_drives(home: Home) -> None:
    (home.directory / "below").mkdir()
    home.does("config", "box", "--drive", f"c={home.directory}")
    assert home.runs("pwd; echo text >below/file") == "/mnt/c\n"
    assert (home.directory / "below/file").read_text() == "text\n"
    home.does("config", "box", "--drive", "c=")
    assert home.runs("ls /mnt/c; pwd") == "/root\n"


def test_users(home: Home) -> None:
    assert home.does("run", "--exec", "--", "id").startswith("uid=0(root)")
    assert home.does("run", "-u", "other", "--exec", "--", "id", "-u") == "77\n"
    assert home.does("run", "-u", "77", "--exec", "--", "env").count("USER=other") == 1
    assert "no such user" in home.does("run", "-u", "nonesuch", "--exec", "--", "true", status=125)
    home.does("terminate", "box")
    home.does("config", "box", "--uid", "77")
    assert home.does("run", "--exec", "--", "id", "-u") == "77\n"


def test_it_stays_while_something_runs(home: Home) -> None:
    home.does("config", "box", "--idle", "0.05")
    home.runs("mkfifo /go; (cat /go; echo done >/result) >/dev/null 2>&1 &")
    assert not home.server_ends(0.5)
    (home.rootfs / "go").write_text("\n")
    assert home.server_ends(_SECONDS)
    assert (home.rootfs / "result").read_text() == "done\n"
    assert home.state() == "Stopped"
    assert os.listdir(home.place.sockets) == []


def test_it_stays_for_a_while_after_the_last_client(home: Home) -> None:
    """Each client begins the time anew. A time that is over before a client has started shows nothing: a longer one."""
    for idle in (2, 6, 18):
        home.does("config", "box", "--idle", str(idle))
        home.runs("true")
        server = home.server()
        home.server_ends(idle / 2)
        began = time.monotonic()
        home.runs("true")
        if server and home.server() == server:
            break
    else:
        pytest.fail("no client met the server of the one before")
    assert home.server_ends(_SECONDS)
    assert time.monotonic() - began >= idle


@pytest.mark.full
def test_it_stays_for_15_seconds_if_nothing_is_said(home: Home) -> None:
    """Facts wsl1.md 5.4, number 7."""
    began = time.monotonic()
    home.runs("true")
    assert not home.server_ends(13)
    assert home.server_ends(_SECONDS)
    assert 15 <= time.monotonic() - began < 25


@pytest.mark.parametrize("what", ["terminate", "unregister", "config"])
def test_what_ends_it(home: Home, what: str) -> None:
    with home.start("run", "--", "echo up; cat /proc/self/status >/up; sleep 1000") as client:
        assert client.stdout is not None
        assert client.stdout.readline() == "up\n"
        home.does(what, "box", *(["--env", "A=b"] if what == "config" else []))
        client.communicate(timeout=_SECONDS)
    # Its program was killed, or who told of that was gone before.
    assert client.returncode in (137, 125)
    assert home.server() == 0
    if what == "unregister":
        assert not home.rootfs.exists()
        home.does("import", "box", "-", home.directory.parent / "tree.tar")


def test_signals_reach_the_program(home: Home) -> None:
    # A signal that comes before a command begins is none to it: the shell looks when that has ended.
    line = "trap 'echo got; exit 3' INT; trap 'echo usr' USR1; echo up; while :; do sleep 0.05; done"
    with home.start("run", "--", line) as client:
        assert client.stdout is not None
        assert client.stdout.readline() == "up\n"
        client.send_signal(signal.SIGINT)
        assert client.communicate(timeout=_SECONDS)[0] == "got\n"
    assert client.returncode == 3


def test_a_client_stops_with_its_program(home: Home) -> None:
    home.runs("mkfifo /go")
    with home.start("run", "--", "echo $$; cat /go") as client:
        assert client.stdout is not None
        try:
            number = client.stdout.readline().strip()
            client.send_signal(signal.SIGTSTP)
            assert os.WIFSTOPPED(os.waitpid(client.pid, os.WUNTRACED)[1])
            assert home.runs(f"cat /proc/{number}/stat").split()[2] in "tT"
            client.send_signal(signal.SIGCONT)
            (home.rootfs / "go").write_text("went on\n")
            assert client.communicate(timeout=_SECONDS)[0] == "went on\n"
        finally:
            # One that stands still would be waited for.
            client.kill()


def test_who_loses_his_client_is_told(home: Home) -> None:
    home.runs("mkfifo /told")
    # What the shell says of its command would end it, since nobody can read that any more.
    line = "exec 2>/dev/null; trap 'echo hung up >/told; exit' HUP; echo up; while :; do sleep 0.05; done"
    with home.start("run", "--", line) as client:
        assert client.stdout is not None
        assert client.stdout.readline() == "up\n"
        client.kill()
    assert (home.rootfs / "told").read_text() == "hung up\n"


@pytest.mark.timeout(1800)
def test_a_killed_server_leaves_nothing(home: Home, request: pytest.FixtureRequest) -> None:
    """At whatever point of a start, of a program, and of its end."""
    seed = random.SystemRandom().randrange(1 << 32)
    chance = random.Random(seed)
    manager = Manager(home.place)
    struck = 0
    for number in range(1000 if request.config.getoption("--full") else 8):
        with home.start("run", "--exec", "--", "echo", "ran") as client:
            stopped = threading.Event()
            timer = threading.Timer(chance.uniform(0.1, 0.3), stopped.set)
            timer.start()
            stopped.wait()
            server = home.server()
            if server:
                with suppress(ProcessLookupError):
                    os.kill(server, signal.SIGKILL)
                    struck += 1
            output, errors = client.communicate(timeout=_SECONDS)
        assert (client.returncode, output) in ((0, "ran\n"), (125, ""), (125, "ran\n")), (seed, number, errors)
        assert [each.instance.name for each in manager.list()] == ["box"], (seed, number)
    assert struck
    assert home.runs("echo again") == "again\n"


# Two clients of the instance `box`, at the same instant, for each line of input; what their programs said, and status.
_PAIR = """
import json, os, sys
from picobox.session import client
from picobox.session.guests import Guests
from picobox.session.manager import Manager
from picobox.session.messages import Request, ShellType
from picobox.session.place import SessionPlace

def one(go, output):
    os.read(go, 1)
    os.dup2(output, 1)
    request = Request(("readlink", "/proc/self/ns/pid"), ShellType.NONE, "", "", ())
    os._exit(client.run(Manager(SessionPlace(os.environ)), "box", request) >> 8)

for _ in sys.stdin:
    go = os.pipe()
    made = []
    for _ in range(2):
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            one(go[0], writing)
        os.close(writing)
        made.append((pid, reading))
    os.write(go[1], b"12")
    said = []
    for pid, reading in made:
        with open(reading) as file:
            said.append((os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), file.read()))
    os.close(go[0])
    os.close(go[1])
    print(json.dumps(said), flush=True)
"""


@pytest.mark.timeout(1800)
def test_of_two_starts_there_is_one_instance(home: Home, request: pytest.FixtureRequest) -> None:
    """Two clients start the same stopped instance at the same instant."""
    manager = Manager(home.place)
    environment = {**home.environment, "PYTHONPATH": os.getcwd()}
    with subprocess.Popen(
        [sys.executable, "-c", _PAIR], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as pairs:
        assert pairs.stdin is not None
        assert pairs.stdout is not None
        for _ in range(500 if request.config.getoption("--full") else 50):
            pairs.stdin.write("\n")
            pairs.stdin.flush()
            (first, named), (second, too) = json.loads(pairs.stdout.readline())
            assert (first, second) == (0, 0)
            assert named == too != ""
            manager.terminate("box")
        pairs.stdin.close()
        assert pairs.wait(_SECONDS) == 0


def test_a_guest_is_not_let_in(tmp_path: Path) -> None:
    """Neither by the modes of what leads to the socket, nor if a drive leads there."""
    place = SessionPlace({"XDG_DATA_HOME": str(tmp_path)})
    place.make()
    assert os.stat(place.sockets).st_mode & 0o777 == 0o700
    path = os.path.join(place.sockets, "s")
    from picobox.session.server import listen

    listener = listen(path)
    assert os.stat(path).st_mode & 0o777 == 0o600
    program = f"import socket; s = socket.socket(1, 5); s.connect({path!r}); s.recv(1)"
    asked = {
        True: [os.path.realpath(sys.executable), "-c", program],
        False: [sys.executable, "-m", "picobox", "--policy", "default", "--write", place.sockets, "--",
                os.path.realpath(sys.executable), "-c", program],
    }  # fmt: skip
    for is_trusted, command in asked.items():
        with subprocess.Popen(command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": os.getcwd()}):
            listener.settimeout(_SECONDS)
            connection, _ = listener.accept()
            with connection:
                assert messages.is_trusted(connection) == is_trusted
    listener.close()


def test_who_has_gone_is_not_who_has_his_number_now(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A guest's number is free again once it has gone, and may be the one of a process that would be trusted."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(str(tmp_path / "s"))
    listener.listen()
    program = f"import socket; s = socket.socket(1, 5); s.connect({str(tmp_path / 's')!r}); input()"
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE) as client:
        connection, _ = listener.accept()
        assert messages.is_trusted(connection)
        client.communicate(b"\n")
    monkeypatch.setattr(messages, "peer", lambda _: messages.Peer(os.getpid(), os.geteuid(), os.getegid()))
    assert not messages.is_trusted(connection)
    connection.close()
    listener.close()


def test_what_its_files_say_of_users(tmp_path: Path) -> None:
    """Guests write them: links lead nowhere, and nonsense is nobody."""
    (tmp_path / "passwd").write_text("a:x:5:5::/home/a:/bin/ash\nb:x:six:6::/:/bin/sh\nc:x:7\n\nd:x:8:8:::\n")
    (tmp_path / "wsl.conf").write_text("[user]\ndefault = a\n")

    def opened(path: bytes) -> int:
        with suppress(OSError):
            return os.open(tmp_path / os.path.basename(os.fsdecode(path)), os.O_PATH | os.O_NOFOLLOW)
        return -1

    users = Users(opened)
    assert users.default() == "a"
    assert users.named("a") == users.named("5") == users.of(5) == ("a", 5, 5, "/home/a", "/bin/ash")
    assert users.named("d") == ("d", 8, 8, "/", "/bin/sh")
    assert users.named("b") is users.named("c") is None
    assert users.of(9) == ("9", 9, 9, "/", "/bin/sh")
    (tmp_path / "wsl.conf").write_text("default = a\n[user\n")
    assert users.default() == ""
    (tmp_path / "passwd").unlink()
    (tmp_path / "passwd").symlink_to("/etc/passwd")
    assert users.named("root") is None


def test_what_is_no_message() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        theirs.send(b"\0")
        assert messages.receive(ours) is None
        messages.send(theirs, messages.Message(messages.SIGNAL, 5, "text"))
        assert messages.receive(ours) == (messages.SIGNAL, 5, "text", ())
        theirs.close()
        assert messages.receive(ours) is None
    for text in (b"", b"[1]", b'[["a\\u0000"], "none", "", "", [], ""]', b'[[1], "none", "", "", [], ""]'):
        fd = os.memfd_create("request")
        os.write(fd, text)
        with pytest.raises((ValueError, TypeError)):
            messages.Request.read(fd)
        os.close(fd)


def test_an_instance_of_before_some_values_were_written(home: Home) -> None:
    from picobox.session import registry

    with registry.transaction(home.place) as opened:
        instance: Instance = opened.instances()[0]
        key = opened._open(instance.guid)
        for name in ("IdleTimeout", "NtFiles"):
            opened._nt.NtDeleteValueKey(opened._process, key, name)
    found = Manager(home.place).find("box").instance
    assert (found.idle_timeout, found.nt_files) == (15_000, 0)
