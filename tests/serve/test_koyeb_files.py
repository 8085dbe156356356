"""All 42 Koyeb files in one process: each of the 168 routes and 168 tools sends what its consumed operation says."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, quote

import httpx
import pytest
import yaml
from mcp.client import Client
from served import FREE, served, tools_of

from naftiko.testing import StandInUpstream
from public_files import CORPUS

KOYEB = CORPUS / "api-evangelist+koyeb"
BODY = {"name": 'é "quoted"', "list": [1, 2.5, None, True], "nested": {"a/b": "{{x}}"}}

pytestmark = pytest.mark.corpus


@dataclass(frozen=True)
class Expected:
    """What a unit of a file must send when every parameter gets a value; read straight from the YAML."""

    file: str
    adapter: str
    namespace: str
    name: str
    route: tuple[str, str]
    parameters: list[dict[str, Any]]
    method: str
    path: str
    query: list[tuple[str, str]]
    headers: dict[str, str]
    has_body: bool


def value_of(parameter: dict[str, Any]) -> Any:
    name = parameter["name"]
    return {
        "string": f"{name} &=/?",
        "array": [f"{name} 1", "2,5&"],
        "boolean": True,
        "integer": 42,
    }[parameter.get("type", "string")]


def shown(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def pairs_of(parameters: list[dict[str, Any]]) -> list[tuple[str, str]]:
    pairs = []
    for parameter in parameters:
        value = value_of(parameter)
        pairs += [(parameter["name"], shown(one)) for one in (value if isinstance(value, list) else [value])]
    return pairs


def plain(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())


def filled(path: str, values: dict[str, str]) -> str:
    """The path with each placeholder's value encoded as one segment; spellings may differ in case and punctuation."""
    by_plain = {plain(name): value for name, value in values.items()}
    pieces = path.split("{")
    return pieces[0] + "".join(
        quote(by_plain[plain(name)], safe="") + rest for name, rest in (piece.split("}", 1) for piece in pieces[1:])
    )


def expectations() -> list[Expected]:
    found = []
    for file in sorted(KOYEB.rglob("*.yaml")):
        capability = yaml.load(file.read_text("utf-8"), yaml.CSafeLoader)["capability"]
        operations = {
            f"{api['namespace']}.{operation['name']}": (resource["path"], operation)
            for api in capability["consumes"]
            for resource in api["resources"]
            for operation in resource["operations"]
        }
        for adapter in capability["exposes"]:
            units = [
                (unit, (unit["method"], resource["path"]))
                for resource in adapter.get("resources", ())
                for unit in resource["operations"]
            ] + [(tool, ("", "")) for tool in adapter.get("tools", ())]
            for unit, route in units:
                path, operation = operations[unit["call"]]
                parameters = operation.get("inputParameters", [])
                placed = {
                    place: [one for one in parameters if one["in"] == place]
                    for place in ("query", "path", "header", "body")
                }
                found.append(
                    Expected(
                        file=file.name,
                        adapter=adapter["type"],
                        namespace=adapter["namespace"],
                        name=unit["name"],
                        route=route,
                        parameters=parameters,
                        method=operation["method"],
                        path=filled(path, {one["name"]: value_of(one) for one in placed["path"]}),
                        query=pairs_of(placed["query"]),
                        headers={one["name"]: value_of(one) for one in placed["header"]},
                        has_body=bool(placed["body"]),
                    )
                )
    return found


EXPECTED = expectations() if KOYEB.is_dir() else []


def difference(expected: Expected, upstream: StandInUpstream) -> str:
    """What differs in the one request that was made, or nothing."""
    requests = upstream.requests
    upstream.clear()
    where = f"{expected.file} {expected.adapter} {expected.name}"
    if len(requests) != 1:
        return f"{where}: {len(requests)} requests"
    [request] = requests
    wanted: list[Any] = [
        expected.method,
        expected.path,
        expected.query,
        expected.headers,
        BODY if expected.has_body else None,
    ]
    got: list[Any] = [
        request.method,
        request.raw_path,
        parse_qsl(request.raw_query, keep_blank_values=True),
        {name: request.headers.get(name) for name in expected.headers},
        json.loads(request.body) if request.body else None,
    ]
    if "authorization" in request.headers and "authorization" not in map(str.lower, expected.headers):
        return f"{where}: a credential that nobody declared"
    return "" if got == wanted else f"{where}:\n  sent   {got}\n  wanted {wanted}"


@pytest.fixture(scope="module")
def upstream():
    with StandInUpstream() as standing_in:
        standing_in.on("*", "/{rest:path}", {"ok": True})
        yield standing_in


@pytest.fixture(scope="module")
def running(upstream):
    with served(
        KOYEB, *FREE, "--verbose", "--base-uri", f"*={upstream.url}", ready=("all 168 tools of 42 adapters",)
    ) as process:
        yield process
        assert process.stop() == 0


def test_the_files_hold_168_routes_and_168_tools():
    assert len({one.file for one in EXPECTED}) == 42
    assert sum(one.adapter == "rest" for one in EXPECTED) == 168
    assert sum(one.adapter == "mcp" for one in EXPECTED) == 168


def test_every_route_sends_what_its_operation_says(running, upstream):
    upstream.clear()
    differences = []
    with httpx.Client(base_url=running.rest, trust_env=False) as client:
        for one in EXPECTED:
            if one.adapter == "rest":
                method, path = one.route
                values = {given["name"]: value_of(given) for given in one.parameters if given["in"] == "path"}
                answer = client.request(
                    method,
                    filled(path, values),
                    params=one.query,
                    headers=one.headers,
                    json=BODY if one.has_body else None,
                )
                differences.append(difference(one, upstream))
                assert answer.status_code == 200, (one, answer.text)
                assert answer.content == b'{"ok":true}'
    assert not [found for found in differences if found], "\n".join(filter(None, differences))
    assert len(differences) == 168


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_every_tool_sends_what_its_operation_says(running, upstream, mode):
    """Each capability at its own ``/<namespace>/mcp``: there two files may have a tool of the same name."""
    upstream.clear()
    differences = []
    base = running.mcp.split("/", 3)
    for namespace in dict.fromkeys(one.namespace for one in EXPECTED if one.adapter == "mcp"):
        mine = [one for one in EXPECTED if one.adapter == "mcp" and one.namespace == namespace]
        async with Client(f"{'/'.join(base[:3])}/{namespace}/mcp", mode=mode) as client:
            tools = await tools_of(client)
            assert [tool.name for tool in tools] == [one.name for one in mine]
            for one in mine:
                arguments = {
                    given["name"]: value_of(given)
                    if given["in"] != "body"
                    else (BODY if given["type"] == "object" else json.dumps(BODY))
                    for given in one.parameters
                }
                result = await client.call_tool(one.name, arguments)
                differences.append(difference(one, upstream))
                assert not result.is_error, (one, result.content)
                assert result.structured_content == {"ok": True}
    assert not [found for found in differences if found], "\n".join(filter(None, differences))
    assert len(differences) == 168


async def test_all_together_have_every_tool_but_those_in_conflict(running):
    """Two names are in two files: a line says so with the positions of the first, and the first file's are served."""
    [shown] = [line for line in running.errors if line.startswith("conflict: ") and "--prefix" not in line]
    names = [one.name for one in EXPECTED if one.adapter == "mcp"]
    async with Client(running.mcp.rsplit("/", 2)[0] + "/mcp") as client:
        tools = [tool.name for tool in await tools_of(client)]
    assert tools == list(dict.fromkeys(names))
    assert len(names) - len(tools) == 2
    assert "2 tools" in shown
    assert "koyeb-cataloginstances.yaml:" in shown
    assert "koyeb-instances.yaml:" in shown
