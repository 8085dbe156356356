"""The first capability, end to end: a real process, real sockets, the official MCP client, a stand-in Koyeb."""

from __future__ import annotations

import json

import pytest
import yaml
from examples.koyeb import stand_in_koyeb
from mcp.client import Client
from served import FIRST, FREE, SEED, get, served, tools_of
from starlette.responses import Response

TOKEN = "koyeb-e2e-token"
HOSTILE = "a/..b?x#y"

CASES = {
    "listinstanceevents, all": (
        "/v1/v1/instance-events",
        "list-instance-events",
        {"instance_ids": ["i-1", "i-2"], "types": ["A"], "limit": "3", "offset": "1", "order": "asc"},
        "/v1/instance_events",
        "instance_ids=i-1&instance_ids=i-2&types=A&limit=3&offset=1&order=asc",
    ),
    "listinstanceevents, none": ("/v1/v1/instance-events", "list-instance-events", {}, "/v1/instance_events", ""),
    "listinstances, some": (
        "/v1/v1/instances",
        "list-instances",
        {"app_id": "a b&c=d", "statuses": ["HEALTHY", "STARTING"], "limit": "5"},
        "/v1/instances",
        "app_id=a%20b%26c%3Dd&statuses=HEALTHY&statuses=STARTING&limit=5",
    ),
    "execcommand": (
        "/v1/v1/streams/instances/exec",
        "exec-command",
        {"id": "i", "body.command": ["ls", "-l"], "body.tty_size.height": 24},
        "/v1/streams/instances/exec",
        "id=i&body.command=ls&body.command=-l&body.tty_size.height=24",
    ),
    "execcommand, all": (
        "/v1/v1/streams/instances/exec",
        "exec-command",
        {
            "id": "i",
            "body.command": ["ls"],
            "body.tty_size.height": 24,
            "body.tty_size.width": 80,
            "body.stdin.data": "bHM=",
            "body.stdin.close": True,
            "body.disableTty": False,
            "id_type": "SERVICE_ID",
        },
        "/v1/streams/instances/exec",
        "id=i&body.command=ls&body.tty_size.height=24&body.tty_size.width=80&body.stdin.data=bHM%3D&body.stdin.close=true&body.disableTty=false&id_type=SERVICE_ID",
    ),
}


@pytest.fixture(scope="module")
def koyeb():
    with stand_in_koyeb(TOKEN) as standing_in:
        yield standing_in


@pytest.fixture(scope="module", params=["the seed as given", "the first capability"])
def running(request, koyeb):
    """The process, and the Authorization header that its file asks for."""
    is_seed = request.param == "the seed as given"
    with served(
        SEED if is_seed else FIRST, *FREE, "--base-uri", f"koyeb-instances={koyeb.url}", env={"KOYEB_API_KEY": TOKEN}
    ) as process:
        yield process, None if is_seed else f"Bearer {TOKEN}"
        assert process.stop() == 0


@pytest.fixture(params=["auto", "legacy"])
def client(request, running):
    """The official client at its newest revision, and at the newest one with a handshake."""
    return lambda: Client(running[0].mcp, mode=request.param)


def sent(koyeb) -> tuple[str, str, str]:
    [request] = koyeb.requests
    return request.method, request.raw_path, request.raw_query.replace("+", "%20")


def queried(arguments: dict) -> list[tuple[str, str]]:
    pairs = []
    for name, value in arguments.items():
        several = value if isinstance(value, list) else [value]
        pairs += [(name, str(one).lower() if isinstance(one, bool) else str(one)) for one in several]
    return pairs


@pytest.mark.parametrize("case", CASES)
def test_rest_sends_exactly_what_the_file_says(running, koyeb, case):
    route, _, inputs, path, query = CASES[case]
    process, authorization = running
    koyeb.clear()
    get(process.rest + route, params=queried(inputs))
    assert sent(koyeb) == ("GET", path, query)
    assert koyeb.requests[0].headers.get("authorization") == authorization
    assert koyeb.requests[0].body == b""


@pytest.mark.parametrize("case", CASES)
async def test_mcp_sends_exactly_what_the_file_says(client, running, koyeb, case):
    _, tool, arguments, path, query = CASES[case]
    async with client() as agent:
        koyeb.clear()
        await agent.call_tool(tool, arguments)
    assert sent(koyeb) == ("GET", path, query)
    assert koyeb.requests[0].headers.get("authorization") == running[1]


async def test_an_id_stays_one_encoded_segment(client, running, koyeb):
    """``a/..b?x#y`` can't leave its place in the URL, whichever adapter it came in by."""
    expected = ("GET", "/v1/instances/a%2F..b%3Fx%23y", "")
    koyeb.clear()
    get(f"{running[0].rest}/v1/v1/instances/a%2F..b%3Fx%23y")
    assert sent(koyeb) == expected
    async with client() as agent:
        koyeb.clear()
        await agent.call_tool("get-instance", {"id": HOSTILE})
        assert sent(koyeb) == expected


ODD = b'{"b": 1.50,\n  "a": null, "\\u00e9": "\xc3\xa9", "big": 12345678901234567890}'


async def test_the_answer_comes_back_byte_for_byte(client, running, koyeb):
    """Spelling, order, spaces and long numbers of the upstream's JSON are kept: REST body, MCP text."""
    koyeb.misbehave(lambda _: Response(ODD, media_type="application/json", headers={"etag": '"v1"'}), times=2)
    answer = get(f"{running[0].rest}/v1/v1/instances/x")
    assert (answer.status_code, answer.content) == (200, ODD)
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["etag"] == '"v1"'
    async with client() as agent:
        result = await agent.call_tool("get-instance", {"id": "x"})
    assert result.content[0].text.encode() == ODD
    assert result.structured_content == json.loads(ODD)
    assert not result.is_error


async def test_real_answers_agree(client, running, koyeb):
    """What Koyeb answers is what both adapters answer; without the credential it says 401, and so do they."""
    known = koyeb.instances[0]
    answer = get(f"{running[0].rest}/v1/v1/instances/{known.id}")
    async with client() as agent:
        result = await agent.call_tool("get-instance", {"id": known.id})
    if running[1] is None:  # the seed binds the key and never uses it
        assert answer.status_code == 401
        assert result.is_error
        assert "401" in result.content[0].text
    else:
        assert answer.json() == result.structured_content == {"instance": known.document()}


async def test_four_tools_with_hints_and_schemas(client):
    """Every parameter of the file is there with its type and description, under a name that clients accept."""
    document = yaml.safe_load(SEED.read_text("utf-8"))
    declared = {
        operation["name"]: operation["inputParameters"]
        for resource in document["capability"]["consumes"][0]["resources"]
        for operation in resource["operations"]
    }
    async with client() as agent:
        listed = await tools_of(agent)
    assert [tool.name for tool in listed] == ["list-instance-events", "list-instances", "get-instance", "exec-command"]
    for tool in listed:
        hints = tool.annotations
        assert (hints.read_only_hint, hints.destructive_hint, hints.idempotent_hint) == (True, False, True)
        parameters = declared[tool.name.replace("-", "")]
        properties = tool.input_schema["properties"]
        assert list(properties) == [parameter["name"] for parameter in parameters]
        for parameter in parameters:
            schema = properties[parameter["name"]]
            assert schema["type"] == parameter["type"]
            assert schema["description"].startswith(parameter.get("description", "").rstrip("."))
            assert schema["description"] or "description" not in parameter
        required = [parameter["name"] for parameter in parameters if parameter.get("required")]
        assert tool.input_schema.get("required", []) == required
