"""Runs programs behind the walls of a policy that a test writes: as who runs the tests, and as an ordinary user."""

from __future__ import annotations

import os
import site
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from picobox.confine.policy import KEPT, LOOPBACK, READ, FileRule, Policy

if TYPE_CHECKING:
    from collections.abc import Sequence

# Limits are those of each process, whatever the machine delegates: test_groups.py is about the other kind.
_ALONE = """
from picobox.confine import walls
walls.group_of = lambda limits: None
"""
_COMMAND_LINE = """
import site, sys
for place in {places!r}:
    site.addsitedir(place)
sys.path.insert(0, {repository!r})
from picobox.cli import main
{alone}
sys.exit(main(sys.argv[1:]))
"""
REPOSITORY = Path(__file__).parent.parent.parent
NOBODY = 65534
AS_NOBODY = ("setpriv", "--reuid", str(NOBODY), "--regid", str(NOBODY), "--clear-groups")
USERS = ("root", "nobody") if os.geteuid() == 0 else ("self",)
_DRIVER = """
import site, sys
for place in {places!r}:
    site.addsitedir(place)
sys.path.insert(0, {repository!r})
import os
from types import SimpleNamespace
from picobox.cli.launch import Launch
from picobox.cli.options import output_options, run_options
from picobox.cli.policies import policy_options
from picobox.confine.policy import FileRule, Limits, Policy, VariableRule
from picobox.errors import PicoboxError
{alone}
every = (*run_options(), *policy_options(), *output_options())
options = SimpleNamespace(**{{each.attribute(): each.default() for each in every}})
for name, value in {options!r}.items():
    setattr(options, name, value)
policy = {policy!r}
{run}
"""
_RUN = """
try:
    with Launch(options, [os.fsencode(word) for word in sys.argv[1:]], policy=policy) as launch:
        status = launch.run()
except PicoboxError as error:
    sys.stderr.write(f"picobox: {error}\\n")
    status = 125
sys.exit(status)
"""
_LOOKED_AT = """
from tests.confine.looked_at import main
sys.exit(main(options, policy))
"""


def policy_of(*rules: tuple[Path | str, str], **settings: object) -> Policy:
    """The tree may be read, and these rules; a network of its own, a private /tmp, our session."""
    files = [FileRule(b"/", READ, "test"), *(FileRule(os.fsencode(path), right, "test") for path, right in rules)]
    return Policy("test", tuple(files), network=LOOPBACK, session=KEPT)._replace(**settings)  # type: ignore[arg-type]


def interpreter(user: str) -> str:
    """A Python that a user may run."""
    if user != "nobody":
        return sys.executable
    for path in (sys.executable, "/usr/bin/python3"):
        command = (*AS_NOBODY, path, "-c", "import sys; sys.exit(sys.version_info < (3, 11))")
        if subprocess.run(command, check=False, capture_output=True).returncode == 0:
            return path
    pytest.fail("no Python 3.11 that everybody may run: install Debian's python3")


def command_line(user: str, *words: str) -> list[str]:
    """The command line of picobox, as that user's."""
    driver = _COMMAND_LINE.format(places=site.getsitepackages(), repository=str(REPOSITORY), alone=_ALONE)
    return [*(AS_NOBODY if user == "nobody" else ()), interpreter(user), "-c", driver, *words]


def command(policy: Policy | None, user: str, words: Sequence[str | Path], **options: object) -> list[str]:
    """The command line of a run."""
    return _driven(policy, user, words, options, _RUN)


def command_looked_at(policy: Policy, user: str, words: Sequence[str | Path]) -> list[str]:
    """The command line of a run that tells what NT has, see looked_at.py."""
    return _driven(policy, user, words, {}, _LOOKED_AT)


def _driven(
    policy: Policy | None, user: str, words: Sequence[str | Path], options: dict[str, object], how: str
) -> list[str]:
    places = [place for place in site.getsitepackages() if Path(place).is_dir()]
    settings = {"places": places, "repository": str(REPOSITORY), "options": options, "policy": policy}
    driver = _DRIVER.format(**settings, run=how, alone=_ALONE)
    prefix = AS_NOBODY if user == "nobody" else ()
    return [*prefix, interpreter(user), "-c", driver, *map(str, words)]


def run(
    policy: Policy | None, user: str, words: Sequence[str | Path], directory: Path, **options: object
) -> subprocess.CompletedProcess[str]:
    """Runs a program in a directory, behind the walls of a policy."""
    return subprocess.run(
        command(policy, user, words, **options),
        cwd=directory,
        check=False,
        capture_output=True,
        text=True,
        errors="backslashreplace",
        timeout=60,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "HOME": str(directory)},
    )


def shell(
    policy: Policy | None, user: str, script: str, directory: Path, **options: object
) -> subprocess.CompletedProcess[str]:
    """Runs a shell script."""
    return run(policy, user, ("sh", "-c", script), directory, **options)
