"""A kind of authentication and a kind of step from outside of the package: a module each, and nothing else knows them.

The command line that has them is the real one, started by a program that imports the two modules first.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from mcp.client import Client
from served import LIMIT, NAFTIKO, get, served, surroundings
from starlette.responses import JSONResponse, Response

import forks
from naftiko.testing import StandInUpstream

TOYS = "import toy_hmac, toy_each\nfrom naftiko.cli import main\nmain()"
PATH = os.pathsep.join(filter(None, (str(Path(__file__).parent), os.environ.get("PYTHONPATH"))))
SECRET = "a-secret-of-the-toy"
VARIABLES = {"TOY_SECRET": SECRET, "PYTHONPATH": PATH}
LARGEST = 200_000
UNSIGNED = {"x-toy-key", "x-toy-signature", "content-length"}
"""What is added to a request once it is signed."""

CAPABILITY = """
naftiko: 1.0.0-alpha2
info: {label: Toys, description: What the toys do., tags: [toys]}
binds:
  - {namespace: env, keys: {TOY_SECRET: TOY_SECRET}}
capability:
  consumes:
    - type: http
      namespace: toys
      description: Signed requests.
      baseUri: BASE/v1
      authentication: {type: toyHmac, id: the-toy, secret: "{{TOY_SECRET}}"}
      resources:
        - path: /items/{id}
          operations:
            - {name: get-item, method: GET, inputParameters: [{name: id, in: path}, {name: q, in: query}]}
        - path: /items
          operations:
            - {name: list-items, method: GET}
            - {name: make-item, method: POST, body: {type: json, data: '{"name": "{{name}}"}'}}
            - {name: move-item, method: PUT, inputParameters: [{name: to, in: query}], body: {type: json, data: '{"to": "{{to}}"}'}}
  exposes:
    - type: rest
      namespace: shop
      address: 127.0.0.1
      port: 8080
      resources:
        - path: /items/{id}
          operations: [{method: GET, name: item, description: An item., call: toys.get-item}]
        - path: /items
          operations: [{method: POST, name: make, description: Makes an item., call: toys.make-item}]
        - path: /moved
          operations: [{method: PUT, name: move, description: Moves an item., call: toys.move-item}]
        - path: /all
          operations:
            - method: GET
              name: all
              description: All items.
              steps:
                - {name: list, type: call, call: toys.list-items}
                - {name: every, type: toyeach, over: $.list.ids, call: toys.get-item, with: {id: "{{item}}", q: "{{q}}"}, note: {asked: "for {{who}}"}}
              mappings:
                - {targetName: count, value: $.every.count}
                - {targetName: asked, value: $.every.asked}
                - {targetName: urls, value: "$.every.got[*].target"}
        - {path: "/forward/{path}", forward: {targetNamespace: toys, trustedHeaders: [x-toy-signature, x-trace]}}
    - type: mcp
      namespace: shop-tools
      description: The same.
      address: 127.0.0.1
      port: 9090
      tools:
        - {name: make-item, description: Makes an item., call: toys.make-item}
"""


def written(
    directory: Path, base: str = "http://127.0.0.1:9", kind: str = "toyHmac", step: str = "type: toyeach,"
) -> Path:
    """A file that uses the toys."""
    file = directory / "toys.yaml"
    file.write_text(CAPABILITY.replace("BASE", base))
    return file


def naftiko(*arguments: str | Path, toys: bool = True) -> subprocess.CompletedProcess[str]:
    """Run the command line to its end, with the toys or without."""
    command = [sys.executable, "-c", TOYS] if toys else [NAFTIKO]
    return forks.run([*command, *arguments], env=surroundings(**VARIABLES), timeout=LIMIT)


def answer(request) -> Response:
    """What the upstream says: 401 unless the signature is that of this very request."""
    url = f"http://{request.headers['host']}{request.raw_path}{'?' if request.raw_query else ''}{request.raw_query}"
    own = sorted(name for name in request.headers if name.startswith(("x-", "content-")) and name not in UNSIGNED)
    signed = f"{request.method}\n{url}\n{own}\n".encode() + request.body
    expected = hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
    if request.headers.getlist("x-toy-signature") != [expected]:
        return JSONResponse({"wrong": url}, 401)
    if request.method == "PUT" and request.raw_path == "/v1/items":
        return Response(status_code=307, headers={"location": f"/v1/elsewhere?from={request.raw_query[3:]}"})
    return JSONResponse(
        {
            "target": request.raw_path + (f"?{request.raw_query}" if request.raw_query else ""),
            "body": request.text,
            "key": request.headers["x-toy-key"],
            "told": f"you signed with {expected}",
            "trace": request.headers.get("x-trace"),
            "ids": ["a", "b", "c"],
        }
    )


@pytest.fixture(scope="module")
def upstream():
    with StandInUpstream() as standing:
        standing.on("*", "/{rest:path}", answer)
        yield standing


@pytest.fixture(scope="module")
def running(upstream, tmp_path_factory):
    file = written(tmp_path_factory.mktemp("toys"), upstream.url)
    with served(
        *(file, "--port", "rest=0", "--port", "mcp=0", "--max-request-bytes", str(LARGEST)),
        env=VARIABLES,
        program=Path(sys.executable),
        command=("-c", TOYS, "serve"),
    ) as server:
        yield server


@pytest.fixture
def client(running, upstream):
    upstream.clear()
    with httpx.Client(base_url=running.rest, trust_env=False, timeout=LIMIT) as made:
        yield made


def test_a_call_carries_the_signature_of_its_url(client):
    got = client.get("/items/x%2Fy", params={"q": "a b&c"})
    assert got.status_code == 200, got.text
    assert got.json()["target"] == "/v1/items/x%2Fy?q=a%20b%26c"


def test_a_call_carries_the_signature_of_its_body(client):
    got = client.post("/items", json={"name": "ä ship"})
    assert got.status_code == 200, got.text
    assert json.loads(got.json()["body"]) == {"name": "ä ship"}


def test_the_answer_shows_no_signature(client, upstream):
    got = client.get("/items/1")
    (request,) = upstream.requests
    assert len(request.headers["x-toy-signature"]) == 64
    assert request.headers["x-toy-signature"] not in got.text
    assert "you signed with" in got.text


def test_a_redirect_is_signed_anew(client, upstream):
    got = client.put("/moved", params={"to": "dock"})
    assert got.status_code == 200, got.text
    assert got.json()["target"] == "/v1/elsewhere?from=dock"
    first, second = upstream.requests
    assert first.body == second.body != b""
    assert first.headers["x-toy-signature"] != second.headers["x-toy-signature"]


async def test_a_tool_call_carries_it_too(running):
    async with Client(running.mcp) as made:
        result = await made.call_tool("make-item", {"name": "n"})
    assert not result.is_error
    assert json.loads(result.structured_content["body"]) == {"name": "n"}


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_what_is_forwarded_is_signed(client, method):
    got = client.request(method, "/forward/deep/er?x=1&y=%20", headers={"x-trace": "t"})
    assert got.status_code == 200, got.text
    assert (got.json()["target"], got.json()["trace"]) == ("/v1/deep/er?x=1&y=%20", "t")


@pytest.mark.parametrize("pieces", [[b"all at once"], [b"in ", b"some ", b"pieces"], [b"x" * 60_000, b"y" * 60_000]])
@pytest.mark.parametrize("chunked", [True, False])
def test_the_body_of_what_is_forwarded_is_signed(client, upstream, pieces, chunked):
    body = b"".join(pieces)
    sent = client.post(
        "/forward/upload", content=iter(pieces) if chunked else body, headers={"content-type": "text/plain"}
    )
    assert sent.status_code == 200, sent.text
    (request,) = upstream.requests
    assert request.body == body
    assert request.headers["content-type"] == "text/plain"
    assert request.headers.getlist("content-length") == [str(len(body))]


def test_a_caller_gives_no_signature(client, upstream):
    """Also where the file lets the header through: what is signed has ours in its place."""
    got = client.post("/forward/upload", content=b"mine", headers={"x-toy-signature": "0" * 64})
    assert got.status_code == 200, got.text
    assert upstream.requests[0].headers["x-toy-signature"] != "0" * 64


def test_a_body_that_is_signed_has_a_limit(client, upstream):
    """It is kept in memory until it is signed; what is passed on as it comes has none."""
    got = client.post("/forward/upload", content=iter([b"x" * 100_000] * 3))
    assert got.status_code == 413
    assert got.json()["type"].endswith("body-too-large")
    assert upstream.requests == []


def test_the_result_of_the_step_is_in_the_answer(client):
    got = client.get("/all", params={"q": "red", "who": "Ada"})
    assert got.status_code == 200, got.text
    assert got.json() == {
        "count": 3,
        "asked": "for Ada",
        "urls": [f"/v1/items/{each}?q=red" for each in "abc"],
    }


VARIANTS = {
    "sound": (),
    "lacking": ((', secret: "{{TOY_SECRET}}"', ""),),
    "literal": (('"{{TOY_SECRET}}"', "plain-in-the-file"),),
    "keys": (("id: the-toy", "id: the-toy, secrets: x"), ("over: $.list.ids", "over: $.list.ids, cal: x")),
    "callers": (
        ("namespace: shop\n", "namespace: shop\n      authentication: {type: toyhmac, keyId: k, secret: s}\n"),
    ),
    "typeless": (("type: toyeach, ", ""),),
    "near": (("type: toyHmac", "type: toyhmca"), ("type: toyeach", "type: toyeech")),
    "far": (("type: toyHmac", "type: hoba"), ("type: toyeach", "type: transform")),
    "blind": (("type: toyHmac", "type: bearer"),),
}
"""Files that differ from the sound one by what is replaced in it."""


def written_as(name: str, directory: Path) -> Path:
    """A variant of the file."""
    file = written(directory)
    text = file.read_text()
    for old, new in VARIANTS[name]:
        assert old in text
        text = text.replace(old, new)
    file.write_text(text)
    return file.rename(directory / f"{name}.yaml")


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """What `validate` says of a variant, with the toys or without: one run each for all of them."""
    directory = tmp_path_factory.mktemp("variants")
    files = [written_as(name, directory) for name in VARIANTS]
    said = {
        toys: json.loads(naftiko("validate", *files, "--format", "json", toys=toys).stdout) for toys in (True, False)
    }

    def of(name: str, *, toys: bool = True) -> list[tuple[str, str, str]]:
        return [
            (found["severity"], found["message"], found["hint"])
            for found in said[toys]["diagnostics"]
            if Path(found["file"]).stem == name
        ]

    return of


def messages(found: list[tuple[str, str, str]], severity: str) -> list[str]:
    return [message for found_severity, message, _ in found if found_severity == severity]


def test_the_file_is_sound(told):
    assert told("sound") == []


def test_a_part_that_lacks_is_told(told):
    (message,) = [each for each in messages(told("lacking"), "error") if "authentication" in each and "toys" in each][
        :1
    ]
    assert message == "the authentication of `toys` has no `secret`: no call goes out without it"


def test_a_secret_in_the_file_is_told(told):
    assert messages(told("literal"), "warning") == ["the secret `secret` stands in the file itself"]


def test_an_unknown_key_is_told(told):
    assert messages(told("keys"), "warning") == [
        "`secrets` is no key of a toy authentication",
        "`cal` is no key of a toy step",
    ]


def test_callers_cannot_be_asked_for_it(told, tmp_path):
    reason = "is of the kind `toyhmac`, which callers can't be asked for: nobody is let in"
    assert messages(told("callers"), "error") == [f"the authentication of the adapter `shop` {reason}"]
    program = {"program": Path(sys.executable), "command": ("-c", TOYS, "serve")}
    with served(
        written_as("callers", tmp_path), "--port", "rest=0", "--port", "mcp=0", env=VARIABLES, **program
    ) as server:
        assert get(f"{server.rest}/items/1").status_code == 503


def test_a_key_of_its_own_says_what_a_step_is(told):
    assert messages(told("typeless"), "warning") == ["`type` is missing; what has `over` is read as `toyeach`"]


def test_an_unknown_kind_is_told_with_the_near_one(told):
    found = told("near")
    assert ("warning", "`type: toyhmca` is not known here", "did you mean `toyhmac`?") in found
    assert (
        "warning",
        "`type: toyeech` is not known here; what has `over` is read as `toyeach`",
        "did you mean `toyeach`?",
    ) in found
    assert (
        "the authentication of `toys` is of the kind `toyhmca`, which can't be done: no call goes out without it"
        in messages(found, "error")
    )


def test_an_unknown_kind_is_told_with_the_known_ones(told):
    found = told("far")
    assert (
        "warning",
        "`type: hoba` is not known here",
        "known: basic, bearer, apikey, digest, oauth2, mtls, hmac, several, awssigv4, oauth1, customtoken, toyhmac",
    ) in found
    assert ("warning", "`type: transform` is not known here", "known: call, lookup, script, toyeach") in found


def test_who_has_not_registered_them_is_told_what_they_always_were(told):
    found = told("sound", toys=False)
    assert (
        "warning",
        "`type: toyHmac` is not known here",
        "known: basic, bearer, apikey, digest, oauth2, mtls, hmac, several, awssigv4, oauth1, customtoken",
    ) in found
    assert ("warning", "`type: toyeach` is not known here", "known: call, lookup, script") in found
    blind = messages(told("blind", toys=False), "error")
    assert "step `every` is of type `toyeach`, which this runtime doesn't run" in blind


def test_it_is_described(tmp_path):
    described = json.loads(naftiko("inspect", written(tmp_path), "--format", "json").stdout)
    assert described["consumes"][0]["authentication"] == "toyHmac"
    assert described["uses"]["variables"][0]["name"] == "TOY_SECRET"
    every = next(unit for unit in described["exposes"][0]["units"] if unit["name"] == "all")
    assert [(each["step"], each["operation"]) for each in every["upstream"]] == [
        ("list", "toys.list-items"),
        ("every", "toys.get-item"),
    ]
    assert {given["name"] for given in every["inputs"]} == {"q", "who"}


@pytest.mark.parametrize(("variant", "secret"), [("sound", SECRET), ("literal", "plain-in-the-file")])
def test_a_dry_run_shows_neither_the_secret_nor_the_signature(tmp_path, variant, secret):
    shown = naftiko("call", written_as(variant, tmp_path), "make", f"name={secret}", "--dry-run")
    assert shown.returncode == 0, shown.stderr
    signed = b'POST\nhttp://127.0.0.1:9/v1/items\n[\'content-type\']\n{"name": "' + secret.encode() + b'"}'
    signature = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    assert "x-toy-signature" in shown.stdout.lower()
    assert secret not in shown.stdout
    assert signature not in shown.stdout


def test_a_dry_run_shows_each_request_of_the_step(tmp_path):
    shown = naftiko("call", written(tmp_path), "all", "q=red", "who=x", "--dry-run")
    assert shown.returncode == 0, shown.stderr
    lines = [line for line in shown.stdout.splitlines() if line.startswith(("#", "GET"))]
    every = ["# step every", "GET http://127.0.0.1:9/v1/items/%7Bitem%7D?q=red"]
    assert lines == ["# step list", "GET http://127.0.0.1:9/v1/items", *every, *every]
    data = json.loads(naftiko("call", written(tmp_path), "all", "who=x", "--dry-run", "--format", "json").stdout)
    assert data["steps"]["list"]["url"] == "http://127.0.0.1:9/v1/items"
    assert [each["url"] for each in data["steps"]["every"]] == ["http://127.0.0.1:9/v1/items/%7Bitem%7D"] * 2


@pytest.mark.parametrize("taken", ["basic", "Basic-Auth", "call"])
def test_a_word_means_one_kind(taken):
    script = f"""
import toy_hmac, toy_each
from naftiko.engine.authentication import register
from naftiko.link import steps
class Other(toy_hmac.ToyAuthentication):
    kind = {taken!r}
class Step(toy_each.EachStep):
    kind = {taken!r}
for add in (lambda: register(Other, toy_hmac.ToyCredential), lambda: steps.register(Step, toy_each.EachPlan)):
    try:
        add()
    except ValueError as error:
        print(error)
"""
    got = subprocess.run(
        [sys.executable, "-c", script], env=surroundings(**VARIABLES), capture_output=True, text=True, timeout=LIMIT, check=True
    )  # fmt: skip
    assert f"`type: {taken.lower().replace('-', '')}` is taken already" in got.stdout
