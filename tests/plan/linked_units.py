"""Link small files that tests write, and look at the requests that their units make."""

from __future__ import annotations

import asyncio
import textwrap
from urllib.parse import parse_qsl, urlsplit

import httpx

import naftiko
from naftiko.engine.settings import Settings

BASE = "https://api.test"


def capability(text, base_uris=None, **variables):
    """Load a file's text; its root key is added. Diagnostics are the caller's to look at."""
    settings = Settings(variables=variables, environment={}, base_uris=base_uris or {})
    return naftiko.loads("naftiko: 1.0.0-alpha2\n" + textwrap.dedent(text), settings=settings)


def _indented(text, by):
    return textwrap.indent(textwrap.dedent(text).rstrip("\n") + "\n", " " * by) if text else ""


def api(operation, *, resource="/r", consumes="", method="GET"):
    """Return a consumes entry ``a`` with one operation ``o``; the texts are indented keys of each level."""
    return (
        f"consumes:\n- namespace: a\n  baseUri: {BASE}\n{_indented(consumes, 2)}"
        f"  resources:\n  - path: '{resource}'\n    operations:\n    - name: o\n      method: {method}\n"
        f"{_indented(operation, 6)}"
    )


def rest(unit, *, path="/x", method="GET", call="call: a.o"):
    """Return a REST adapter with one route that calls ``a.o``."""
    return (
        f"exposes:\n- type: rest\n  namespace: web\n  port: 1\n  resources:\n  - path: '{path}'\n    operations:\n"
        f"    - method: {method}\n      {call}\n{_indented(unit, 6)}"
    )


def tool(unit, *, call="call: a.o"):
    """Return an MCP adapter with one tool ``t`` that calls ``a.o``."""
    return (
        "exposes:\n- type: mcp\n  namespace: agents\n  port: 2\n  tools:\n  - name: t\n    description: d\n"
        f"    {call}\n{_indented(unit, 4)}"
    )


def only_unit(*parts, **variables):
    """Return the one unit of the parts, and what was told."""
    loaded = capability("".join(parts), **variables)
    (unit,) = loaded.units
    return unit, loaded


def rules(loaded):
    """Return the rules that were told, in order."""
    return [found.rule for found in loaded.diagnostics]


def request_of(unit, **inputs):
    """Return the request that inputs make."""
    return unit.request(inputs)


def query_of(request):
    """Return the decoded query pairs."""
    return parse_qsl(urlsplit(str(request.url)).query, keep_blank_values=True)


def run(unit, **inputs):
    """Run a unit of a capability that ``answering`` made; return the value of its answer."""
    return asyncio.run(unit.run(inputs)).value


def answering(answers, *parts):
    """Return the one unit of the parts, whose upstream answers by URL path: JSON values, or responses."""

    def answer(request):
        found = answers[request.url.path]
        return found if isinstance(found, httpx.Response) else httpx.Response(200, json=found)

    settings = Settings(environment={}, transport=lambda _: httpx.MockTransport(answer))
    loaded = naftiko.loads("naftiko: 1.0.0-alpha2\n" + "".join(parts), settings=settings)
    return loaded.units[-1]
