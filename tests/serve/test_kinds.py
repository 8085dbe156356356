"""Inputs that went wrong once, each of its kind, as a user of ``naftiko serve`` meets them."""

from __future__ import annotations

import http.client
import json
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from served import FREE, LIMIT, NAFTIKO, run, served, surroundings
from starlette.responses import JSONResponse

import forks
from naftiko.testing import StandInUpstream

CAPABILITY = """\
naftiko: 1.0.0-alpha2
capability:
  consumes:
  - type: http
    namespace: api
    baseUri: UPSTREAM
    resources:
    - name: r
      path: /
      operations:
      - name: styled
        method: GET
        path: /styled
        inputParameters:
        - {name: f, in: query, type: object, style: form, allowReserved: true}
        - {name: c, in: cookie, type: object, style: form}
        - {name: X-L, in: header, type: array}
        - {name: X-O, in: header, type: object, style: simple}
      - name: chosen
        method: GET
        path: /chosen
        inputParameters:
        - {name: size, in: query, enum: [10, 20]}
        - {name: mixed, in: query, enum: [all, 1, true, null]}
        - {name: X-V, in: header, enum: [1.10, 2]}
        - {name: list, in: query, type: array, items: {enum: [1, 2]}}
      - name: choose
        method: POST
        path: /chosen
        inputParameters: [{name: size, in: body, enum: [10, 20]}, {name: other, in: body}]
      - {name: shell, method: GET, path: "/towns/${town}/days/${{day}}", inputParameters: [{name: town, in: path}]}
      - name: jar
        method: GET
        path: /jar
        inputParameters: [{name: s, in: cookie}, {name: k, in: cookie, type: array, style: form}]
      - {name: capitals, method: GET, path: "/apps/{APP_ID}/keys/{KEY}"}
      - {name: lost, method: POST, path: /runs, inputParameters: [{name: id, in: path}]}
  - type: http
    namespace: with-user
    baseUri: AS_USER
    resources:
    - {name: r, path: /user, operations: [{name: read, method: GET}]}
  - type: http
    namespace: with-both
    baseUri: AS_USER
    authentication: {type: bearer, token: "{{env.TOKEN}}"}
    resources:
    - {name: r, path: /both, operations: [{name: read-both, method: GET}]}
  exposes:
  - type: rset
    namespace: front
    port: 8080
    resources:
    - {name: chosen, path: /chosen, operations: [{name: chosen, method: GET, call: api.chosen}]}
    - {name: jar, path: /jar, operations: [{name: jar, method: GET, call: api.jar}]}
    - {name: shell, path: "/t/${town}/d/${day}", operations: [{name: shell, method: GET, call: api.shell}]}
    - {name: apps, path: "/apps/{app-id}/k/{key}", operations: [{name: apps, method: GET, call: api.capitals}]}
    - {name: lost, path: "/runs/{id}", operations: [{name: lost, method: POST, call: api.lost}]}
  - type: mcp
    namespace: tools
    port: 9090
    description: Kinds
    tools:
    - {name: styled, description: d, call: api.styled}
    - {name: chosen, description: d, call: api.chosen}
    - {name: choose, description: d, call: api.choose}
    - {name: shell, description: d, call: api.shell}
    - {name: jar, description: d, call: api.jar}
    - {name: lost, description: d, call: api.lost}
    - {name: capitals, description: d, call: api.capitals}
    - {name: read, description: d, call: with-user.read}
    - {name: read-both, description: d, call: with-both.read-both}
    - name: joined
      description: d
      call: api.chosen
      inputSchema:
        type: object
        required: [ghost]
        additionalProperties: false
        allOf: [{properties: {size: {type: integer}}}, {properties: {mixed: {type: string}}, required: [mixed]}]
"""
USER, PASSWORD = "us%40r", "pass%3Aword"


@pytest.fixture(scope="module")
def upstream():
    with StandInUpstream() as standing_in:
        standing_in.on("*", "/{rest:path}", JSONResponse({"ok": True}))
        yield standing_in


@pytest.fixture(scope="module")
def file(upstream, tmp_path_factory):
    place = upstream.url.partition("://")[2]
    text = CAPABILITY.replace("UPSTREAM", upstream.url).replace("AS_USER", f"http://{USER}:{PASSWORD}@{place}")
    path = tmp_path_factory.mktemp("kinds") / "kinds.yaml"
    path.write_text(text, "utf-8")
    return path


@pytest.fixture(scope="module")
def process(file):
    with served(str(file), *FREE, env={"TOKEN": "a-token-of-ours"}) as running:
        running.wait_for("rest ", "mcp ")
        yield running
        running.clean()


@pytest.fixture
def asked(upstream):
    upstream.clear()
    return lambda: upstream.requests[-1]


def post(process, body: str | bytes, **headers: str) -> httpx.Response:
    sent = {"content-type": "application/json", **{name.replace("_", "-"): value for name, value in headers.items()}}
    return httpx.post(process.mcp, content=body, headers=sent, trust_env=False, timeout=LIMIT)


def call(process, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": name, "arguments": arguments}}
    result: dict[str, Any] = post(process, json.dumps(message)).json()["result"]
    return result


def get(process, target: str, headers: dict[str, str] | None = None, method: str = "GET") -> tuple[int, str]:
    """Send a target as it is written, which clients would put in order."""
    connection = http.client.HTTPConnection(urlsplit(process.rest).netloc, timeout=LIMIT)
    connection.request(method, target, headers=headers or {})
    answer = connection.getresponse()
    said = answer.status, answer.read().decode()
    connection.close()
    return said


def test_names_of_an_objects_members_are_encoded_once(process, asked):
    assert not call(process, "styled", {"f": {"a b": "c/d", "e=f&g": "1"}, "c": {"l m": "w;"}}).get("isError")
    assert asked().raw_query == "a%20b=c/d&e%3Df%26g=1"
    assert asked().headers["cookie"] == "l%20m=w%3B"


def test_a_header_of_nothing_is_none(process, asked):
    assert not call(process, "styled", {"X-L": [], "X-O": {}}).get("isError")
    assert "x-l" not in asked().headers
    assert "x-o" not in asked().headers


@pytest.mark.parametrize(
    ("arguments", "query", "header"),
    [
        ({"size": 10}, "size=10", None),
        ({"size": "20"}, "size=20", None),
        ({"mixed": "1"}, "mixed=1", None),
        ({"mixed": "true"}, "mixed=true", None),
        ({"mixed": "all", "X-V": "1.10"}, "mixed=all", "1.10"),
        ({"list": ["1", 2]}, "list=1&list=2", None),
    ],
)
def test_an_enum_without_a_type_takes_its_members_however_they_are_written(process, asked, arguments, query, header):
    result = call(process, "chosen", arguments)
    assert not result.get("isError"), result
    assert (asked().raw_query, asked().headers.get("x-v")) == (query, header)
    assert get(process, f"/chosen?{query}", {"X-V": header} if header else None)[0] == 200
    assert (asked().raw_query, asked().headers.get("x-v")) == (query, header)


def test_an_enum_without_a_type_refuses_what_is_no_member(process, asked, upstream):
    assert call(process, "chosen", {"size": "30"})["isError"]
    assert get(process, "/chosen?size=1")[0] == 400
    assert get(process, "/chosen?mixed=null")[0] == 400
    assert upstream.requests == []


def test_a_member_of_an_enum_is_sent_in_a_body_as_the_file_writes_it(process, asked):
    assert not call(process, "choose", {"size": "10"}).get("isError")
    assert asked().body == b'{"size":10}'


def test_a_shells_dollar_before_a_placeholder_is_no_part_of_a_path(process, asked):
    assert not call(process, "shell", {"town": "Bern", "day": "1"}).get("isError")
    assert asked().raw_path == "/towns/Bern/days/1"
    assert get(process, "/t/Ulm/d/2")[0] == 200
    assert asked().raw_path == "/towns/Ulm/days/2"


def test_a_placeholder_in_capitals_is_an_input_like_any_other(process, asked):
    assert not call(process, "capitals", {"APP_ID": "a", "KEY": "k/1"}).get("isError")
    assert asked().raw_path == "/apps/a/keys/k%2F1"
    assert get(process, "/apps/b/k/2")[0] == 200
    assert asked().raw_path == "/apps/b/keys/2"


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ("s=a%3D%3D", "s=a%3D%3D"),
        ("s=YQ==+/", "s=YQ==+/"),
        ("s=first; s=second", "s=first"),
        ("k=1%2C2; k=3", "k=1%2C2; k=3"),
        ("k=1", "k=1"),
    ],
)
def test_a_cookie_goes_on_as_it_came(process, asked, sent, expected):
    assert get(process, "/jar", {"Cookie": sent})[0] == 200
    assert asked().headers["cookie"] == expected


def test_what_cant_be_executed_says_so_whatever_its_arguments_are(process, asked, upstream):
    result = call(process, "lost", {"id": "5"})
    assert "its path `/runs` has no placeholder for `id`" in result["content"][0]["text"]
    assert get(process, "/runs/5", method="POST")[0] == 501
    assert upstream.requests == []


def test_of_the_command_line_too(file):
    told = run("call", str(file), "lost", "id=5", "--adapter", "mcp")
    assert told.returncode == 1
    assert "its path `/runs` has no placeholder for `id`" in told.stderr


def test_an_own_schema_asks_for_no_more_than_its_inputs(process, asked):
    """Neither for a name that is no property, nor for those of one branch to be all there are."""
    assert not call(process, "joined", {"size": 10, "mixed": "all"}).get("isError")
    assert asked().raw_query == "size=10&mixed=all"
    assert "`mixed` is required" in call(process, "joined", {})["content"][0]["text"]
    assert "no input `more`" in call(process, "joined", {"mixed": "all", "more": 1})["content"][0]["text"]


def test_the_user_of_a_base_uri_is_a_credential(process, asked):
    assert not call(process, "read", {}).get("isError")
    assert asked().headers["authorization"] == "Basic dXNAcjpwYXNzOndvcmQ="
    assert not call(process, "read-both", {}).get("isError")
    assert asked().headers["authorization"] == "Bearer a-token-of-ours"


@pytest.mark.parametrize(
    "command",
    [("validate", "--hints"), ("inspect",), ("inspect", "--format", "json"), ("call", "read", "--dry-run")],
)
def test_the_password_of_a_base_uri_is_shown_nowhere(file, command):
    name, *more = command
    told = run(name, str(file), *more, env={"TOKEN": "x"})
    assert told.stdout
    assert "word" not in told.stdout.replace("password", "") + told.stderr.replace("password", "")
    if name == "validate":
        assert "the password of `baseUri` stands in the file itself [literal-secret]" in told.stdout


def test_a_misspelt_type_is_what_its_keys_say(file):
    told = run("validate", str(file))
    assert "`type: rset` is not known here; what has `resources` is read as `rest` [unknown-kind]" in told.stdout
    assert "did you mean `rest`?" in told.stdout


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ('[{"jsonrpc":"2.0","id":1,"method":"ping"}]', "a batch is not taken"),
        ("[]", "a batch is not taken"),
        ("5", "must be a JSON object"),
        ('{"id":7,"method":"ping"}', '"jsonrpc": "2.0"'),
        ('{"jsonrpc":"1.0","id":7,"method":"ping"}', '"jsonrpc": "2.0"'),
        ('{"jsonrpc":"2.0","id":7}', "must have a `method`"),
        ('{"jsonrpc":"2.0","id":7,"method":5}', "`method` must be a string"),
        ('{"jsonrpc":"2.0","id":7,"method":"ping","params":[]}', "`params` must be an object"),
    ],
)
def test_a_message_that_is_none_is_told_in_one_line(process, body, said):
    answer = post(process, body)
    told = answer.json()
    assert (answer.status_code, told["error"]["code"]) == (400, -32600)
    assert said in told["error"]["message"]
    assert "\n" not in told["error"]["message"]
    assert told["id"] == (7 if '"id":7' in body else None)


def test_a_coded_message_is_refused_by_its_coding(process):
    answer = post(process, b"\x1f\x8b\x08", content_encoding="gzip")
    assert answer.status_code == 415
    assert "`gzip`" in answer.json()["error"]["message"]
    assert post(process, '{"jsonrpc":"2.0","id":1,"method":"ping"}', content_encoding="identity").status_code == 200


def test_a_line_that_is_no_message_is_answered_with_its_id(file):
    """Whoever sent it waits for an answer to its id, and would wait for ever."""
    lines = ['{"jsonrpc":"2.0","id":7,"method":"ping","params":[]}', '[{"jsonrpc":"2.0","id":8,"method":"ping"}]']
    command = [NAFTIKO, "serve", file, "--transport", "stdio"]
    said = forks.run(command, said="\n".join(lines), env=surroundings(TOKEN="x"), timeout=LIMIT)
    answers = [json.loads(line) for line in said.stdout.splitlines()]
    assert [(answer["id"], answer["error"]["code"]) for answer in answers] == [(7, -32600), (None, -32600)]
