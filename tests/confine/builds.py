"""A small C project that is built again and again, and what its tree may look like after a build was cut off."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

PARTS = 6
# What recipes and ar(1) write before it gets its name.
UNFINISHED = re.compile(r".*\.part|st[A-Za-z0-9]{6}")
# Every target appears whole, by a rename, as in makefiles that survive a power cut.
_MAKEFILE = """
OBJECTS = {objects}
program: main.o libparts.a
\t$(CC) -o $@.part main.o libparts.a && mv $@.part $@
libparts.a: $(OBJECTS)
\trm -f $@.part; ar rcsD $@.part $(OBJECTS) && mv $@.part $@
%.o: %.c numbers.h
\t$(CC) -c -o $@.part $< && mv $@.part $@
numbers.h: Makefile
\tfor i in 0 1 2 3 4 5 6 7; do echo "#define NUMBER$$i $$i"; done > $@.part; mv $@.part $@
clean:
\trm -f *.o *.a *.h *.part program
"""
_PART = """
#include "numbers.h"
int part{number}(int x) {{ return x * NUMBER{number} + {number}; }}
"""


class Project:
    """The project in a directory of a user, and what a build that nobody disturbs makes of it."""

    def __init__(self, directory: Path, owner: int | None) -> None:
        """Writes the sources, which belong to `owner` (None: who runs this), and builds a copy."""
        self.directory = directory
        directory.mkdir()
        names = [f"part{number}" for number in range(PARTS)]
        objects = " ".join(f"{name}.o" for name in names)
        calls = " + ".join(f"{name}(1)" for name in names)
        declared = "".join(f"int {name}(int);\n" for name in names)
        texts = {f"{name}.c": _PART.format(number=number) for number, name in enumerate(names)}
        texts["Makefile"] = "CC = gcc\n" + _MAKEFILE.format(objects=objects)
        texts["main.c"] = f"{declared}int main(void)\n{{\n    return {calls};\n}}\n"
        for name, text in texts.items():
            (directory / name).write_text(text)
        copy = directory.with_name("undisturbed")
        shutil.copytree(directory, copy)
        if owner is not None:
            for path in (directory, *directory.iterdir()):
                os.chown(path, owner, owner)
        self.sources = content(copy)
        subprocess.run(("make", "-s"), cwd=copy, check=True, timeout=60, env={"PATH": "/usr/bin:/bin"})
        self.built = content(copy)
        shutil.rmtree(copy)

    def wrong(self) -> list[str]:
        """What a build that was cut off anywhere could not have left: files lost, changed, half written or strange."""
        found = content(self.directory)
        lost = [name for name in self.sources if name not in found]
        return lost + [name for name, text in finished(found).items() if text != self.built.get(name)]


def content(directory: Path) -> dict[str, bytes]:
    """The bytes of every file, by name; a link's or a directory's are none."""
    found = {}
    for path in directory.iterdir():
        found[path.name] = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
    return found


def finished(found: dict[str, bytes]) -> dict[str, bytes]:
    """Without what was being written when somebody was killed."""
    return {name: text for name, text in found.items() if not UNFINISHED.fullmatch(name)}
