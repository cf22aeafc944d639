"""What programs show of names under nt: any spelling finds, and the stored one is shown."""

from __future__ import annotations

import os
import shutil
import sys
import zipfile
from typing import TYPE_CHECKING

import pytest
from build import compile_source

from .guests import HERE, Result, run, shell

if TYPE_CHECKING:
    from pathlib import Path


def names(directory: Path) -> list[str]:
    return sorted(os.listdir(directory))


def test_another_spelling_reads_the_file(tmp_path: Path) -> None:
    (tmp_path / "ReadMe.MD").write_text("text\n")
    assert shell(tmp_path, "cat README.md") == (0, "text\n", "")


def test_another_spelling_enters_the_directory(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    assert shell(tmp_path, "cd SRC && /bin/pwd -P") == (0, f"{tmp_path}/src\n", "")


def test_another_spelling_exists(tmp_path: Path) -> None:
    (tmp_path / "foo").mkdir()
    assert shell(tmp_path, "mkdir Foo") == (1, "", "mkdir: cannot create directory \u2018Foo\u2019: File exists\n")
    assert names(tmp_path) == ["foo"]


def test_includes_are_found(tmp_path: Path) -> None:
    (tmp_path / "include").mkdir()
    (tmp_path / "include" / "Header.h").write_text("#define STATUS 7\n")
    (tmp_path / "main.c").write_text('#include "HEADER.H"\nint main(void) { return STATUS; }\n')
    assert shell(tmp_path, "gcc -I INCLUDE Main.c -o program && ./PROGRAM") == (7, "", "")


def test_the_dynamic_loader_finds_libraries(tmp_path: Path) -> None:
    (tmp_path / "Lib").mkdir()
    (tmp_path / "seven.c").write_text("int seven(void) { return 7; }\n")
    (tmp_path / "main.c").write_text("int seven(void);\nint main(void) { return seven(); }\n")
    done = shell(
        tmp_path,
        "gcc -shared -fPIC SEVEN.C -o lIB/libSeven.so && gcc MAIN.C -LLIB -lseven -o program &&"
        "LD_LIBRARY_PATH=$PWD/lib ./PROGRAM",
    )
    assert (done.status, done.stdout) == (7, ""), done
    assert names(tmp_path / "Lib") == ["libSeven.so"]


def test_a_script_runs(tmp_path: Path) -> None:
    script = tmp_path / "script.sh"
    script.write_text("#!/BIN/Sh\necho $0 $1\n")
    script.chmod(0o755)
    assert shell(tmp_path, "./Script.SH word") == (0, "./script.sh word\n", "")


def test_what_follows_an_interpreter_is_one_word(tmp_path: Path) -> None:
    shutil.copy("/bin/echo", tmp_path / "Say")
    (tmp_path / "script").write_text(f"#!{tmp_path}/sAY  one  two \n")
    (tmp_path / "script").chmod(0o755)
    assert shell(tmp_path, "./script three") == (0, "one  two ./script three\n", "")


def test_interpreters_that_are_scripts_are_found(tmp_path: Path) -> None:
    for name, line in (("Outer", "iNNER outer-word"), ("Inner", "sCRIPT"), ("Script", "/BIN/sh -e")):
        (tmp_path / name).write_text(f"#!{tmp_path}/{line}\n" if name != "Script" else "#!/BIN/sh -e\necho $0 $@\n")
        (tmp_path / name).chmod(0o755)
    expected = f"{tmp_path}/sCRIPT {tmp_path}/iNNER outer-word ./Outer a b\n"
    assert shell(tmp_path, "./oUTER a b") == (0, expected, "")


@pytest.mark.parametrize(
    ("name", "flags", "shown"),
    [
        ("sCRIPT", 0, "/dev/fd/9/Script one\n"),
        ("Script", 0, "/dev/fd/9/Script one\n"),
        ("sCRIPT", 0x1000, "/dev/fd/9 one\n"),
        ("Link", 0, "/dev/fd/9/Link one\n"),
        ("Link", 0x100, "Too many levels of symbolic links\n"),
    ],
)
def test_a_script_runs_by_descriptor(tmp_path: Path, name: str, flags: int, shown: str) -> None:
    (tmp_path / "Script").write_text("#!/BIN/Sh\necho $0 $1\n")
    (tmp_path / "Script").chmod(0o755)
    (tmp_path / "Link").symlink_to("Script")
    assert run(tmp_path, str(compile_source(HERE / "execveat.c")), name, str(flags)) == (0, shown, "")


def test_the_program_itself_may_be_spelled_otherwise(tmp_path: Path) -> None:
    (tmp_path / "Bin").mkdir()
    shutil.copy("/bin/echo", tmp_path / "Bin" / "Say")
    assert run(tmp_path, "./bIN/sAY", "word") == (0, "word\n", "")
    assert run(tmp_path, "sAY", "word", PATH=f"/usr/bin:{tmp_path}/BIN") == (0, "word\n", "")


@pytest.mark.parametrize(("mode", "status"), [(0o755, 0), (0o644, 126)])
def test_an_interpreter_is_found_for_those_who_may_run_the_script(tmp_path: Path, mode: int, status: int) -> None:
    shutil.copy("/bin/sh", tmp_path / "Shell")
    script = tmp_path / "script"
    script.write_text(f"#!{tmp_path}/sHELL -e\necho $0 $1 $2; false; echo not here\n")
    script.chmod(mode)
    done = shell(tmp_path, "./script a b; exit $?")
    assert (done.status, done.stdout) == ((1, "./script a b\n") if status == 0 else (status, ""))


def test_a_file_moves_over_another_spelling(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("new")
    (tmp_path / "b").write_text("old")
    assert shell(tmp_path, "mv a B") == (0, "", "")
    assert names(tmp_path) == ["B"]
    assert (tmp_path / "B").read_text() == "new"


def test_the_spelling_alone_can_be_changed(tmp_path: Path) -> None:
    (tmp_path / "name").write_text("text")
    (tmp_path / "dir").mkdir()
    assert shell(tmp_path, "mv name NAME && mv -T DIR Dir") == (0, "", "")
    assert names(tmp_path) == ["Dir", "NAME"]
    assert (tmp_path / "NAME").read_text() == "text"


def test_a_rename_that_fails_changes_no_spelling(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("text")
    (tmp_path / "dir").mkdir()
    program = "import os\ntry:\n    os.rename('dir', 'FILE')\nexcept NotADirectoryError:\n    print('refused')\n"
    assert run(tmp_path, sys.executable, "-c", program) == (0, "refused\n", "")
    assert names(tmp_path) == ["dir", "file"]


def test_a_socket_is_reached_whatever_its_path_is_stored_as(tmp_path: Path) -> None:
    """The stored path is longer than the one asked for: the address that the kernel reads is too."""
    (tmp_path / "Directory").mkdir()
    (tmp_path / "Link").symlink_to("dIRECTORY")
    program = """
import socket
server, client = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)
server.bind("lINK/Socket")
server.listen()
client.connect("LINK/sOCKET")
"""
    assert run(tmp_path, sys.executable, "-c", program) == (0, "", "")
    assert names(tmp_path / "Directory") == ["Socket"]


def test_both_of_two_spellings_stay_reachable(tmp_path: Path) -> None:
    (tmp_path / "A").write_text("upper\n")
    (tmp_path / "a").write_text("lower\n")
    assert shell(tmp_path, "cat A a; echo more >>a; rm A; cat a") == (0, "upper\nlower\nlower\nmore\n", "")
    assert names(tmp_path) == ["a"]


def test_another_spelling_is_emptied(tmp_path: Path) -> None:
    (tmp_path / "Log").write_text("a long text\n")
    assert shell(tmp_path, "echo new >LOG; cat log") == (0, "new\n", "")
    assert names(tmp_path) == ["Log"]


def test_what_is_made_and_removed_outside_is_seen_at_once(tmp_path: Path) -> None:
    """A process that picobox does not serve makes and removes a file, each time before the guest looks."""
    os.mkfifo(tmp_path / "ask")
    os.mkfifo(tmp_path / "answer")
    pid = os.fork()
    if pid == 0:
        for _ in range(50):
            for change in ((tmp_path / "Outside").touch, (tmp_path / "Outside").unlink):
                (tmp_path / "ask").read_text()
                change()
                (tmp_path / "answer").write_text("done")
        os._exit(0)
    script = """
    i=0
    while [ $i -lt 50 ]; do
        echo >ask; cat answer >/dev/null; [ -e OUTSIDE ] || echo missing
        echo >ask; cat answer >/dev/null; [ -e outside ] && echo still there
        i=$((i + 1))
    done; true"""
    try:
        assert shell(tmp_path, script) == (0, "", "")
    finally:
        os.kill(pid, 9)
        os.waitpid(pid, 0)


def test_proc_shows_stored_spellings(tmp_path: Path) -> None:
    (tmp_path / "Dir").mkdir()
    shutil.copy("/bin/sh", tmp_path / "Dir" / "Shell")
    shutil.copy("/bin/readlink", tmp_path / "Dir" / "Readlink")
    (tmp_path / "Dir" / "File").touch()
    stored = f"{tmp_path}/Dir"
    script = """cd DIR; exec 3<fILE; rEADLINK() { /bin/readlink "$1"; }
    ../dIR/rEADLINK /proc/self/exe; rEADLINK /proc/self/fd/3; rEADLINK /proc/self/cwd
    grep -c " $PWD/Shell$" /proc/$$/maps >/dev/null; grep -o "/[^/]*/Shell$" /proc/$$/maps | sort -u
    cat /proc/self/cwd/FILE && echo read"""
    done = run(tmp_path, "/bin/sh", "-c", 'exec dIR/sHELL -c "$0"', script)
    assert done == (0, f"{stored}/Readlink\n{stored}/File\n{stored}\n/Dir/Shell\nread\n", "")


def test_a_project_is_tested(tmp_path: Path) -> None:
    (tmp_path / "Package").mkdir()
    (tmp_path / "Package" / "__init__.py").write_text("VALUE = 3\n")
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_it.py").write_text(
        "from Package import VALUE\n\ndef test_value(tmp_path):\n    (tmp_path / 'F').write_text('x')\n"
        "    assert (tmp_path / 'f').read_text() == 'x'\n    assert VALUE == 3\n"
    )
    # Where temporary directories usually lie, runs before it may have left thousands, which pytest would remove first.
    done = run(tmp_path, sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--basetemp=Base", "tests")
    assert (done.status, "1 passed" in done.stdout) == (0, True), done


def test_a_wheel_is_installed(tmp_path: Path) -> None:
    wheel = tmp_path / "Small-1.0-py3-none-any.whl"
    meta = "small-1.0.dist-info/"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("small.py", "VALUE = 5\n")
        archive.writestr(meta + "METADATA", "Metadata-Version: 2.1\nName: small\nVersion: 1.0\n")
        archive.writestr(meta + "WHEEL", "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(meta + "RECORD", f"small.py,,\n{meta}METADATA,,\n{meta}WHEEL,,\n{meta}RECORD,,\n")
    (tmp_path / "Target").mkdir()
    pip = (sys.executable, "-m", "pip", "install", "--no-index", "--no-deps", "--target", "TARGET")
    done = run(tmp_path, *pip, "small-1.0-py3-none-any.whl", timeout=240)
    assert done.status == 0, done
    done = shell(tmp_path, f"PYTHONPATH=TARGET {sys.executable} -c 'import small; print(small.VALUE)'")
    assert done == (0, "5\n", "")


def test_a_repository_is_cloned(tmp_path: Path) -> None:
    script = """
    export GIT_CONFIG_GLOBAL=/dev/null GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b
    export GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
    git init -q Origin && cd ORIGIN && mkdir Src && echo text >Src/File && git add Src && git commit -q -m one && cd ..
    git clone -q origin Copy && cd copy && git config core.ignorecase && cat src/file && git status --short"""
    assert shell(tmp_path, script) == (0, "true\ntext\n", "")


def test_a_program_is_built(tmp_path: Path) -> None:
    (tmp_path / "Source").mkdir()
    (tmp_path / "Source" / "Main.c").write_text('#include "part.h"\nint main(void) { return part(); }\n')
    (tmp_path / "main.o").touch()
    os.utime(tmp_path / "main.o", (0, 0))
    (tmp_path / "Source" / "Part.c").write_text('#include "PART.H"\nint part(void) { return 9; }\n')
    (tmp_path / "Source" / "Part.h").write_text("int part(void);\n")
    (tmp_path / "Makefile").write_text(
        "program: main.o part.o\n\tgcc -o $@ MAIN.o PART.o\n"
        "main.o: Source/Main.c Source/Part.h\n\tgcc -c -o Main.O source/MAIN.c\n"
        "part.o: Source/Part.c Source/Part.h\n\tgcc -c -o part.o SOURCE/PART.c\n"
    )
    done = shell(tmp_path, "make -s -j2 && ./Program; echo $?; make -q && echo up to date")
    assert done == (0, "9\nup to date\n", "")


@pytest.mark.timeout(120)
@pytest.mark.parametrize("how", ["plain", "exclusive", "killed", "stopped"])
def test_creators_of_variants_make_one(tmp_path: Path, how: str) -> None:
    done = create(tmp_path, how, 3)
    assert (done.status, done.stderr) == (0, "")


@pytest.mark.full
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("how", ["plain", "exclusive", "killed", "stopped"])
def test_creators_of_variants_make_one_often(tmp_path: Path, how: str) -> None:
    done = create(tmp_path, how, 200)
    assert (done.status, done.stderr) == (0, "")


def create(directory: Path, how: str, rounds: int) -> Result:
    return run(directory, compile_source(HERE / "creators.c"), how, str(rounds), timeout=1800)
