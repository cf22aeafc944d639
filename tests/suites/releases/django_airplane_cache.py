"""Caches an address. Django's settings and requests' answer are this program's own: there is no network."""

# mypy: ignore-errors

import inspect
import os
import sys
from types import ModuleType, SimpleNamespace
from urllib.parse import quote_plus, unquote_plus


def module(name: str, **members: object) -> None:
    """Make a module that others import."""
    sys.modules[name] = ModuleType(name)
    vars(sys.modules[name]).update(members)


answer = SimpleNamespace(ok=True, iter_content=lambda **_: [b"content"])
module("requests", get=lambda *_, **__: answer)
module("django")
module("django.conf", settings=SimpleNamespace(AIRPLANE_CACHE=os.path.join(os.getcwd(), "cache")))
module("django.utils")
module("django.utils.http", urlquote_plus=quote_plus, urlunquote_plus=unquote_plus)

from airplane import utils  # noqa: E402 - it imports what is made above

url = "https://example.org/script.js"
if "filename" in inspect.signature(utils.cache_url).parameters:
    utils.cache_url(utils.get_cache_path(), utils.convert_url(url), url)
else:
    utils.cache_url(url)
