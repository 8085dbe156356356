"""The MCP SDK is imported without what no server needs, and is the same SDK for whoever asks for the rest of it."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

_LEAN = "from naftiko.expose.mcp.sdk import import_server, models; import_server()\n"
_AS_IT_IS = "import naftiko.expose.mcp.app; from naftiko.expose.mcp.sdk import models\n"
_SCHEMAS = """
import json
from pydantic import TypeAdapter
print(json.dumps({f"{model.__module__}.{model.__name__}": TypeAdapter(model).json_schema() for model in models()}))
"""


def _told(script: str) -> Any:
    """Run a script in a process of its own; return what it writes."""
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


def test_what_no_server_needs_is_not_imported() -> None:
    told = _told(
        _LEAN
        + "import json, sys; print(json.dumps([name for name in "
        + "('mcp.client', 'mcp.server.mcpserver', 'cryptography', 'mcp.server.lowlevel') if name in sys.modules]))"
    )

    assert told == ["mcp.server.lowlevel"]


def test_the_rest_of_the_sdk_is_there_for_whoever_asks() -> None:
    told = _told(
        _LEAN
        + "import json, mcp.server.lowlevel, mcp; from mcp.server import MCPServer, Server; from mcp import types\n"
        + "same = [Server is mcp.server.lowlevel.Server, mcp.ClientSession.__module__, MCPServer('x').name]\n"
        + "print(json.dumps([*same, types.__name__, hasattr(mcp, 'no such name'), hasattr(mcp.server, 'nor this')]))"
    )

    assert told == [True, "mcp.client.session", "x", "mcp.types", False, False]


def test_models_defined_elsewhere_are_built_at_once() -> None:
    told = _told(
        _LEAN
        + "import json, pydantic\nclass Other(pydantic.BaseModel):\n    one: int\n"
        + "print(json.dumps([Other.__pydantic_complete__, dict(pydantic.BaseModel.model_config)]))"
    )

    assert told == [True, {}]


@pytest.fixture(scope="module")
def schemas() -> dict[str, Any]:
    """The schemas of all models of requests and results, as the SDK has them."""
    return _told(_AS_IT_IS + _SCHEMAS)


def test_a_model_that_is_built_later_is_the_same(schemas: dict[str, Any]) -> None:
    later = _told(_LEAN + _SCHEMAS)

    assert len(later) > 50
    assert later == schemas


def test_models_of_requests_are_built_soon_after_the_start() -> None:
    told = _told(
        _LEAN
        + "import asyncio, json; from naftiko.expose.mcp.sdk import build_soon\n"
        + "before = sum(model.__pydantic_complete__ for model in models())\n"
        + "async def wait():\n"
        + "    build_soon()\n"
        + "    while not all(model.__pydantic_complete__ for model in models()): await asyncio.sleep(0.01)\n"
        + "asyncio.run(wait())\n"
        + "print(json.dumps([before, len(list(models()))]))"
    )

    assert told[0] < told[1] / 2
