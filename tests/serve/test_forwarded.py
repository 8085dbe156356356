"""Behind a proxy: what it says is believed where the operator says so, and what callers see is right at its prefix."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from urllib.parse import urljoin, urlsplit

import httpx
import httpx2
import pytest
from front import FILE, PORTS, Certificates, call_tool, nginx, wait_until
from raw_http import ask
from served import LIMIT, get, run, served
from starlette.responses import JSONResponse

from naftiko.serve.forwarded import Proxies, Seen, node_of, prefix_of
from naftiko.testing import HangUp, StandInUpstream

PEER = ("10.0.0.1", 4711)


def x(**said):
    return [(b"x-forwarded-" + name.encode().removesuffix(b"_"), value.encode()) for name, value in said.items()]


def rfc7239(*values):
    return [(b"forwarded", value.encode("latin-1")) for value in values]


@pytest.mark.parametrize(
    ("fields", "seen"),
    [
        ([], Seen(PEER)),
        (x(for_="1.2.3.4"), Seen(("1.2.3.4", 0))),
        (x(for_="6.6.6.6, 1.2.3.4, 10.0.0.9"), Seen(("1.2.3.4", 0))),
        (x(for_="6.6.6.6, unknown, 10.0.0.9"), Seen(("10.0.0.9", 0))),
        (x(for_="10.0.0.8, 10.0.0.9"), Seen(("10.0.0.8", 0))),
        (x(for_="[2001:db8::1]:99"), Seen(("2001:db8::1", 99))),
        (x(for_="2001:db8::1"), Seen(("2001:db8::1", 0))),
        (x(for_="::ffff:1.2.3.4"), Seen(("1.2.3.4", 0))),
        (x(for_="1.2.3.4:99"), Seen(("1.2.3.4", 99))),
        (x(for_="1.2.3.4:what"), Seen(("1.2.3.4", 0))),
        (x(for_="<script>"), Seen(PEER)),
        (x(proto="https", host="shop.example"), Seen(PEER, "https", b"shop.example")),
        (x(proto="gopher", host='a b"c'), Seen(PEER)),
        (x(proto="http, https", host="evil.example, shop.example:8443"), Seen(PEER, "https", b"shop.example:8443")),
        (x(proto="https", host="shop.example", port="8443"), Seen(PEER, "https", b"shop.example:8443")),
        (x(proto="https", host="shop.example", port="443"), Seen(PEER, "https", b"shop.example")),
        (x(host="[2001:db8::1]", port="8443"), Seen(PEER, "", b"[2001:db8::1]:8443")),
        (x(prefix="/shop/"), Seen(PEER, prefix="/shop")),
        (x(prefix="/a, /b"), Seen(PEER, prefix="/a/b")),
        (x(prefix="/"), Seen(PEER, prefix="")),
        (x(prefix="//evil.example"), Seen(PEER)),
        (x(prefix="/a/../b"), Seen(PEER)),
        (x(prefix="/a%2e"), Seen(PEER)),
        (rfc7239("for=6.6.6.6"), Seen(PEER)),
    ],
)
def test_what_x_forwarded_says(fields, seen):
    assert Proxies(["10.0.0.0/8"]).seen(fields, PEER) == seen


@pytest.mark.parametrize(
    ("values", "seen"),
    [
        (["for=1.2.3.4;proto=https;host=shop.example"], Seen(("1.2.3.4", 0), "https", b"shop.example")),
        (['For="[2001:db8::1]:99";Proto=HTTPS'], Seen(("2001:db8::1", 99), "https")),
        (
            ["for=6.6.6.6;host=evil.example, for=1.2.3.4;host=shop.example", "for=10.0.0.9;host=inner"],
            Seen(("1.2.3.4", 0), "", b"shop.example"),
        ),
        (["for=6.6.6.6, for=_hidden;proto=https"], Seen(PEER, "https")),
        (["for=6.6.6.6;host=evil.example, proto=https;host=shop.example"], Seen(PEER, "https", b"shop.example")),
        (['for="1.2.3.4'], Seen(PEER)),
        (["for=1.2.3.4 for=6.6.6.6"], Seen(PEER)),
        ([",".join(["for=1.2.3.4"] * 200)], Seen(PEER)),
        (['for="1.2.\\3.4"'], Seen(("1.2.3.4", 0))),
        ([";,;,"], Seen(PEER)),
    ],
)
def test_what_forwarded_says(values, seen):
    fields = [*rfc7239(*values), *x(for_="7.7.7.7", host="other.example")]  # a caller's own, which the proxy let pass
    assert Proxies(["10.0.0.0/8"], "forwarded").seen(fields, PEER) == seen


@pytest.mark.parametrize(
    "value", [" " * 60_000, 'for="' + "\\" * 60_000, ";" * 60_000, 'for="' * 12_000, "a=" * 30_000, "for=1;" * 9_000]
)
def test_long_headers_are_read_in_linear_time(value):
    assert Proxies(["10.0.0.0/8"], "forwarded").seen(rfc7239(value), PEER) == Seen(PEER)
    assert Proxies(["10.0.0.0/8"]).seen(x(for_=value, host=value, prefix=value), PEER).client == PEER


@pytest.mark.parametrize(
    ("trusted", "peer", "is_trusted"),
    [
        ("10.0.0.1", "10.0.0.1", True),
        ("10.0.0.1", "10.0.0.2", False),
        ("10.0.0.0/8, 2001:db8::/32", "2001:db8::5", True),
        ("10.0.0.0/8", "::ffff:10.0.0.1", True),
        ("10.0.0.0/8", "", False),
        ("unix", "", True),
        ("unix", "127.0.0.1", False),
        ("*", "8.8.8.8", True),
        ("*", "", True),
    ],
)
def test_who_is_trusted(trusted, peer, is_trusted):
    assert Proxies([trusted]).trusts(peer) is is_trusted


def test_whoever_connects_is_no_reason_to_believe_the_whole_list():
    assert Proxies(["*"]).seen(x(for_="6.6.6.6, 1.2.3.4"), PEER).client == ("1.2.3.4", 0)


def test_known_addresses_are_bounded():
    proxies = Proxies(["10.0.0.0/8"])
    for at in range(10_000):
        proxies.trusts(f"10.0.{at // 250}.{at % 250}")
    assert len(proxies._known) <= 4096


@pytest.mark.parametrize("text", ["proxy.example", "10.0.0.1/8", "10.0.0.0/99", "300.1.1.1"])
def test_what_is_no_proxy_is_told(text, tmp_path):
    with pytest.raises(ValueError, match="is no address of a proxy"):
        Proxies([text])
    (tmp_path / "c.yaml").write_text(FILE)
    ended = run("serve", "c.yaml", "--forwarded-allow-ips", text, cwd=tmp_path)
    assert ended.returncode == 2
    assert "--forwarded-allow-ips" in ended.stderr


@pytest.mark.parametrize(
    ("text", "prefix"), [("", ""), ("/", ""), ("shop", "/shop"), ("/a/b/", "/a/b"), (" /~x ", "/~x")]
)
def test_prefixes(text, prefix):
    assert prefix_of(text) == prefix


@pytest.mark.parametrize("text", ["//a", "/a//b", "/..", "/a?b", "/a b", "/é", "http://a", "/a%20b", "/" + "a" * 1025])
def test_what_is_no_prefix(text):
    with pytest.raises(ValueError, match="no prefix"):
        prefix_of(text)


@pytest.mark.parametrize(
    ("text", "node"), [("", None), ("[::1", None), ("[::1]9", None), ("1.2.3.4:99999999", ("1.2.3.4", 0))]
)
def test_nodes(text, node):
    assert node_of(text) == node


CAPABILITY = """
naftiko: 1.0.0-alpha5
capability:
  consumes:
    - type: http
      namespace: up
      baseUri: http://unused.invalid/api
      resources:
        - {path: "/tickets", operations: [{name: open, method: POST}]}
        - {path: "/tickets/{id}", operations: [{name: show, method: GET, inputParameters: [{name: id, in: path}]}]}
  exposes:
    - type: rest
      namespace: shop
      port: 8080
      resources:
        - {path: /tickets, operations: [{name: open, method: POST, call: up.open}]}
        - {path: "/tickets/{id}", operations: [{name: show, method: GET, call: up.show}]}
    - {type: mcp, namespace: tools, port: 9090, tools: [{name: show, description: Shows., call: up.show}]}
    - type: mcp
      namespace: guarded
      port: 9091
      authentication: {type: oauth2, authorizationServerUri: "https://login.example", resource: "https://shop.example/shop/guarded/mcp"}
      tools: [{name: show, description: Shows., call: up.show}]
"""
FREE = ("--port", "shop=0", "--port", "tools=0", "--port", "guarded=0")
LOCATIONS = """
proxy_bind 127.0.0.2;
proxy_set_header Host $proxy_host;
proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
proxy_set_header X-Forwarded-Proto $scheme;
proxy_set_header X-Forwarded-Host $host;
proxy_set_header X-Forwarded-Port $server_port;
proxy_set_header X-Forwarded-Prefix "";
proxy_set_header Connection "";
proxy_http_version 1.1;
proxy_buffering off;
location /shop/ { proxy_pass REST/; }
location = /shop/mcp { proxy_pass TOOLS/mcp; }
location = /shop/guarded/mcp { proxy_pass GUARDED/guarded/mcp; }
location /.well-known/oauth-protected-resource/shop/guarded { proxy_pass GUARDED; }
"""


def opened(request):
    body = {"id": 7}
    return JSONResponse(body, 201, {"Location": f"http://{request.headers['host']}/api/tickets/7"})


@pytest.mark.parametrize("more", [(), ("--workers", "2")], ids=["one", "two"])
def test_behind_nginx_with_a_prefix(tmp_path, more):
    file = tmp_path / "shop.yaml"
    file.write_text(CAPABILITY)
    options = (
        "--forwarded-allow-ips",
        "127.0.0.2",
        "--root-path",
        "/shop",
        "--allow-host",
        "shop.example",
        "--access-log",
    )
    with StandInUpstream() as upstream:
        upstream.on("POST", "/api/tickets", opened)
        upstream.on("GET", "/api/tickets/{id}", {"id": 7})
        with served(
            file, *FREE, *options, "--base-uri", f"up={upstream.url}/api", *more, ready=("shop", "tools", "guarded")
        ) as running:
            rest, tools, guarded = (
                f"http://{urlsplit(running.url(*each)).netloc}"
                for each in (("rest", ""), ("mcp", "tools"), ("mcp", "guarded"))
            )
            places = LOCATIONS.replace("REST", rest).replace("TOOLS", tools).replace("GUARDED", guarded)
            with nginx(tmp_path, places) as port:
                base = f"http://127.0.0.1:{port}/shop/"
                with httpx.Client(trust_env=False, timeout=LIMIT) as client:
                    made = client.post(f"{base}tickets", json={})
                    assert made.status_code == 201, made.text
                    assert made.headers["location"] == "/shop/tickets/7"
                    there = client.get(urljoin(base, made.headers["location"]))
                    assert there.json() == {"id": 7}

                    described = client.get(f"{base}openapi.json")
                    server = urljoin(str(described.url), described.json()["servers"][0]["url"])
                    assert client.get(f"{server.rstrip('/')}/tickets/7").json() == {"id": 7}

                    as_shop = {"Host": "shop.example"}
                    refused = client.post(f"{base}guarded/mcp", json={}, headers=as_shop)
                    assert refused.status_code == 401
                    where = "https://shop.example/.well-known/oauth-protected-resource/shop/guarded/mcp"
                    assert f'resource_metadata="{where}"' in refused.headers["www-authenticate"]
                    metadata = client.get(f"http://127.0.0.1:{port}{urlsplit(where).path}", headers=as_shop)
                    assert metadata.json()["resource"] == "https://shop.example/shop/guarded/mcp"

                    evil = client.post(f"{base}mcp", json={}, headers={"Host": "evil.example"})
                    assert evil.status_code == 421
                    page = client.post(
                        f"{base}mcp", json={}, headers={**as_shop, "Origin": f"http://shop.example:{port}"}
                    )
                    assert page.status_code != 403  # a page of the very host that was called
                    page = client.post(f"{base}mcp", json={}, headers={**as_shop, "Origin": "https://evil.example"})
                    assert page.status_code == 403

                    spoofed = client.get(f"{base}tickets/8", headers={"X-Forwarded-For": "6.6.6.6"})
                    assert spoofed.status_code == 200
                result = asyncio.run(call_tool(f"{base}mcp", "show", id="7"))
                assert result.structured_content == {"id": 7}
            lines = [line for line in running.errors if "/tickets/{id}" in line]
            assert lines
            assert all("client=127.0.0.1" in line for line in lines), lines  # nginx' own caller, not what it claims


def test_nobody_is_believed_by_default(tmp_path):
    (tmp_path / "f.yaml").write_text(FILE)
    with served(
        tmp_path / "f.yaml", *PORTS, "--access-log", "--log-format", "json", ready=('"rest"', '"mcp"')
    ) as running:
        base = json.loads(running.lines[0])["url"]
        headers = {
            "X-Forwarded-For": "6.6.6.6", "Forwarded": "for=6.6.6.6", "X-Forwarded-Prefix": "/evil",
            "X-Forwarded-Host": "evil.example", "X-Request-Id": "mine",
        }  # fmt: skip
        assert get(f"{base}/r/1", headers=headers).status_code == 200
        line = wait_until(lambda: [each for each in running.errors if '"mine"' in each], running.said)[0]
        assert json.loads(line)["client"] == "127.0.0.1"


@pytest.mark.parametrize(
    ("style", "headers"),
    [
        ("x-forwarded", {"X-Forwarded-For": "1.2.3.4", "Forwarded": "for=6.6.6.6"}),
        ("forwarded", {"X-Forwarded-For": "6.6.6.6", "Forwarded": "for=1.2.3.4;proto=https"}),
    ],
)
@pytest.mark.parametrize("has_tls", [False, True], ids=["plain", "tls"])
def test_a_trusted_proxy_is_believed_by_one_family_of_headers(tmp_path, style, headers, has_tls):
    (tmp_path / "f.yaml").write_text(FILE)
    certificates = Certificates(tmp_path)
    tls = ("--tls-cert", certificates.cert, "--tls-key", certificates.key) if has_tls else ()
    options = (
        "--forwarded-allow-ips",
        "127.0.0.1,::1",
        "--forwarded-headers",
        style,
        "--access-log",
        "--trace-file",
        tmp_path / "traces",
        "--audit-log",
        "-",
    )
    with served(tmp_path / "f.yaml", *PORTS, *options, *tls) as running:
        assert certificates.get(f"{running.rest}/r/1", headers=headers).status_code == 200
        line = wait_until(lambda: [each for each in running.errors if "/r/{id}" in each], running.said)[0]
        assert "client=1.2.3.4" in line
        agent = httpx2.AsyncClient(headers=headers, verify=certificates.context(), trust_env=False, timeout=LIMIT)
        assert not asyncio.run(call_tool(running.mcp, client=agent, id="7")).is_error
        told = wait_until(lambda: [each for each in running.errors if '"outcome"' in each], running.said)[0]
        assert json.loads(told)["client"] == "1.2.3.4"
        traces = wait_until(lambda: len(found := _lines(tmp_path / "traces")) > 1 and found, running.said)
        callers = [_attribute(line, "client.address") for line in traces]
        assert callers.count("1.2.3.4") >= 2, callers
        assert "6.6.6.6" not in callers


def test_a_prefix_of_the_proxy_counts_for_its_request_alone(tmp_path):
    (tmp_path / "f.yaml").write_text(FILE)
    options = ("--forwarded-allow-ips", "127.0.0.1", "--root-path", "/usual")
    with (
        served(tmp_path / "f.yaml", *PORTS, *options) as running,
        httpx.Client(trust_env=False, timeout=LIMIT, base_url=running.rest) as client,
    ):
        for prefix in ("/a", "/b", ""):
            answer = client.get("/nothing", headers={"X-Forwarded-Prefix": prefix})
            assert answer.status_code == 404
            assert client.get("/r/1", headers={"X-Forwarded-Prefix": prefix}).status_code == 200
        assert client.get("/usual/r/1").status_code == 404  # what the proxy takes off doesn't come here


def test_limits_of_an_address_are_those_of_the_proxys_caller(tmp_path):
    """The connections of a proxy are not counted, the requests of each of its callers are."""
    (tmp_path / "f.yaml").write_text(FILE)
    options = ("--forwarded-allow-ips", "127.0.0.1", "--max-connections-per-address", "2", "--base-uri")
    with (
        StandInUpstream() as upstream,
        served(tmp_path / "f.yaml", *PORTS[:4], *options, f"up={upstream.url}") as running,
    ):
        upstream.on("GET", "/r/{id}", {"n": 1})
        upstream.misbehave(HangUp(), path="/none")
        half = b"POST /r/1 HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: 1.2.3.4\r\nContent-Length: 9\r\n\r\n{"
        with contextlib.ExitStack() as stack:
            for _ in range(2):
                caller = stack.enter_context(connected(running.rest))
                caller.sendall(half)
            more = {"X-Forwarded-For": "1.2.3.4"}
            refused = wait_until(lambda: _refused(running.rest, more), running.said)
            assert "1.2.3.4 has 2 requests under way" in json.loads(refused.body)["detail"]
            assert ask(running.rest, path="/r/1", headers={"X-Forwarded-For": "5.6.7.8"}).status == 200
        wait_until(lambda: ask(running.rest, path="/r/1", headers=more).status == 200, running.said)
        for _ in range(5):
            assert ask(running.rest, path="/r/1", headers=more).status == 200


def _refused(url, headers):
    answer = ask(url, path="/r/1", headers=headers)
    return answer if answer.status == 503 else None


def connected(url):
    parts = urlsplit(url)
    return socket.create_connection((parts.hostname, parts.port), timeout=LIMIT)


def _lines(path):
    return path.read_text().splitlines() if path.exists() else []


def _attribute(line, name):
    """The value of an attribute of the first span of a line that has it."""
    spans = [
        span
        for resource in json.loads(line)["resourceSpans"]
        for scope in resource["scopeSpans"]
        for span in scope["spans"]
    ]
    found = [each["value"]["stringValue"] for span in spans for each in span["attributes"] if each["key"] == name]
    return found[0] if found else None
