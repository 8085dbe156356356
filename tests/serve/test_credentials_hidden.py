"""What is sent as a credential never comes back to a caller, into a log or onto a terminal (SEMANTICS 9)."""

from __future__ import annotations

import base64
import json
import re

import httpx
import pytest
from echoing import ENCODINGS, echoing
from served import FREE, LIMIT, run, served

SECRETS = {
    "KEYISH": "q9-ACME-key/with+marks=4711",
    "ODD": "odd-header-value-0815",
    "U_WORD": "pa55 w\N{LATIN SMALL LETTER O WITH DIAERESIS}rd&co",
    "TOK": "tok_4eC39HqLyjWDarjtT1zdp7dc",
    "SHORT": "abc",
    "WORD": "letmein",
    "SOME_PAT": "gh9_ZZtop4711XyZ0123456789",
    "SOME_KEYISH": "Zx81kq77Zx81kq77",
    "IN_BODY": "Body9SecretBody9Secret",
    "DIG_WORD": "digest-pass-4711",
}
KINDS = {
    "keyquery": {"type": "apikey", "in": "query", "key": "k", "value": "{{env.KEYISH}}"},
    "keyheader": {"type": "apikey", "in": "header", "key": "X-A", "value": "{{env.ODD}}"},
    "keycookie": {"type": "apikey", "in": "cookie", "key": "sid", "value": "{{env.ODD}}"},
    "basic": {"type": "basic", "username": "somebody", "password": "{{env.U_WORD}}"},
    "bearer": {"type": "bearer", "token": "{{env.TOK}}"},
    "literal": {"type": "bearer", "token": "literal-token-in-file"},
    "short": {"type": "bearer", "token": "{{env.SHORT}}"},
    "word": {"type": "apikey", "in": "header", "key": "X-A", "value": "{{env.WORD}}"},
    "digest": {"type": "digest", "username": "somebody", "password": "{{env.DIG_WORD}}"},
    "values": None,
}
PLACES = ("good", "bad", "message")


def operations(kind):
    """One for each answer and each encoding; those of ``values`` send variables that nothing calls secret."""
    more = {}
    if kind == "values":
        parameters = [
            {"name": "X-Fixed", "in": "header", "value": "pre {{env.SOME_PAT}} post"},
            {"name": "q", "in": "query", "value": "{{env.SOME_KEYISH}}"},
        ]
        more = {
            "inputParameters": parameters,
            "method": "POST",
            "body": {"type": "json", "data": {"v": "{{env.IN_BODY}}"}},
        }
    for place in PLACES:
        for encoding in ENCODINGS:
            yield f"{place}-{encoding}", {"method": "GET", "path": f"/{place}/{encoding}/{kind}", **more}


def capability(url):
    consumes, routes, tools = [], [], []
    for kind, authentication in KINDS.items():
        named = dict(operations(kind))
        resources = [
            {"name": name, "path": operation.pop("path"), "operations": [{"name": name, **operation}]}
            for name, operation in named.items()
        ]
        entry = {"type": "http", "namespace": kind, "baseUri": url, "resources": resources}
        consumes.append(entry | ({"authentication": authentication} if authentication else {}))
        for name in named:
            calls = {"name": f"{kind}-{name}", "call": f"{kind}.{name}"}
            routes.append({"path": f"/{kind}/{name}", "operations": [{"method": "GET", **calls}]})
            tools.append({"description": "d", **calls})
        step = {"name": f"{kind}-step", "steps": [{"type": "call", "name": "s1", "call": f"{kind}.message-plain"}]}
        routes.append({"path": f"/{kind}/step", "operations": [{"method": "GET", **step}]})
        tools.append({"description": "d", **step})
        routes.append({"path": f"/fw/{kind}/{{path}}", "forward": {"targetNamespace": kind}})
    rest = {"type": "rest", "namespace": "r", "port": 8080, "resources": routes}
    mcp = {"type": "mcp", "namespace": "m", "port": 9090, "tools": tools}
    return json.dumps({"naftiko": "1.0.0-alpha2", "capability": {"consumes": consumes, "exposes": [rest, mcp]}})


LASTING = [
    *SECRETS.values(),
    "literal-token-in-file",
    base64.b64encode(f"somebody:{SECRETS['U_WORD']}".encode()).decode(),
]
_HASH = re.compile(r"(?:response|cnonce)[^0-9a-zA-Z*]{1,12}[0-9a-f]{16,}")


def leaks(text: str, encoding: str = "plain") -> list[str]:
    """Return the secrets that a text shows, in an encoding; a short one is one only beside its name."""
    lowered = text.lower()
    found = [each for each in LASTING if len(each) > 7 and ENCODINGS[encoding](each)[3:-3].lower() in lowered]
    found += [each for each in LASTING if len(each) > 7 and each.lower() in lowered]
    found += _HASH.findall(text)
    if encoding in {"plain", "html"}:
        found += re.findall(r"Bearer abc\b|X-A\W{1,8}letmein\b", text, re.IGNORECASE)
    return found


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hidden")
    with echoing() as url:
        (folder / "c.yaml").write_text(capability(url), "utf-8")
        with served(folder / "c.yaml", *FREE, "--log-level", "debug", env=SECRETS, cwd=folder) as server:
            server.folder = folder
            with httpx.Client(trust_env=False, timeout=LIMIT) as client:
                server.client = client
                yield server


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("place", PLACES)
def test_rest(running, kind, place):
    """Good answers, errors that are passed on, and their headers."""
    for encoding in ENCODINGS:
        answer = running.client.get(f"{running.rest}/{kind}/{place}-{encoding}")
        assert answer.status_code == (200 if place == "good" else 400), answer.text
        answer.json()
        assert not leaks(f"{answer.headers} {answer.text}", encoding), answer.text
        if encoding == "plain":
            assert "***" in answer.text, answer.text


@pytest.mark.parametrize("kind", KINDS)
def test_forwarded(running, kind):
    """The body comes in pieces of 37 bytes; a credential across their borders is masked, a byte by a byte."""
    for encoding in ENCODINGS:
        for place in ("good", "bad"):
            answer = running.client.get(f"{running.rest}/fw/{kind}/{place}/{encoding}/fw/{kind}")
            assert answer.status_code in {200, 400, 401}, answer.text
            assert not leaks(f"{answer.headers} {answer.text}", encoding), answer.text


@pytest.mark.parametrize("kind", KINDS)
def test_mcp(running, kind):
    """Results, and the excerpts of errors."""
    for place, encoding in [
        (place, encoding) for place in PLACES for encoding in ("plain", "percent-twice", "base64-1")
    ]:
        params = {"name": f"{kind}-{place}-{encoding}", "arguments": {}}
        call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
        answer = running.client.post(running.mcp, json=call)
        result = answer.json()["result"]
        assert bool(result.get("isError")) == (place != "good"), answer.text
        for text in (answer.text, result["content"][0]["text"]):
            assert not leaks(text, encoding), text


@pytest.mark.parametrize("kind", KINDS)
def test_steps(running, kind):
    answer = running.client.get(f"{running.rest}/{kind}/step")
    assert (answer.status_code, answer.json()["step"]) == (400, "s1")
    assert not leaks(answer.text), answer.text


def test_logs(running):
    """Nothing of what the calls above said, in the shortest of words either."""
    for line in [*running.lines, *running.errors]:
        assert not leaks(line), line
    page = running.client.get(f"{running.rest}/openapi.json").text
    assert not leaks(page)


@pytest.mark.parametrize("unit", ["values-message-percent", "digest-good-plain"])
@pytest.mark.parametrize("command", ["call", "explain-call"])
def test_command_line(running, unit, command):
    """``call``, with and without ``--explain``."""
    more = ["--explain"] if command == "explain-call" else []
    ended = run("call", "c.yaml", unit, *more, env=SECRETS, cwd=running.folder)
    encoding = unit.partition("-")[2].partition("-")[2]
    assert ended.stdout or ended.stderr
    assert not leaks(f"{ended.stdout} {ended.stderr}", encoding), ended.stdout
