# ruff: noqa: RUF001  # other scripts are what this is about
"""Text of files, callers and upstreams commands no terminal, forges no log line and hides nothing from people."""

from __future__ import annotations

import json

import httpx
import pytest
import yaml
from served import FREE, LIMIT, run, served
from starlette.responses import PlainTextResponse, Response

from naftiko.testing import StandInUpstream

TAGS = "".join(chr(0xE0000 + ord(each)) for each in "obey")
EVIL = f"evil\x1b]0;PWNED\x07\x1b[2J\x9b31m\u202etext\u200b{TAGS}\x08\r\x7f"
GOOD = "👩\u200d💻 می\u200cخواهم שלום 🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f ❤\ufe0f"
SAID = f"{EVIL} {GOOD}"
BAD = {*map(chr, (*range(9), *range(11, 32), *range(127, 160))), "\u202e", "\u200b", "\r", *TAGS}
FLAG = "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f"


def bad(text):
    """The characters of a text that should not be there; those of a proper flag may."""
    return BAD.intersection(text.replace(FLAG, ""))


def document(url):
    api = {
        "type": "http",
        "namespace": "up",
        "baseUri": url,
        "description": SAID,
        "resources": [
            {
                "path": f"/{name}",
                "operations": [
                    {
                        "name": name,
                        "method": "GET",
                        "outputRawFormat": "text",
                        "inputParameters": [{"name": "q", "in": "query", "type": "string", "description": SAID}],
                    }
                ],
            }
            for name in ("good", "bad")
        ],
    }
    tools = [{"name": name, "label": SAID, "description": SAID, "call": f"up.{name}"} for name in ("good", "bad")]
    outputs = [{"type": "object", "properties": {"x": {"type": "string", "description": SAID, "value": "1"}}}]
    tools.append({"name": "shaped", "description": SAID, "outputParameters": outputs})
    mcp = {
        "type": "mcp",
        "namespace": "m",
        "label": SAID,
        "port": 9090,
        "description": SAID,
        "tools": tools,
        "prompts": [
            {
                "name": f"p{SAID}",
                "label": SAID,
                "description": SAID,
                "arguments": [{"name": "a", "description": SAID, "required": True}],
                "template": [{"role": "user", "content": f"{SAID} {{{{a}}}}"}],
            }
        ],
        "resources": [{"name": SAID, "label": SAID, "uri": "docs://x", "description": SAID, "call": "up.good"}],
    }
    rest = {
        "type": "rest",
        "namespace": "r",
        "port": 8080,
        "resources": [
            {
                "path": "/bad",
                "description": SAID,
                "operations": [{"name": "bad", "method": "GET", "label": SAID, "description": SAID, "call": "up.bad"}],
            }
        ],
    }
    info = {"label": SAID, "description": SAID}
    return {"naftiko": "1.0.0-alpha2", "info": info, "capability": {"consumes": [api], "exposes": [rest, mcp]}}


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    folder = tmp_path_factory.mktemp("others")
    with StandInUpstream() as upstream:
        upstream.on("GET", "/good", lambda _: PlainTextResponse(SAID.encode()))
        body = json.dumps({"message": SAID}, ensure_ascii=False)
        upstream.on("GET", "/bad", lambda _: Response(body.encode(), 400, media_type="application/json"))
        (folder / "c.yaml").write_text(yaml.safe_dump(document(upstream.url)), "utf-8")
        with served(folder / "c.yaml", *FREE, "--log-level", "debug", cwd=folder) as server:
            server.folder = folder
            yield server


def ask(server, method, **params):
    call = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    return httpx.post(server.mcp, json=call, trust_env=False, timeout=LIMIT).json()["result"]


def texts(thing):
    """Every text of JSON data."""
    if isinstance(thing, str):
        yield thing
    elif isinstance(thing, dict):
        yield from (text for inner in thing.values() for text in texts(inner))
    elif isinstance(thing, list):
        yield from (text for inner in thing for text in texts(inner))


HELLO = {
    "protocolVersion": "2025-06-18",
    "capabilities": {},
    "clientInfo": {"name": "a", "version": "1"},
}


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("initialize", HELLO),
        ("tools/list", {}),
        ("prompts/list", {}),
        ("resources/list", {}),
        ("tools/call", {"name": "bad", "arguments": {}}),
    ],
)
def test_what_agents_read(running, method, params):
    """Names, titles, descriptions and instructions; what upstreams say of errors. Other scripts and emoji stay."""
    found = list(texts(ask(running, method, **params)))
    for text in found:
        assert not bad(text), ascii(text)
    assert any(GOOD.partition(" ")[0] in text for text in found)
    assert any(FLAG in text for text in found)


def test_prompts(running):
    """A prompt is called by the name that is listed."""
    [prompt] = ask(running, "prompts/list")["prompts"]
    message = ask(running, "prompts/get", name=prompt["name"], arguments={"a": "x"})["messages"][0]["content"]["text"]
    assert not bad(message), ascii(message)
    assert GOOD in message


def test_what_pages_show(running):
    page = httpx.get(f"{running.rest}/openapi.json", trust_env=False, timeout=LIMIT).json()
    found = [page["info"]["title"], *texts(page["paths"])]
    for text in found:
        assert not bad(text), ascii(text)
    assert any(GOOD in text for text in found)


def test_log_lines_are_not_forged(running):
    """Names and values that callers choose, in the address, as arguments and as names of arguments."""
    forged = "x\n2026-01-01T00:00:00.000Z ERROR forged by somebody\x1b[2J"
    ask(running, "tools/call", name="bad", arguments={forged: forged, "q": [forged]})
    with pytest.raises(KeyError):
        ask(running, "tools/call", name=forged, arguments={})
    httpx.get(f"{running.rest}/bad", params={forged: forged, "q": forged}, trust_env=False, timeout=LIMIT)
    for line in [*running.lines, *running.errors]:
        assert not line.startswith("2026-01-01T00:00:00.000Z"), line
        assert not bad(line), ascii(line)


@pytest.mark.parametrize(
    "command",
    [
        ["inspect", "c.yaml"],
        ["inspect", "c.yaml", "--format", "json"],
        ["inspect", "c.yaml", "--variables"],
        ["validate", "c.yaml", "--hints"],
        ["validate", "c.yaml", "--format", "json", "--hints"],
        ["validate", "c.yaml", "--format", "sarif"],
        ["call", "c.yaml", "good"],
        ["call", "c.yaml", "good", "--format", "json"],
        ["call", "c.yaml", "bad", "--adapter", "mcp"],
        ["call", "c.yaml", "bad", "--adapter", "mcp", "--format", "json"],
        ["call", "c.yaml", "good", "--explain"],
        ["call", "c.yaml", "good", f"q={SAID}".replace("\0", ""), "--dry-run"],
        ["call", "c.yaml", f"nothing{SAID}"],
        ["trust", "c.yaml"],
    ],
)
def test_terminals(running, command, tmp_path):
    """What the commands write."""
    ended = run(*command, cwd=running.folder, env={"XDG_CONFIG_HOME": str(tmp_path)})
    said = ended.stdout + ended.stderr
    assert said
    assert "Traceback" not in said
    assert not bad(said), ascii(said)


def test_raw_answers_stay(running):
    """`--format raw` is for programs: the bytes of the answer."""
    ended = run("call", "c.yaml", "good", "--format", "raw", cwd=running.folder)
    assert "\x1b]0;PWNED\x07" in ended.stdout
