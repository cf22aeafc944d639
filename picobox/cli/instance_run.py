"""The action run of the verb instance: a program in an instance, as one of its own; its exit status is this one's."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from picobox.cli.options import Option, Usage
from picobox.session.client import run as run_in
from picobox.session.messages import Request, ShellType
from picobox.session.programs import client_environment, working_directory

if TYPE_CHECKING:
    from picobox.session.manager import Manager

_DESCRIPTION = """Run a program in an instance, or a login shell if none is named; the instance starts if it does not
run yet. What runs in an instance sees its tree and its drives, writes there, and reaches no network
but the instance's. All programs are one supervisor's and see each other. They are the instance's
own users, root if nothing else is said; to the machine they are you. The words are a line for the
user's shell, unless --exec says that they are a program and its arguments. The instance stays as
long as anything runs in it, and for a while after that. At a terminal a program has one of the
instance's, for which yours stands."""

_EXAMPLES = """examples:
  picobox instance run                               the default user's shell in the default instance
  picobox instance run -d debian -- 'ls /etc | wc -l'
  picobox instance run --exec -- ls -l 'a file'
  picobox instance run --cd /tmp -- pwd

exit status: the program's; 128+n after signal n; 125 picobox itself; 126, 127 as a shell"""


def run_in_instance(manager: Manager, arguments: list[str]) -> int:
    """Runs the program; gives the exit status."""
    usage = Usage("instance run", _DESCRIPTION, _EXAMPLES)
    options = usage.read(_options(), arguments)
    words = options.command[1:] if options.command[:1] == ["--"] else options.command or []
    if options.exec and not words:
        usage.error("--exec: say which program, after --")
    if options.user == "":
        usage.error("-u: its value is empty; say which user, or leave it out")
    if options.cd is not None and not options.cd.startswith(("/", "~/")) and options.cd != "~":
        usage.error(f"--cd {options.cd}: name a directory of the instance, from / or ~/")
    instance = manager.find(options.distribution).instance
    shell_type = ShellType.NONE if options.exec else ShellType.usual(words)
    here = working_directory()
    directory = options.cd or ""
    request = Request(
        tuple(words), shell_type, options.user or "", directory, client_environment(), here, bool(directory)
    )
    status = run_in(manager, instance.guid, request)
    return os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)


def _options() -> tuple[Option, ...]:
    return (
        Option("-d", "--distribution", metavar="NAME", help="which instance, if not the default one"),
        Option(
            "-u",
            "--user",
            metavar="USER",
            help="who the program is to be, by name or number; root too, whoever you are",
        ),
        Option("--cd", metavar="DIR", help="start in a directory of the instance; ~ is the user's home"),
        Option("--exec", action="store_true", help="the words are a program and its arguments, no line for a shell"),
        Option("command", nargs="...", metavar="-- CMD...", help="what to run"),
    )
