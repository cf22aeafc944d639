"""The verb instance: Linux systems in directories of their own, which come from archives and go into them."""

from __future__ import annotations

import json
import os
import sys
from argparse import ArgumentTypeError
from typing import TYPE_CHECKING

from picobox.cli.options import Option, Usage, color_option
from picobox.cli.report import Table, print_tables
from picobox.findings.visible import visible
from picobox.session.archives.writing import FORMATS
from picobox.session.manager import Manager
from picobox.session.place import SessionPlace
from picobox.session.registry import NEVER_IDLE, changed_drives, changed_entries

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import SimpleNamespace

    from picobox.session.manager import Listed

_DESCRIPTION = """Keep Linux systems in directories of their own.

import NAME DIR FILE  make an instance of an archive or an image of a container, in DIR, or for -
                      among your data; a FILE - is standard input
export NAME FILE      write its tree into an archive, which ends it if it runs
clone NAME NEW        copy it; files share their data where the file system can
list                  those that are there
run [-- CMD...]       run a program in it, or a shell; it stays for a while, and what runs next joins
terminate NAME        end it at once, with all that runs in it
set-default NAME      which one is meant where none is named
config NAME           show or change its user, environment and drives
unregister NAME       end it, and delete it with all its files"""

# In the order of the numbers that stand for them.
_SWITCH = ("off", "on")
_EXAMPLES = """examples:
  picobox instance import debian - rootfs.tar.zst
  docker save alpine | picobox instance import alpine - -
  picobox instance export debian backup.tar.xz
  picobox instance run -d debian -- cat /etc/os-release
  picobox instance config debian --uid 1000

exit status: 0, of run the program's as of `picobox -- CMD`; 125 if it was not done, and then nothing has changed"""


def main(arguments: list[str]) -> int:
    """Runs the verb; gives the exit status."""
    usage = Usage("instance", _DESCRIPTION, _EXAMPLES)
    action = arguments[0] if arguments and not arguments[0].startswith("-") else None
    if action == "run":
        from picobox.cli.instance_run import run_in_instance

        return run_in_instance(Manager(SessionPlace(os.environ)), arguments[1:])
    # Read by itself: argparse would take the operands' place for empty where an option stands between.
    options = usage.read(_options(), arguments if action is None else arguments[1:])
    if action not in _ACTIONS:
        usage.error(f"{action or 'instance'}: say what to do, {', '.join((*_ACTIONS, 'run'))}")
    operands, run = _ACTIONS[action]
    if len(options.operands) != len(operands) or not all(options.operands):
        usage.error(f"{action}: say {' '.join(operands)}" if operands else f"{action}: takes no name")
    _check_options(usage, action, options)
    return run(Manager(SessionPlace(os.environ)), options)


def _check_options(usage: Usage, action: str, options: SimpleNamespace) -> None:
    """That each option is one of the action's, and that they hold together; leaves the process if not."""
    for option in _options():
        name = option.attribute()
        if getattr(options, name) != option.default() and action not in _TAKEN_BY.get(name, _ACTIONS):
            usage.error(f"{action} takes no {option.names[-1]}")
    if (options.quiet and (options.verbose or options.json)) or (options.all and options.running):
        usage.error("list: --quiet and --verbose or --json, --all and --running exclude each other")


def _options() -> tuple[Option, ...]:
    return (
        Option("operands", nargs="*", metavar="NAME", help="what the action is about, as above"),
        Option("--directory", metavar="DIR", help="clone: where the copy lies, if not among your data"),
        Option("--format", choices=FORMATS, help="export: if the file's name does not say"),
        Option("--uid", type=int, metavar="N", help="config: the user that programs run as"),
        Option("--env", action="append", metavar="NAME=VALUE", help="config: a variable, empty to take it away"),
        Option("--drive", action="append", metavar="LETTER=DIR", help="config: a drive; no DIR to take it away"),
        Option("--idle", type=_idle, metavar="SECONDS", help="config: how long it stays unused; never: for ever"),
        Option("--nt-files", choices=_SWITCH, help="config: whether NT's namespace is there as files, in /nt"),
        Option("-v", "--verbose", action="store_true", help="list: the directory too"),
        Option("-q", "--quiet", action="store_true", help="list: names alone"),
        Option("--running", action="store_true", help="list: only those that run"),
        Option("--all", action="store_true", help="list: those that come and go, too"),
        Option("--json", action="store_true", help="list, config: as JSON"),
        color_option(),
    )


def _import(manager: Manager, options: SimpleNamespace) -> int:
    from picobox.session.transfer import import_instance

    name, directory, file = options.operands
    instance = import_instance(manager, name, None if directory == "-" else directory, file)
    sys.stderr.write(f"picobox: {instance.name} is in {visible(instance.base_path)}\n")
    return 0


def _export(manager: Manager, options: SimpleNamespace) -> int:
    from picobox.session.transfer import export_instance

    name, file = options.operands
    export_instance(manager, name, file, options.format)
    return 0


def _clone(manager: Manager, options: SimpleNamespace) -> int:
    from picobox.session.transfer import clone_instance

    name, new = options.operands
    instance = clone_instance(manager, name, new, options.directory)
    sys.stderr.write(f"picobox: {instance.name} is in {visible(instance.base_path)}\n")
    return 0


def _list(manager: Manager, options: SimpleNamespace) -> int:
    listed = manager.list(all_states=options.all, running=options.running)
    if options.json:
        sys.stdout.write(json.dumps([_as_json(each) for each in listed], indent=2) + "\n")
    elif options.quiet:
        sys.stdout.writelines(f"{each.instance.name}\n" for each in listed)
    elif listed:
        rows = [
            ("*" if each.is_default else "", each.instance.name, each.state_name, visible(each.instance.base_path))
            for each in listed
        ]
        shown = rows if options.verbose else [row[:3] for row in rows]
        print_tables(sys.stdout, options.color, [Table(("", "name", "state", "directory")[: len(shown[0])], shown)])
    return 0


def _set_default(manager: Manager, options: SimpleNamespace) -> int:
    manager.set_default(options.operands[0])
    return 0


def _config(manager: Manager, options: SimpleNamespace) -> int:
    listed = manager.find(options.operands[0])
    fields: dict[str, object] = {}
    if options.uid is not None:
        fields["default_uid"] = options.uid
    if options.idle is not None:
        fields["idle_timeout"] = options.idle
    if options.nt_files is not None:
        fields["nt_files"] = _SWITCH.index(options.nt_files)
    if options.drive:
        fields["drives"] = changed_drives(listed.instance.drives, options.drive)
    if options.env:
        fields["environment"] = changed_entries(listed.instance.environment, options.env)
    if fields:
        manager.configure(listed.instance.guid, **fields)
    else:
        sys.stdout.write(json.dumps(_as_json(listed), indent=2) + "\n")
    return 0


def _idle(text: str) -> int:
    """Milliseconds of a number of seconds. ArgumentTypeError, which the parser shows."""
    try:
        return NEVER_IDLE if text == "never" else round(float(text) * 1000)
    except (ValueError, OverflowError):
        raise ArgumentTypeError(f"{text}: write a number of seconds, or never") from None


def _terminate(manager: Manager, options: SimpleNamespace) -> int:
    manager.terminate(options.operands[0])
    return 0


def _unregister(manager: Manager, options: SimpleNamespace) -> int:
    manager.unregister(options.operands[0])
    return 0


def _as_json(listed: Listed) -> dict[str, object]:
    told = listed.instance._asdict()
    return {**told, "state": listed.state_name, "default": listed.is_default}


# Which actions an option is for, by its attribute; those that are not named are for all.
_TAKEN_BY = {
    "directory": ("clone",),
    "format": ("export",),
    **dict.fromkeys(("uid", "env", "drive", "idle", "nt_files"), ("config",)),
    **dict.fromkeys(("verbose", "quiet", "running", "all"), ("list",)),
    "json": ("list", "config"),
}
_ACTIONS: dict[str, tuple[tuple[str, ...], Callable[[Manager, SimpleNamespace], int]]] = {
    "import": (("NAME", "DIR|-", "FILE"), _import),
    "export": (("NAME", "FILE"), _export),
    "clone": (("NAME", "NEW"), _clone),
    "list": ((), _list),
    "terminate": (("NAME",), _terminate),
    "set-default": (("NAME",), _set_default),
    "config": (("NAME",), _config),
    "unregister": (("NAME",), _unregister),
}
