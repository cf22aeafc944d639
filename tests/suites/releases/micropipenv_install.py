"""Installs what a Pipfile.lock names, by `true` in the place of pip, whose own modules are empty ones here."""

# mypy: ignore-errors

import sys
from types import ModuleType


def module(name: str, **members: object) -> None:
    """Make a module that others import."""
    sys.modules[name] = ModuleType(name)
    vars(sys.modules[name]).update(members)


for package in ("pip", "pip._internal", "pip._internal.network", "pip._internal.index", "pip._vendor"):
    module(package, __path__=[], __version__="21.0.1")
module("pip._vendor.packaging", __path__=[])
module("pip._vendor.packaging.requirements", Requirement=None)
module("pip._vendor.packaging.version", Version=None)
module("pip._vendor.packaging.specifiers", SpecifierSet=str)
module("pip._internal.req", parse_requirements=None)
module("pip._internal.network.session", PipSession=None)
module("pip._internal.index.package_finder", PackageFinder=None)

import micropipenv  # noqa: E402 - it imports what is made above

lock = {
    "_meta": {"sources": [{"name": "pypi", "url": "https://pypi.org/simple", "verify_ssl": True}]},
    "default": {"six": {"version": "==1.16.0", "hashes": []}},
}
micropipenv.install_pipenv("true", pipfile_lock=lock)
