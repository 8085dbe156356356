"""What is remembered of a request's ``_meta`` changes no verdict of the protocol's schema."""

from __future__ import annotations

import itertools

import pytest
from mcp_types.methods import validate_client_request
from mcp_wire import HANDSHAKE, NEWEST

from naftiko.expose.mcp.shortcut import _fits

ABOUT = "io.modelcontextprotocol"
SOUND = {f"{ABOUT}/protocolVersion": NEWEST, f"{ABOUT}/clientCapabilities": {}}
METAS = (
    *({}, None, [], "text", SOUND, {**SOUND, "own": [1.5, {"a": None}]}, {**SOUND, "long": "x" * 5000}),
    *({**SOUND, f"{ABOUT}/clientCapabilities": []}, {**SOUND, f"{ABOUT}/clientInfo": {"name": 1}}),
    *({**SOUND, "progressToken": []}, {"progressToken": 1}, {f"{ABOUT}/protocolVersion": NEWEST}),
)
MEMBERS = (
    *({}, {"name": "a"}, {"name": 1}, {"name": None}, {"name": "a", "arguments": {}}, {"arguments": {"a": 1}}),
    *({"name": "a", "arguments": None}, {"name": "a", "arguments": []}, {"name": "a", "arguments": {"a": {"b": []}}}),
)


@pytest.mark.parametrize("version", [*HANDSHAKE, NEWEST])
def test_the_verdict_is_that_of_the_schema_however_often_it_is_asked(version):
    verdicts = set()
    for method, members, meta in itertools.product(("tools/call", "tools/list"), MEMBERS, (..., *METAS)):
        if method == "tools/list" and members:
            continue  # it has none in a request that comes so far
        params = {**members} if meta is ... else {**members, "_meta": meta}
        try:
            validate_client_request(method, version, params)
        except ValueError:  # pydantic's is one
            fits = False
        else:
            fits = True
        assert [_fits(method, version, params) for _ in range(3)] == [fits] * 3, (method, params)
        verdicts.add(fits)
    assert verdicts == {True, False}
