"""The MCP SDK as a server needs it: without its client and its high-level server, and each model built when it is used.

``mcp`` and ``mcp.server`` import all that the SDK has, with ``cryptography``: a third of its time and 12 MB that no
request needs. Here the two packages are there for their modules, and are imported when somebody asks them for a name.
The 500 models of the protocol's revisions are built by pydantic when they are first used (``defer_build``), those of
the requests that are served soon after the start.

Only processes of ours do so: whoever puts ``naftiko.mcp_app`` into a program has the SDK as it is.
"""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any, Final, get_args

from pydantic import BaseModel

_PACKAGES: Final = ("mcp", "mcp.server")
_FIRST_BUILD: Final = 0.2
"""Seconds after the start until the first model is built: the first requests have the loop for themselves."""
_NEXT_BUILD: Final = 0.01
"""Seconds until the next one. One takes a few milliseconds at most."""


def import_server() -> None:
    """Import what serves MCP, and with it that part of the SDK."""
    for name in _PACKAGES:
        if name not in sys.modules:
            _import_when_asked(name)
    with _models_built_when_used():
        importlib.import_module("naftiko.expose.mcp.app")


def build_all() -> None:
    """Build the models of requests now, before processes are forked that share them."""
    for model in models():
        model.model_rebuild()


def build_soon() -> None:
    """Build the models of requests in turns of this event loop, so that no caller waits for them."""
    asyncio.get_running_loop().call_later(_FIRST_BUILD, _build_next, models())


def _build_next(left: Iterator[type[BaseModel]]) -> None:
    for model in left:
        if not model.__pydantic_complete__:
            model.model_rebuild()
            asyncio.get_running_loop().call_later(_NEXT_BUILD, _build_next, left)
            return


def models() -> Iterator[type[BaseModel]]:
    """Yield the models of what clients send and get."""
    from mcp_types import methods  # noqa: PLC0415  # imports all of them

    asked = {method for method, _ in methods.CLIENT_REQUESTS} | {method for method, _ in methods.CLIENT_NOTIFICATIONS}
    of_revisions = (methods.CLIENT_REQUESTS, methods.SERVER_RESULTS, methods.CLIENT_NOTIFICATIONS)
    of_all = (methods.MONOLITH_REQUESTS, methods.MONOLITH_RESULTS, methods.MONOLITH_NOTIFICATIONS)
    found: dict[Any, None] = {}  # in this order, each once
    for kinds in (
        *(kinds for table in of_revisions for kinds in table.values()),
        *(kinds for table in of_all for method, kinds in table.items() if method in asked),
    ):
        found.update(dict.fromkeys(get_args(kinds) or (kinds,)))
    yield from found


def _import_when_asked(name: str) -> None:
    """Put a package where its modules look for it; what it imports is imported when it is asked for a name."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError(f"there is no package {name}", name=name)
    package = importlib.util.module_from_spec(spec)
    package.__dict__["__getattr__"] = _Importing(package)
    sys.modules[name] = package
    parent, _, child = name.rpartition(".")
    if parent:
        setattr(sys.modules[parent], child, package)


class _Importing:
    """Imports a package when it is asked for a name that it hasn't (PEP 562)."""

    def __init__(self, package: ModuleType) -> None:
        self._package = package
        self._lock = threading.RLock()

    def __call__(self, name: str) -> Any:
        names, spec = self._package.__dict__, self._package.__spec__
        with self._lock:
            if names.get("__getattr__") is self and spec is not None and spec.loader is not None:
                del names["__getattr__"]
                spec.loader.exec_module(self._package)
        return getattr(self._package, name)


@contextmanager
def _models_built_when_used() -> Iterator[None]:
    """Let models that are defined inside the block be built when they are first used."""
    usual = BaseModel.model_config
    BaseModel.model_config = {**usual, "defer_build": True}
    try:
        yield
    finally:
        BaseModel.model_config = usual
