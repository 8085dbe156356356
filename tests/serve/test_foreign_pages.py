"""Web pages and rebound names before REST and MCP on one port: the real command, requests as browsers send them."""

from __future__ import annotations

import json
import socket
from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner
from raw_http import ask
from served import served

from naftiko.cli.application import application

CAPABILITY = """\
naftiko: 1.0.0-alpha2
capability:
  consumes:
    - type: http
      namespace: up
      baseUri: http://127.0.0.1:9
      resources:
        - {name: one, path: /one, operations: [{name: read, method: GET}, {name: write, method: POST}]}
        - {name: two, path: /two, operations: [{name: drop, method: DELETE}]}
  exposes:
    - type: rest
      namespace: front
      port: 8080
      resources:
        - path: /things
          operations: [{name: list, method: GET, call: up.read}, {name: add, method: POST, call: up.write}]
        - {path: /erase, operations: [{name: erase, method: GET, call: up.drop}]}
        - path: /both
          operations:
            - name: both
              method: GET
              steps: [{type: call, name: a, call: up.read}, {type: call, name: b, call: up.write}]
        - {path: /fine, operations: [{name: fine, method: GET, steps: [{type: call, name: a, call: up.read}]}]}
        - {path: "/through/{path}", forward: {targetNamespace: up}}
    - type: mcp
      namespace: tools
      port: 8080
      tools: [{name: list, description: Lists., call: up.read}]
"""


def free_port() -> str:
    """One port for both adapters: port 0 would be one for each."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return f"*={probe.getsockname()[1]}"


EVIL = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
PING = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "ping"}).encode()
JSON = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("pages") / "front.yaml"
    path.write_text(CAPABILITY)
    return path


@pytest.fixture(scope="module")
def site(file):
    """On loopback, with nothing allowed."""
    with served(file, "--mock", "--port", free_port(), ready=("rest ", "mcp ")) as running:
        yield running.rest


@pytest.fixture(scope="module")
def allowing(file):
    """On loopback, with hosts and pages that may call."""
    options = (
        *("--allow-host", "api.example.com", "--allow-host", "*.internal", "--allow-origin", "https://agent.example"),
        *("--cors-origin", "https://*.shop.example", "--cors-origin", "HTTPS://App.Example:443/"),
        *("--cors-origin", "https://müller.example"),
    )
    with served(file, "--mock", "--port", free_port(), *options, ready=("rest ", "mcp ")) as running:
        yield running.rest


@pytest.mark.parametrize("path", ["/things", "/openapi.json", "/nothing", "/through/x", "/.well-known/x"])
@pytest.mark.parametrize(
    "host", ["evil.example:{port}", "evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", "127.0.0.2"]
)
def test_a_rebound_name_is_misdirected_whatever_it_asks_for(site, host, path):
    answer = ask(site, path=path, host=host.format(port=urlsplit(site).port))
    assert answer.status == 421
    assert "application/problem+json" in answer.head
    problem = json.loads(answer.body)
    assert problem["type"] == "urn:naftiko:problem:foreign-host"
    assert "--allow-host" in problem["detail"]


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1", "[::1]:80", None])
def test_loopback_names_are_served(site, host):
    assert ask(site, path="/things", host=host).status == 200
    assert ask(site, "POST", "/mcp", JSON, PING, host=host).status == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *(("POST", "/things"), ("GET", "/erase"), ("HEAD", "/erase"), ("GET", "/both")),
        *(("POST", "/through/x"), ("DELETE", "/through/x"), ("PATCH", "/nothing"), ("POST", "/mcp")),
    ],
)
@pytest.mark.parametrize(
    "page",
    [
        EVIL,
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost.evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example", "Sec-Fetch-Site": "same-origin"},
        [("Origin", "http://localhost"), ("Origin", "https://evil.example")],
    ],
    ids=str,
)
def test_a_foreign_page_can_not_call_what_changes_something(site, method, path, page):
    body = b"id=pwned" if method not in {"GET", "HEAD"} else b""
    answer = ask(site, method, path, [*(page.items() if isinstance(page, dict) else page), *FORM.items()], body)
    assert answer.status == 403
    assert "access-control-allow-origin" not in answer.head


@pytest.mark.parametrize("path", ["/things", "/fine", "/through/x", "/openapi.json"])
def test_a_foreign_page_may_send_what_only_reads_and_sees_nothing_of_it(site, path):
    answer = ask(site, path=path, headers=EVIL)
    assert answer.status == 200
    assert "access-control-allow-origin" not in answer.head


@pytest.mark.parametrize(
    "page",
    [
        {},
        {"Origin": "http://localhost:3000", "Sec-Fetch-Site": "same-site"},
        {"Origin": "http://127.0.0.1:5173", "Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none"},
    ],
    ids=str,
)
@pytest.mark.parametrize(("method", "path"), [("POST", "/things"), ("GET", "/erase"), ("GET", "/both")])
def test_programs_people_and_pages_of_this_machine_may(site, method, path, page):
    assert ask(site, method, path, page).status == 200


def test_the_refusal_names_the_option(site):
    detail = json.loads(ask(site, "POST", "/things", EVIL).body)["detail"]
    assert 'the origin "https://evil.example" is not allowed' in detail
    assert "--cors-origin https://evil.example" in detail


@pytest.mark.parametrize(
    ("host", "status"), [("naftiko:8080", 200), ("x", 200), ("", 421), ("a b", 421), ("[fd00::1]", 421), ("x.", 421)]
)
def test_rest_takes_names_that_nobody_outside_can_have(site, host, status):
    """Of containers, say; MCP does not."""
    headers = [("Host", host), *JSON.items()]
    assert ask(site, path="/things", headers=headers, host="").status == status
    assert ask(site, "POST", "/mcp", headers, PING, host="").status == 421


@pytest.mark.parametrize(
    ("host", "status"),
    [("api.example.com", 200), ("API.example.com:8443", 200), ("a.internal", 200), ("other.example.com", 421)],
)
def test_hosts_that_are_allowed_are_served_by_rest_and_mcp(allowing, host, status):
    assert ask(allowing, path="/things", host=host).status == status
    assert ask(allowing, "POST", "/mcp", JSON, PING, host=host).status == status


@pytest.mark.parametrize(
    ("origin", "may_call", "may_read"),
    [
        ("https://a.shop.example", True, True),
        ("https://app.example", True, True),
        ("https://xn--mller-kva.example", True, True),
        ("https://agent.example", True, False),
        ("https://shop.example", False, False),
        ("https://a.shop.example.evil.example", False, False),
        ("null", False, False),
    ],
)
def test_the_guard_and_cors_agree(allowing, origin, may_call, may_read):
    page = {"Origin": origin, "Sec-Fetch-Site": "cross-site"}
    posted = ask(allowing, "POST", "/things", page)
    assert posted.status == (200 if may_call else 403)
    assert (f"access-control-allow-origin: {origin}" in posted.head) is may_read
    asks = {**page, "Access-Control-Request-Method": "POST", "Access-Control-Request-Private-Network": "true"}
    preflight = ask(allowing, "OPTIONS", "/things", asks)
    assert (f"access-control-allow-origin: {origin}" in preflight.head) is may_read
    assert (preflight.status == 200) is may_read
    assert ask(allowing, "GET", "/erase", page).status == (200 if may_call else 403)


def test_a_page_of_an_allowed_host_is_not_foreign(allowing):
    page = {"Origin": "https://api.example.com", "Sec-Fetch-Site": "same-origin"}
    assert ask(allowing, "POST", "/things", page, host="api.example.com").status == 200


def test_beyond_loopback_rest_is_called_by_any_name_unless_some_are_named(file):
    with served(file, "--mock", "--port", free_port(), "--host", "0.0.0.0", ready=("rest ",)) as running:
        url = running.rest.replace("localhost", "127.0.0.1")
        assert ask(url, path="/things", host="anything.example").status == 200
        assert ask(url, "POST", "/things", EVIL).status == 403
        assert ask(url, "POST", "/mcp", JSON, PING, host="anything.example").status == 421


def test_a_loopback_address_of_its_own_is_its_name(file):
    with served(file, "--mock", "--port", free_port(), "--host", "127.0.0.7", ready=("rest ",)) as running:
        for url in (running.rest, f"http://127.0.0.7:{urlsplit(running.rest).port}"):
            assert ask(url, path="/things").status == 200
            assert ask(url, "POST", "/mcp", JSON, PING).status == 200
        assert ask(running.rest, path="/things", host="evil.example").status == 421


@pytest.mark.parametrize(
    ("option", "value"),
    [
        *(
            ("--cors-origin", value)
            for value in ("app.example.com", "https://app.example.com/path", "https://", "https://a b")
        ),
        *(
            ("--cors-origin", value)
            for value in ("https://(a|b).example", "https://a.example?x", "https://u@a.example")
        ),
        ("--allow-origin", "app.example.com"),
        *(("--allow-host", value) for value in ("https://api.example.com", "api.example.com/", "a b", "h?.example")),
    ],
)
def test_what_no_browser_could_ever_send_is_refused_at_the_start(file, option, value):
    done = CliRunner().invoke(application, ["serve", str(file), "--mock", option, value])
    assert done.exit_code == 2
    assert f"`{value}` is no" in done.output
    assert option in done.output
