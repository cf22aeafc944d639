"""Owns table R: one row per program and behaviour; most are short, so that a failure says what broke."""

from __future__ import annotations

from typing import NamedTuple

from .terminal import Step, keys, resize

FAST, FULL = "fast", "full"

# Each Debian package a row may need, and a file of it whose absence fails the row.
PACKAGES = {
    "busybox-static": "/usr/bin/busybox",
    "default-jdk-headless": "/usr/bin/javac",
    "gcc": "/usr/bin/gcc",
    "git": "/usr/bin/git",
    "libpython3.11-testsuite": "/usr/lib/python3.11/test/test_os.py",
    "make": "/usr/bin/make",
    "musl-tools": "/usr/bin/musl-gcc",
    "nodejs": "/usr/bin/node",
    "python3-pip": "/usr/lib/python3/dist-packages/pip/__main__.py",
    "python3-venv": "/usr/lib/python3.11/ensurepip/__init__.py",
    "redis-server": "/usr/bin/redis-server",
    "redis-tools": "/usr/bin/redis-benchmark",
    "sqlite3": "/usr/bin/sqlite3",
    "stress-ng": "/usr/bin/stress-ng",
    "tmux": "/usr/bin/tmux",
    "vim-tiny": "/usr/bin/vim.tiny",
    "xz-utils": "/usr/bin/xz",
}


class Row(NamedTuple):
    """One line of table R.

    `setup` is a shell command run natively before each of the two runs; `timeout` is in seconds and for one run;
    `status` is the exit status that shows the row to have done its work; `stderr` says whether it is compared.
    A row with `steps` runs in a terminal.
    """

    program: str
    name: str
    argv: tuple[str, ...]
    tier: str
    needs: tuple[str, ...]
    setup: str
    timeout: float
    status: bytes
    stderr: bool
    steps: tuple[Step, ...]


def row(
    program: str,
    name: str,
    command: str | tuple[str, ...],
    tier: str = FAST,
    needs: tuple[str, ...] = (),
    setup: str = "",
    timeout: float = 60,
    status: int = 0,
    stderr: bool = True,
    steps: tuple[Step, ...] = (),
) -> Row:
    """A row; a command given as text is run by `sh -ec`, one given as a tuple directly."""
    argv = ("/bin/sh", "-ec", command) if isinstance(command, str) else command
    return Row(program, name, argv, tier, needs, setup, timeout, str(status).encode(), stderr, steps)


TREE = "sh $SCRIPTS/text_tree.sh"
LINES = "seq 1 2000 >a; seq 1000 3000 >b"
REPOSITORY = "sh $SCRIPTS/repository.sh"
C_PROJECT = "sh $SCRIPTS/c_project.sh"
NODE, JAVA, GIT = ("nodejs",), ("default-jdk-headless",), ("git",)
TMUX, VI = ("tmux",), ("tmux", "vim-tiny")
REDIS = ("redis-server", "redis-tools")
CPYTHON = ("libpython3.11-testsuite",)
SHELL = ("/bin/bash", "--norc", "--noprofile", "-i")

ROWS = [
    # coreutils
    row("coreutils", "true", ("/bin/true",)),
    row("coreutils", "false", ("/bin/false",), status=1),
    row("coreutils", "no such file", ("/bin/cat", "missing"), status=1),
    row("coreutils", "ls", ("/bin/ls", "-1aF", "text"), setup=TREE),
    row("coreutils", "ls -lR", "ls -lR --time-style=full-iso text", setup=TREE),
    row("coreutils", "ls unsorted inode-free", "ls -U text | sort; ls -ld --time-style=+ text", setup=TREE),
    row("coreutils", "cat", "cat -n text/one text/two - <text/three", setup=TREE),
    row("coreutils", "cp -a", "cp -a text copy; diff -r text copy; stat -c '%n %a %Y' copy/*", setup=TREE),
    row("coreutils", "cp --sparse", "truncate -s 1M hole; cp --sparse=always hole copy; stat -c '%s %b' copy"),
    row("coreutils", "cp --reflink=auto", "cp --reflink=auto -v a copy; cmp a copy", setup=LINES),
    row("coreutils", "cp -u", "cp text/one copy; touch -d 2020-01-01 copy; cp -uv text/one copy", setup=TREE),
    row("coreutils", "mv", "mv -v text/one renamed; mv -nv text/two renamed; mv text moved", setup=TREE),
    row("coreutils", "mv to another file system", "mv text /dev/shm/$$; mv /dev/shm/$$ back", setup=TREE),
    row("coreutils", "mv --exchange by backup", "mv --backup=numbered text/one text/two; ls text", setup=TREE),
    row("coreutils", "rm -r", "rm -rv text | sort", setup=TREE),
    row("coreutils", "rm refuses a directory", "rm text", setup=TREE, status=1),
    row("coreutils", "ln", "ln text/one hard; ln -s text/one soft; ln -sfn other soft; stat -c %h hard", setup=TREE),
    row("coreutils", "link and unlink", "link text/one other; unlink text/one; cat other", setup=TREE),
    row("coreutils", "mkdir", "mkdir -pv -m 750 a/b/c; mkdir a", status=1),
    row("coreutils", "rmdir", "mkdir -p a/b/c; rmdir -pv a/b/c; rmdir text", setup=TREE, status=1),
    row("coreutils", "install", "install -D -v -m 640 text/one deep/down/one; install -d -m 700 new", setup=TREE),
    row("coreutils", "mktemp", "f=$(mktemp); d=$(mktemp -d); stat -c %a $f $d; mv $f file; mv $d directory"),
    row("coreutils", "mkfifo", "mkfifo -m 600 p; (seq 3 >p &); cat p"),
    row("coreutils", "mknod", "mknod -m 644 p p; stat -c '%F %a' p"),
    row("coreutils", "touch", "touch -d '2001-02-03 04:05:06.789' a; touch -r a b; touch -ac a; stat -c %y b"),
    row("coreutils", "touch symlink", "ln -s gone l; touch -h -d 2001-02-03 l; stat -c %y l; touch -c l"),
    row("coreutils", "chmod", "chmod -c u=rw,go= text/one; chmod -R a+rX text; chmod g+s text", setup=TREE),
    row("coreutils", "chmod 0", "chmod 0 text/one; stat -c %a text/one; chmod 600 text/one", setup=TREE),
    row("coreutils", "chown to self", "chown -cR $(id -u):$(id -g) text; stat -c %a text/one", setup=TREE),
    row("coreutils", "stat", "stat -c '%n %F %s %a %h %u %Y' text/* text/link; stat -L -c %F text/link", setup=TREE),
    row("coreutils", "truncate", "truncate -s 10 a; truncate -s +5 b; truncate -s %512 b; wc -c a b", setup=LINES),
    row("coreutils", "fallocate", "fallocate -l 8192 f; fallocate -p -o 0 -l 4096 f; stat -c %s f; cat f | wc -c"),
    row("coreutils", "shred", "shred -n 1 -z text/one; od -c text/one | head -1; shred -u text/two", setup=TREE),
    row("coreutils", "sync", "sync a; sync -d a; sync -f a; echo done", setup=LINES),
    row("coreutils", "readlink", "readlink text/link; readlink -f text/link | xargs basename", setup=TREE),
    row("coreutils", "realpath", "realpath --relative-to=. text/link text/deep/..; realpath -e gone", setup=TREE,
        status=1),
    row("coreutils", "symlink loop", "ln -s b a; ln -s a b; cat a", status=1),
    row("coreutils", "pwd", "mkdir -p a/b; cd a/b; pwd -P; mv ../b ../c; /bin/pwd; rmdir ../c; /bin/pwd", status=1),
    row("coreutils", "du", "du -ab --apparent-size text | sort", setup=TREE),
    row("coreutils", "df", "df --output=target / | tail -1; df -P . >/dev/null"),
    row("coreutils", "dd", "dd if=a of=c bs=100 skip=3 seek=2 count=5; dd if=b of=a conv=notrunc bs=1k count=1",
        setup=LINES),
    row("coreutils", "dd flags", "dd if=a of=c oflag=append conv=notrunc bs=64k; dd if=/dev/zero bs=1M count=8 | wc -c",
        setup=LINES),
    row("coreutils", "head and tail", "head -n 3 a; head -c -8800 a; tail -n 3 a; tail -c 10 b; tail -n +1998 a",
        setup=LINES),
    row("coreutils", "tail -f", "(sleep .3; seq 2001 2003 >>a) & tail -n 1 -f --pid=$! -s .1 a", setup=LINES),
    row("coreutils", "sort", "sort -rn a | head -3; sort -m a b | wc -l; sort -S 1k --parallel=2 b a | tail -2",
        setup=LINES),
    row("coreutils", "sort -o same file", "sort -R --random-source=b a -o a; sort -nu -o a a; sha1sum a", setup=LINES),
    row("coreutils", "uniq", "sort a b | uniq -c | sort -n | tail -3; sort a b | uniq -d | wc -l", setup=LINES),
    row("coreutils", "wc", "wc a b; wc -L <a", setup=LINES),
    row("coreutils", "tee", "seq 3 | tee one two | tee -a a >/dev/null; cat one two; tail -n 1 a", setup=LINES),
    row("coreutils", "tr", "tr 0-9 a-j <a | head -12 | tail -2; tr -dc 1 <a | wc -c", setup=LINES),
    row("coreutils", "cut and paste", "paste -d: a b | cut -d: -f2 | tail -2; seq 9 | paste -s -d+", setup=LINES),
    row("coreutils", "comm and join", "sort a >c; sort b >d; comm -12 c d | wc -l; join c d | tail -1", setup=LINES),
    row("coreutils", "split", "split -n l/4 a part; split -b 1k -d b num; cat part?? | cmp - a", setup=LINES),
    row("coreutils", "split --filter", "split -l 500 --filter='wc -l >$FILE' a f; cat f??", setup=LINES),
    row("coreutils", "csplit", "csplit -z -n 3 a /500/ {1} /1500/", setup=LINES),
    row("coreutils", "tac, rev, nl, fold", "seq 12 | tac | nl | fold -w 5 | rev", setup=LINES),
    row("coreutils", "fmt, pr, expand", "seq 40 | fmt -w 20 | pr -t -2 -l 5 | expand | unexpand -a"),
    row("coreutils", "seq and factor", "seq -w 8 2 12; seq 1.5 .25 2.5; factor 18446744073709551557 360"),
    row("coreutils", "checksums", "sha256sum a b | tee sums; md5sum a; cksum a; b2sum b; sha256sum -c sums", setup=LINES),
    row("coreutils", "base64 and od", "base64 a | tail -1; base64 a | base64 -d | cmp - a; od -A d -t x4 a | tail -2",
        setup=LINES),
    row("coreutils", "date", "date -d '2001-02-03 04:05:06' '+%F %T %s %j'; date -u -r a >/dev/null; date", setup=LINES),
    row("coreutils", "env", "env -i A=1 B='x y' /usr/bin/env | sort; env -u HOME sh -c 'echo ${HOME-unset}'"),
    row("coreutils", "env of a signal", "env --ignore-signal=INT sh -c 'kill -INT $$; echo alive'"),
    row("coreutils", "timeout", "timeout .2 sleep 9", status=124),
    row("coreutils", "timeout -s KILL", "timeout -s KILL .2 sleep 9", status=137),
    row("coreutils", "timeout that is not reached", "timeout 9 sh -c 'exit 7'", status=7),
    row("coreutils", "nohup", "nohup sh -c 'kill -HUP $$; echo alive'"),
    row("coreutils", "nice", "nice -n 5 nice; nice nice"),
    row("coreutils", "stdbuf", "seq 3 | stdbuf -oL -i0 cat; stdbuf -o 1K env | grep -c STDBUF"),
    row("coreutils", "sleep", "sleep .01 .02; echo done"),
    row("coreutils", "yes and a closed pipe", "yes | head -n 3; bash -c 'yes | head -1; echo ${PIPESTATUS[@]}'"),
    row("coreutils", "write to a full device", "echo text >/dev/full", status=2),
    row("coreutils", "id and groups", "id; groups; whoami || true; test -r a; [ -d . ]; test -x a", setup=LINES, status=1),
    row("coreutils", "uname", "uname -srvm; nproc; hostname; arch || true"),
    row("coreutils", "tty", "tty", status=1),
    row("coreutils", "printf and echo", "/usr/bin/printf '%s %05d %x\\n' a 42 255; /bin/echo -n end"),
    row("coreutils", "expr and numfmt", "expr 6 \\* 7; numfmt --to=iec 1048576; expr match abc 'a\\(.\\)'"),
    row("coreutils", "chroot refused or done", "chroot . /none || echo $?", setup=LINES),
    row("coreutils", "names in any bytes", "touch $(printf 'a\\377b') \"$(printf 'x\\ny')\" 'c  d'; ls -1 --quoting-style=c"),
    row("coreutils", "long names", "n=$(printf %0255d 0); touch $n; touch ${n}0", status=1),
    row("coreutils", "deep path", "sh $SCRIPTS/deep_path.sh"),
    # dash
    row("dash", "pipes", "dash $SCRIPTS/pipes.sh"),
    row("dash", "traps", "dash $SCRIPTS/traps.sh"),
    row("dash", "redirections", "dash $SCRIPTS/redirections.sh"),
    row("dash", "forks", "i=0; while [ $i -lt 100 ]; do (exit $((i % 3))) || n=$((n + 1)); i=$((i + 1)); done; echo $n"),
    row("dash", "killed child", "dash -c 'kill -9 $$' || echo $?; dash -c 'kill -TERM $$' || echo $?"),
    row("dash", "killed by its own signal", ("/bin/dash", "-c", "kill -TERM $$"), status=143),
    row("dash", "segmentation fault", "ulimit -c 0; sh -c 'kill -SEGV $$' || echo $?", stderr=False),
    row("dash", "command not found", ("/bin/dash", "-c", "no-such-command"), status=127),
    row("dash", "not executable", "echo true >f; ./f", status=126),
    row("dash", "script without a hash-bang", "echo 'echo $0 $1' >f; chmod +x f; ./f one"),
    row("dash", "hash-bang with an argument", "printf '#!/bin/sh -x\\necho $1' >f; chmod +x f; ./f two"),
    # bash
    row("bash", "pipes", "bash $SCRIPTS/pipes.sh"),
    row("bash", "traps", "bash $SCRIPTS/traps.sh"),
    row("bash", "redirections", "bash $SCRIPTS/redirections.sh"),
    row("bash", "PIPESTATUS", "bash -c 'true | false | (exit 3) | kill -9 $BASHPID; echo ${PIPESTATUS[@]}'"),
    row("bash", "pipefail and lastpipe", "bash -c 'set -o pipefail; shopt -s lastpipe; seq 3 | read x; echo $x; false | :'",
        status=1),
    row("bash", "here-documents", "bash $SCRIPTS/here_documents.bash"),
    row("bash", "process substitution", "bash $SCRIPTS/process_substitution.bash", setup=LINES),
    row("bash", "coproc", "bash $SCRIPTS/coproc.bash"),
    row("bash", "wait -n", "bash $SCRIPTS/wait_n.bash"),
    row("bash", "signals", "bash $SCRIPTS/signals.bash"),
    row("bash", "job control", "bash $SCRIPTS/job_control.bash"),
    row("bash", "ulimit", "bash -c 'ulimit -n 64; ulimit -Sn; ulimit -f 1; head -c 9999 /dev/zero >f; echo $?; ulimit -a'"),
    row("bash", "limits as inherited", "bash -c 'ulimit -Sa; ulimit -Ha'"),
    row("bash", "signals as inherited", "bash -c 'grep -E \"Sig(Q|Blk|Ign)|ShdPnd|SigPnd\" /proc/self/status | grep -v SigQ'"),
    row("bash", "descriptors as inherited", "bash -c 'ls /proc/self/fd; readlink /proc/self/fd/0'"),
    row("bash", "umask as inherited", "bash -c 'umask; umask 077; touch a; mkdir d; stat -c %a a d'"),
    row("bash", "process groups and session", "bash $SCRIPTS/process_groups.bash"),
    row("bash", "mapfile and arrays", "bash -c 'mapfile -t l < <(seq 5); declare -A m=([a]=1); echo ${l[@]:1:2} ${!m[@]}'"),
    row("bash", "/dev/tcp", "python3 $SCRIPTS/echo_server.py bash -c 'exec 3<>/dev/tcp/127.0.0.1/$PORT; echo hi >&3; cat <&3'"),
    row("bash", "recursion", "bash -c 'f() { [ $1 -eq 0 ] && echo end || f $(($1 - 1)); }; f 500'"),
    row("bash", "subshell depth", "bash $SCRIPTS/subshells.bash"),
    row("bash", "exec and exit trap", "bash -c 'trap \"echo bye\" EXIT; (exit 4); (exec sh -c \"exit 5\"); echo $?; exit 6'",
        status=6),
    row("bash", "read -t and /dev/fd", "bash -c 'read -t .1 x < <(sleep 1) || echo $(($? > 128)); cat /dev/fd/3 3<<<three'"),
    row("bash", "background reader", "bash -c 'cat & wait $!; echo $?'"),
    row("bash", "time", "bash -c 'time sleep .01'"),
    # static programs
    row("busybox-static", "applets", "busybox sh $SCRIPTS/applets.sh", needs=("busybox-static",)),
    row("busybox-static", "pipes", "busybox sh $SCRIPTS/pipes.sh", needs=("busybox-static",)),
    row("busybox-static", "traps", "busybox sh $SCRIPTS/traps.sh", needs=("busybox-static",)),
    row("busybox-static", "links", "busybox --install -s bin; PATH=bin; ls -l bin | wc -l; seq 3 | sort -r",
        needs=("busybox-static",), setup="mkdir bin"),
    row("musl", "files and threads", ("./program",), needs=("musl-tools",),
        setup="musl-gcc -static -pthread -o program $SCRIPTS/portable.c"),
    row("musl", "dynamic glibc twin", ("./program",), needs=("gcc",), setup="gcc -pthread -o program $SCRIPTS/portable.c"),
    row("musl", "static glibc twin", ("./program",), needs=("gcc",),
        setup="gcc -static -pthread -o program $SCRIPTS/portable.c"),
    row("no libc", "write, fork, wait, exit", ("./program",), needs=("gcc",), status=42,
        setup="gcc -nostdlib -static -ffreestanding -fno-stack-protector -O1 -o program $SCRIPTS/no_libc.c"),
    # python3
    row("python3", "start", "/usr/bin/python3 -c 'import sys; print(sys.version, sys.argv, sys.flags)' one two"),
    row("python3", "isolated start", "/usr/bin/python3 -I -S -c 'import sys; print(sys.path)'"),
    row("python3", "modules and cache", "echo x=1 >m.py; python3 -c 'import m; print(m.x)'; python3 -c 'import m'"),
    row("python3", "venv without pip", "python3 -m venv --without-pip v; v/bin/python -c 'import sys; print(sys.prefix)'",
        needs=("python3-venv",)),
    row("python3", "venv with ensurepip", "python3 -m venv v; v/bin/pip --version; v/bin/pip list --format=freeze", FULL,
        needs=("python3-venv",), timeout=180),
    row("python3", "pip install of a wheel", "sh $SCRIPTS/pip_install.sh", needs=("python3-pip", "python3-venv"),
        setup="python3 $SCRIPTS/make_wheel.py", timeout=120),
    row("python3", "pip wheel and uninstall", "sh $SCRIPTS/pip_uninstall.sh", FULL, needs=("python3-pip", "python3-venv"),
        setup="python3 $SCRIPTS/make_wheel.py", timeout=180),
    row("python3", "threading", "python3 $SCRIPTS/threads.py"),
    row("python3", "multiprocessing fork", "python3 $SCRIPTS/processes.py fork"),
    row("python3", "multiprocessing spawn", "python3 $SCRIPTS/processes.py spawn"),
    row("python3", "multiprocessing forkserver", "python3 $SCRIPTS/processes.py forkserver"),
    row("python3", "shared memory", "python3 $SCRIPTS/shared_memory.py"),
    row("python3", "asyncio subprocesses", "python3 $SCRIPTS/asyncio_subprocesses.py"),
    row("python3", "asyncio sockets and signals", "python3 $SCRIPTS/asyncio_sockets.py"),
    row("python3", "concurrent.futures", "python3 $SCRIPTS/futures.py"),
    row("python3", "subprocess", "python3 $SCRIPTS/subprocesses.py"),
    row("python3", "pty", "python3 -c 'import pty; print(pty.spawn([\"sh\", \"-c\", \"tty >/dev/null; exit 3\"]))'"),
    row("python3", "file locks", "python3 $SCRIPTS/file_locks.py"),
    row("python3", "shutil and tempfile", "python3 $SCRIPTS/shutil_tree.py", setup=TREE),
    row("python3", "compileall in processes", "python3 -m compileall -q -j 2 src; find src -name '*.pyc' | sort",
        setup="mkdir src; for i in $(seq 40); do echo \"x = [$i] * $i\" >src/m$i.py; done"),
    row("python3", "unhandled exception", "python3 -c 'raise ValueError(1)'", status=1),
    row("python3", "Ctrl-C", "python3 -c 'import os, signal; os.kill(os.getpid(), signal.SIGINT)'", status=130),
    # git
    row("git", "init", "git init -b main r; git -C r config user.name someone; git -C r status", needs=GIT),
    row("git", "add and commit", "sh $SCRIPTS/git_commit.sh", needs=GIT, setup=TREE),
    row("git", "clone", "git clone -q r copy; git -C copy log --oneline --stat", needs=GIT, setup=REPOSITORY),
    row("git", "clone through a transport", "git -c pack.threads=1 clone -q file://$PWD/r copy; git -C copy fsck", needs=GIT,
        setup=REPOSITORY),
    row("git", "gc", "git -C r -c pack.threads=1 gc --quiet --prune=now; git -C r count-objects -v", needs=GIT,
        setup=REPOSITORY),
    row("git", "branch, merge, rebase", "sh $SCRIPTS/git_branches.sh", needs=GIT, setup=REPOSITORY),
    row("git", "diff, blame, grep", "cd r; git diff HEAD~2 --stat; git blame a | tail -3; git grep -n 77 | tail -2", needs=GIT,
        setup=REPOSITORY),
    row("git", "fetch and push", "sh $SCRIPTS/git_remotes.sh", needs=GIT, setup=REPOSITORY),
    row("git", "worktree and stash", "sh $SCRIPTS/git_worktree.sh", needs=GIT, setup=REPOSITORY),
    row("git", "hooks", "sh $SCRIPTS/git_hooks.sh", needs=GIT, setup=REPOSITORY),
    row("git", "status with 2,000 files", "cd r; git status --porcelain; rm d3/f7; echo x >d4/f8; git status --short",
        needs=GIT, setup="sh $SCRIPTS/many_files.sh"),
    row("git", "checkout of 2,000 files", "cd r; git checkout -q first; git checkout -q -; git status -s | wc -l", needs=GIT,
        setup="sh $SCRIPTS/many_files.sh"),
    # gcc and make
    row("gcc", "compile and run", "gcc -O2 -Wall -pthread -o program $SCRIPTS/portable.c; ./program", needs=("gcc",)),
    row("gcc", "error message", "echo 'int f(void) { return x; }' >a.c; gcc -c a.c", needs=("gcc",), status=1),
    row("gcc", "preprocess and pipe", "echo '#include <stdio.h>' | gcc -E - | sha1sum; gcc -pipe -S -o - a.c", needs=("gcc",),
        setup="echo 'int f(int x) { return x * 3; }' >a.c"),
    row("gcc", "shared library and -flto", "sh $SCRIPTS/shared_library.sh", needs=("gcc",)),
    row("make", "-j2 of 50 files", "make -s -j2; ./program; make -s -j2", needs=("gcc", "make"), setup=C_PROJECT, timeout=120),
    row("make", "failing rule", "make -k -j2 -f $SCRIPTS/failing.mk", needs=("make",), status=2, stderr=False),
    row("make", "recursive with jobserver", "make -j2 -s -f $SCRIPTS/recursive.mk | sort", needs=("make",)),
    # tools
    row("tar", "create, list, extract", "sh $SCRIPTS/tar_round.sh", setup=TREE),
    row("tar", "through gzip and xz", "tar czf a.tgz text; tar cJf a.txz text; rm -r text; tar xJf a.txz; tar tzf a.tgz | sort; "
        "rm a.t*", setup=TREE, needs=("xz-utils",)),
    row("gzip", "round trip", "gzip -9nk a; gzip -dc a.gz | cmp - a; gzip -l a.gz; gunzip -f a.gz; zcat -f b | wc -l",
        setup=LINES),
    row("gzip", "damaged file", "gzip -n a; truncate -s 900 a.gz; gunzip a.gz", setup=LINES, status=1),
    row("xz", "round trip", "xz -k a; xz -T2 --block-size=1KiB -k b; xz -l *.xz; xz -dc a.xz | cmp - a; xz -t b.xz", setup=LINES,
        needs=("xz-utils",)),
    row("find", "predicates", "find text -type f -size -2k -newermt 2000-01-01 -printf '%p %m %s %TY\\n' | sort", setup=TREE),
    row("find", "-exec and -delete", "find text -type f -exec sh -c 'wc -c \"$1\"' _ {} \\; | sort; find text -depth -delete",
        setup=TREE),
    row("find", "/usr/include", "find /usr/include -name 'std*.h' | sort | head -40"),
    row("xargs", "-P 2", "seq 40 | xargs -P 2 -n 5 sh -c 'echo $#' _ | sort; seq 9 | xargs -n 3 echo"),
    row("xargs", "exit statuses", "echo 1 | xargs false || echo $?; echo 1 | xargs sh -c 'kill $$' || echo $?"),
    row("xargs", "largest command line", "seq 60000 | xargs -x -n 60000 sh -c 'echo $#' _; seq 200000 | xargs echo | wc -c"),
    row("grep", "-r", "grep -rn 'line' text | sort; grep -c 9 a; grep -q nothing a", setup=f"{TREE}; {LINES}", status=1),
    row("grep", "-P -z", "printf 'a\\0b1\\0' | grep -zP '\\d' | od -c; grep -oE '1{2,}' a | sort | uniq -c", setup=LINES),
    row("sed", "-i", "sed -i.bak -e 's/1/one/g;5q' a; cat a; sed -n '$=' b; sed 's/9$/&!/w marked' b | tail -1", setup=LINES),
    row("awk", "sums, pipes, files", "awk -f $SCRIPTS/report.awk a b", setup=LINES),
    row("perl", "fork, pipes, sockets", "perl $SCRIPTS/forks.pl"),
    row("perl", "in place", "perl -i -pe 's/(\\d+)/$1*2/e' a; tail -n 2 a; perl -e 'print sort {$a<=>$b} <>' b | tail -1",
        setup=LINES),
    row("diff", "recursive, patch-ready", "diff -ru text other; true", setup=f"{TREE}; cp -r text other; echo x >>other/one",
        status=1),
    row("sqlite3", "schema and queries", "sqlite3 db <$SCRIPTS/queries.sql", needs=("sqlite3",)),
    row("sqlite3", "two writers, rollback journal", "sh $SCRIPTS/two_writers.sh DELETE", needs=("sqlite3",)),
    row("sqlite3", "two writers, WAL", "sh $SCRIPTS/two_writers.sh WAL", needs=("sqlite3",)),
    row("sqlite3", "locked database", "sh $SCRIPTS/locked_database.sh", needs=("sqlite3",)),
    # node, java, redis
    row("node", "start", "node -e 'console.log(process.version, process.argv.length)'", needs=NODE),
    row("node", "worker_threads", "node $SCRIPTS/workers.js", needs=NODE),
    row("node", "child_process", "node $SCRIPTS/children.js", needs=NODE),
    row("node", "files and streams", "node $SCRIPTS/streams.js", needs=NODE, setup=LINES),
    row("node", "net and http", "node $SCRIPTS/http.js", needs=NODE),
    row("java", "-version", "java -version", needs=JAVA),
    row("java", "a compiled class", ("/usr/bin/java", "-Xmx128m", "Work"), needs=JAVA, setup="javac -d . $SCRIPTS/Work.java"),
    row("java", "javac", "javac -d . $SCRIPTS/Work.java; ls *.class | wc -l", FULL, needs=JAVA, timeout=120),
    row("redis", "benchmark on a unix socket", "sh $SCRIPTS/redis_socket.sh", needs=REDIS),
    row("redis", "benchmark on loopback", "sh $SCRIPTS/redis_loopback.sh", needs=REDIS),
    row("redis", "save and load", "sh $SCRIPTS/redis_save.sh", needs=REDIS),
    # terminals
    row("bash in tmux", "prompt and exit", SHELL, needs=TMUX, status=3, steps=(
        keys("echo one; tty | sed 's/[0-9]*$//'", "Enter", until=r"^/dev/pts/"), keys("exit 3", "Enter", until="exit status"))),
    row("bash in tmux", "Ctrl-C", SHELL, needs=TMUX, status=130, steps=(
        keys("sleep 60", "Enter", until=r"sleep 60$"), keys("C-c", until=r"\^C\n\$"),
        keys("echo $?", "Enter", until="^130$"), keys("C-c", until=r"\$ \^C\n\$"), keys("C-d", until="exit status"))),
    row("bash in tmux", "Ctrl-C of a pipeline", SHELL, needs=TMUX, steps=(
        keys("sleep 60 | cat | (trap 'echo caught' INT; cat; sleep .2)", "Enter", until=r"sleep .2\)$"),
        keys("C-c", until=r"\$ $"), keys("exit 0", "Enter", until="exit status"))),
    row("bash in tmux", "Ctrl-Z, fg, bg, kill", SHELL, needs=TMUX, steps=(
        keys("sleep 60", "Enter", until=r"sleep 60$"), keys("C-z", until="Stopped"), keys("jobs", "Enter", until=r"jobs\n.*Stop"),
        keys("fg", "Enter", until=r"fg\nsleep 60"), keys("C-z", until=r"(?s)Stopped.*Stopped.*Stopped"),
        keys("bg; kill %1; wait", "Enter", until="Terminated"), keys("exit 0", "Enter", until="exit status"))),
    row("bash in tmux", "background read", SHELL, needs=TMUX, steps=(
        keys("cat &", "Enter", until=r"^\[1\] \d+"), keys("", "Enter", until="Stopped"), keys("fg", "Enter", until="^fg|fg\ncat"),
        keys("typed", "Enter", until="typed\ntyped"), keys("C-d", until=r"\$ $"), keys("exit 0", "Enter", until="exit status"))),
    row("bash in tmux", "tostop", SHELL, needs=TMUX, steps=(
        keys("stty tostop; (echo late) & sleep .3; jobs -l | sed 's/ [0-9]* / /'", "Enter", until=r"Stopped \(tty output\)"),
        keys("fg", "Enter", until="^late"), keys("exit 0", "Enter", until="exit status"))),
    row("bash in tmux", "Ctrl-\\", SHELL, needs=TMUX, steps=(
        keys("ulimit -c 0; sleep 60", "Enter", until=r"sleep 60$"), keys("C-\\", until="Quit"),
        keys("exit 0", "Enter", until="exit status"))),
    row("bash in tmux", "resize", SHELL, needs=TMUX, steps=(
        keys("stty size; trap 'echo winch; stty size' WINCH; sleep 60", "Enter", until="^24 80"),
        resize(100, 30, until=r"sleep 60"), keys("C-c", until="^30 100"), keys("exit 0", "Enter", until="exit status"))),
    row("bash in tmux", "line editing", SHELL, needs=TMUX, steps=(
        keys("echo two", "C-a", "M-f", " one", "C-e", " three", "Enter", until="^one two three"),
        keys("C-r", "echo", until="reverse-i-search"), keys("C-g", until=r"\$ $"), keys("exit", "Enter", until="exit status"))),
    row("vi in tmux", "edit and save", ("/usr/bin/vim.tiny", "-u", "NONE", "-N", "-n", "file"), needs=VI, steps=(
        keys(until="~"), keys("i", "first", "Enter", "second", "Escape", until="second"), keys("yyp", until="second\nsecond"),
        keys(":wq", "Enter", until="exit status"))),
    row("vi in tmux", "resize", ("/usr/bin/vim.tiny", "-u", "NONE", "-N", "-n", "a"), needs=VI, setup=LINES, steps=(
        keys(until="^1$"), resize(60, 10, until="\\A(?:.*\n){9}.*a"), keys("G", until="^2000"), resize(90, 30, until="^1980"),
        keys(":q!", "Enter", until="exit status"))),
    row("vi in tmux", "Ctrl-Z and fg", SHELL, needs=VI, setup=LINES, steps=(
        keys("vim.tiny -u NONE -N -n a", "Enter", until="^1\n2"), keys("C-z", until="Stopped"),
        keys("fg", "Enter", until="^1\n2"), keys("dd", until="^2\n3"), keys("C-c", until="^2\n3"),
        keys(":wq", "Enter", until=r"\$ $"), keys("head -1 a; exit", "Enter", until="exit status"))),
    row("vi in tmux", "shell command and filter", ("/usr/bin/vim.tiny", "-u", "NONE", "-N", "-n", "a"), needs=VI, setup=LINES,
        steps=(keys(until="^1$"), keys(":%!sort -rn", "Enter", until="^2000"), keys(":!echo out", "Enter", until="Press ENTER"),
               keys("Enter", until="^2000"), keys(":wq", "Enter", until="exit status"))),
    # CPython's own tests
    row("cpython", "test_tempfile", "python3.11 $SCRIPTS/cpython.py test_tempfile", needs=CPYTHON, timeout=90),
    row("cpython", "test_pty", "python3.11 $SCRIPTS/cpython.py test_pty", needs=CPYTHON, timeout=60),
    row("cpython", "test_shutil", "python3.11 $SCRIPTS/cpython.py test_shutil", FULL, needs=CPYTHON, timeout=300),
    row("cpython", "test_mmap", "python3.11 $SCRIPTS/cpython.py test_mmap", FULL, needs=CPYTHON, timeout=300),
    row("cpython", "test_os", "python3.11 $SCRIPTS/cpython.py test_os", FULL, needs=CPYTHON, timeout=300),
    row("cpython", "test_posix", "python3.11 $SCRIPTS/cpython.py test_posix", FULL, needs=CPYTHON, timeout=300),
    row("cpython", "test_signal", "python3.11 $SCRIPTS/cpython.py test_signal", FULL, needs=CPYTHON, timeout=300),
    row("cpython", "test_threading", "python3.11 $SCRIPTS/cpython.py test_threading", FULL, needs=CPYTHON, timeout=600),
    row("cpython", "test_socket", "python3.11 $SCRIPTS/cpython.py test_socket", FULL, needs=CPYTHON, timeout=600),
    row("cpython", "test_subprocess", "python3.11 $SCRIPTS/cpython.py test_subprocess", FULL, needs=CPYTHON, timeout=900),
    # stress-ng, one second each
    row("stress-ng", "filesystem", "sh $SCRIPTS/stress.sh filesystem", FULL, needs=("stress-ng",), timeout=600, stderr=False),
    row("stress-ng", "pipe-io", "sh $SCRIPTS/stress.sh pipe-io", FULL, needs=("stress-ng",), timeout=300, stderr=False),
    row("stress-ng", "scheduler", "sh $SCRIPTS/stress.sh scheduler", FULL, needs=("stress-ng",), timeout=600, stderr=False),
    row("stress-ng", "memory", "sh $SCRIPTS/stress.sh memory", FULL, needs=("stress-ng",), timeout=900, stderr=False),
    row("stress-ng", "interrupt", "sh $SCRIPTS/stress.sh interrupt", FULL, needs=("stress-ng",), timeout=600, stderr=False),
]
