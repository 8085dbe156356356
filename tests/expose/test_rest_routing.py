"""Which request finds which route (SEMANTICS 6)."""

from __future__ import annotations

import itertools

import pytest
from rest_serving import assert_problem, client_of, in_process, operation, rest_capability, route

from naftiko.expose.rest.options import RestOptions

SAYS = {"type": "string"}


def saying(path, text, method="GET", names=()):
    """A route in mock mode that says which it is, and its path variables."""
    values = "".join(f" {name}={{{{{name}}}}}" for name in names)
    return route(
        path,
        method,
        None,
        inputParameters=[{"name": name, "in": "path", **SAYS} for name in names],
        outputParameters=[{"name": "is", "type": "string", "value": text + values}],
    )


async def says(client, path, method="GET"):
    response = await client.request(method, path)
    return response.json()["is"] if response.status_code == 200 else response.status_code


ROUTES = [
    saying("/ships/{imo}", "ship", names=["imo"]),
    saying("/ships/active", "active"),
    saying("/ships/{imo}/crew", "crew", names=["imo"]),
    saying("/ships/{imo}.json", "ship as JSON", names=["imo"]),
    saying("/{{any}}/active", "any", names=["any"]),
]


@pytest.mark.parametrize("order", list(itertools.permutations(range(5))))
async def test_a_fixed_segment_beats_a_placeholder_whatever_the_order(order):
    """The order in the file means nothing."""
    async with in_process(rest_capability([ROUTES[at] for at in order])) as client:
        assert await says(client, "/ships/active") == "active"
        assert await says(client, "/ships/IMO-1") == "ship imo=IMO-1"
        assert await says(client, "/ships/IMO-1/crew") == "crew imo=IMO-1"
        assert await says(client, "/ships/IMO-1.json") == "ship as JSON imo=IMO-1"
        assert await says(client, "/boats/active") == "any any=boats"
        assert await says(client, "/ships/active/crew") == "crew imo=active"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/ships/a%2Fb", "ship imo=a/b"),
        ("/ships/a%2Fcrew", "ship imo=a/crew"),
        ("/ships/%61ctive", "active"),
        ("/ships/%E8%88%B9%20%C3%A9", "ship imo=船 é"),
        ("/ships/a%25b", "ship imo=a%b"),
        ("/ships/a+b", "ship imo=a+b"),
        ("/ships/IMO?x=/crew", "ship imo=IMO"),
        ("/ships/", 404),
        ("/ships", 404),
        ("/ships//crew", 404),
        ("/ships/active/", 404),
        ("/SHIPS/active", "any any=SHIPS"),
        ("/nope", 404),
        ("/", 404),
        ("/ships/%FF", 400),
        ("/%FF/nope", 404),
    ],
)
async def test_paths_on_the_wire(path, expected):
    """An encoded slash stays in its segment, an empty segment is no value, a case is a case."""
    async with client_of(rest_capability(ROUTES)) as client:
        assert await says(client, path) == expected


async def test_unencoded_bytes_in_a_path_and_query():
    """What curl sends when nobody encodes: the same as if it were encoded."""
    import asyncio

    capability = rest_capability(
        [
            route(
                "/q",
                "GET",
                None,
                inputParameters=[{"name": "q", "in": "query"}],
                outputParameters=[{"name": "is", "value": "{{q}}"}],
            )
        ]
    )
    async with client_of(capability) as client:
        host, port = client.base_url.host, client.base_url.port
        async with asyncio.timeout(60):
            reader, writer = await asyncio.open_connection(host, port)
            writer.write("GET /q?q=Lindstrøm HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
            answer = await reader.read()
            writer.close()
    assert b" 400 " in answer.split(b"\r\n")[0] or '"Lindstrøm"'.encode() in answer


async def test_nothing_there_and_another_method():
    """404 and 405 are problems; 405 and OPTIONS say what is allowed (RFC 9110 chapter 10.2.1)."""
    routes = [saying("/x", "get"), saying("/x", "put", "PUT"), saying("/only-post", "post", "POST")]
    async with client_of(rest_capability(routes)) as client:
        problem = assert_problem(await client.get("/none"), 404, "not-found")
        assert "/none" in problem["detail"]
        refused = await client.post("/x")
        assert_problem(refused, 405, "method-not-allowed")
        assert refused.headers["allow"] == "GET, HEAD, OPTIONS, PUT"
        told = await client.options("/x")
        assert (told.status_code, told.headers["allow"], told.content) == (204, "GET, HEAD, OPTIONS, PUT", b"")
        assert (await client.get("/only-post")).headers["allow"] == "OPTIONS, POST"
        assert (await client.head("/only-post")).status_code == 405


async def test_a_less_fixed_route_has_the_method_that_the_best_one_lacks():
    """Of the routes that fit a path the most fixed one that has the method answers; Allow tells of all of them."""
    routes = [
        saying("/a/b", "fixed"),
        saying("/a/{x}", "placeholder post", "POST", ["x"]),
        saying("/a/{x}.json", "mixed", "PUT", ["x"]),
        saying("/{y}/b", "outer", "DELETE", ["y"]),
        saying("/c/{x}", "get c", "GET", ["x"]),
        saying("/c/d", "post d", "POST"),
        saying("/e/{x}", "options", "OPTIONS", ["x"]),
        saying("/e/f", "get f"),
    ]
    async with client_of(rest_capability(routes)) as client:
        assert await says(client, "/a/b") == "fixed"
        assert await says(client, "/a/b", "POST") == "placeholder post x=b"
        assert await says(client, "/a/b", "DELETE") == "outer y=a"
        assert await says(client, "/a/c.json", "PUT") == "mixed x=c"
        assert await says(client, "/a/c.json", "POST") == "placeholder post x=c.json"
        assert (await client.head("/c/d")).status_code == 200
        assert await says(client, "/e/f", "OPTIONS") == "options x=f"
        refused = await client.patch("/a/b")
        assert_problem(refused, 405, "method-not-allowed")
        told = await client.options("/a/b")
        assert refused.headers["allow"] == told.headers["allow"] == "DELETE, GET, HEAD, OPTIONS, POST"
        assert (told.status_code, (await client.delete("/a/x")).status_code) == (204, 405)


async def test_a_forward_behind_a_route_takes_the_other_methods(upstream):
    """OPTIONS asks about the route itself, where there is one."""
    upstream.on("*", "/{rest:path}", lambda request: {"forwarded": request.method})
    forward = {"path": "/{rest}", "forward": {"targetNamespace": "api"}}
    capability = rest_capability([saying("/a", "fixed"), forward], base_uris={"*": upstream.url})
    async with client_of(capability) as client:
        assert await says(client, "/a") == "fixed"
        assert (await client.post("/a")).json() == {"forwarded": "POST"}
        assert (await client.options("/a")).headers["allow"] == "GET, HEAD, OPTIONS"
        assert (await client.options("/b")).json() == {"forwarded": "OPTIONS"}


def test_a_path_costs_its_segments_however_many_routes_there_are():
    """Each node of the tree is looked at once at most: among 4,000 routes a lookup does what it does among 4."""
    from naftiko.expose.rest.router import Router

    def looked_at(router, path):
        seen = []
        assert router.find(path, seen.append) is None
        return len(seen)

    router = Router()
    for number in range(2_000):
        router.add(f"/r{number}/{{id}}/fixed", number)
        router.add(f"/r{number}/{{id}}/{{other}}", -number)
    assert router.find("/r1999/7/fixed", lambda route: route) == (1999, ("7",))
    assert router.find("/r1999/7/x", lambda route: route) == (-1999, ("7", "x"))
    assert router.every("/r7/1/fixed") == [7, -7]
    assert looked_at(router, "/r7/1/fixed") == 2


async def test_head_is_answered_wherever_get_is(upstream):
    """The same status and headers, no body; upstream the operation itself is called."""
    upstream.on("GET", "/x", {"a": 1})
    async with client_of(rest_capability([route("/x")], base_uris={"*": upstream.url})) as client:
        got, head = await client.get("/x"), await client.head("/x")
        assert (head.status_code, head.content) == (200, b"")
        for name in ("content-type", "content-length"):
            assert head.headers[name] == got.headers[name]
        assert (await client.head("/nope")).content == b""
    assert [request.method for request in upstream.requests] == ["GET", "GET"]


async def test_declared_head_and_options_routes(upstream):
    """They win over the built-in ones; a HEAD whose upstream has no body is still 200."""
    upstream.on("HEAD", "/x", b"12345")
    upstream.on("OPTIONS", "/x", {"options": True})
    operations = {"head": operation("HEAD"), "options": operation("OPTIONS")}
    routes = [route("/x", "HEAD", "api.head"), route("/x", "OPTIONS", "api.options")]
    async with client_of(rest_capability(routes, operations, base_uris={"*": upstream.url})) as client:
        assert (await client.head("/x")).status_code == 200
        assert (await client.options("/x")).json() == {"options": True}
    assert [request.method for request in upstream.requests] == ["HEAD", "OPTIONS"]


async def test_any_method_token_upstream_and_here(upstream):
    """PURGE and PROPFIND are methods too."""
    upstream.on("PURGE", "/x", {"purged": True})
    capability = rest_capability([route("/x", "POST")], {"do": operation("PURGE")}, base_uris={"*": upstream.url})
    async with client_of(capability) as client:
        assert (await client.post("/x")).json() == {"purged": True}


async def test_of_two_same_routes_the_first_wins():
    """With a warning that names both."""
    capability = rest_capability([saying("/x/{a}", "first", names=["a"]), saying("/x/{b}", "second", names=["b"])])
    async with in_process(capability) as client:
        assert await says(client, "/x/1") == "first a=1"
    assert any("duplicate" in found.rule for found in capability.diagnostics)


async def test_several_capabilities_side_by_side_or_under_prefixes():
    """With the option each is under its namespace, and nothing is at the root."""

    def both():
        return rest_capability([saying("/one", "one")]), rest_capability(
            [saying("/two", "two")], api={"namespace": "b"}
        )

    async with client_of(*both()) as client:
        assert (await says(client, "/one"), await says(client, "/two")) == ("one", "two")
    async with client_of(*both(), options=RestOptions(prefix=True)) as client:
        assert (await says(client, "/api/one"), await says(client, "/b/two")) == ("one", "two")
        assert (await says(client, "/one"), await says(client, "/api/two")) == (404, 404)


async def test_capabilities_that_would_share_a_prefix_are_under_those_of_their_adapters():
    one = rest_capability([saying("/x", "one")], adapter={"namespace": "first"})
    two = rest_capability([saying("/x", "two")], adapter={"namespace": "second"})
    async with client_of(one, two, options=RestOptions(prefix=True)) as client:
        assert (await says(client, "/first/x"), await says(client, "/second/x")) == ("one", "two")
        assert await says(client, "/api/x") == 404


async def test_a_unit_that_means_nothing_says_so():
    """The rest of the file is served."""
    capability = rest_capability([route("/broken", call="api.nope"), saying("/fine", "fine")])
    async with client_of(capability) as client:
        problem = assert_problem(await client.get("/broken"), 501, "not-executable")
        assert "nope" in problem["detail"]
        assert await says(client, "/fine") == "fine"


async def test_cors_is_off_unless_an_option_names_origins():
    """A preflight is answered for a named origin only."""
    preflight = {"origin": "https://app.example", "access-control-request-method": "POST"}
    routes = [saying("/x", "get")]
    async with client_of(rest_capability(routes)) as client:
        assert "access-control-allow-origin" not in (await client.options("/x", headers=preflight)).headers
    options = RestOptions(cors_origins=("https://app.example",))
    async with client_of(rest_capability(routes), options=options) as client:
        answer = await client.options("/x", headers=preflight)
        assert answer.headers["access-control-allow-origin"] == "https://app.example"
        other = await client.options("/x", headers={**preflight, "origin": "https://evil.example"})
        assert "access-control-allow-origin" not in other.headers
        got = await client.get("/x", headers={"origin": "https://app.example"})
        assert got.headers["access-control-allow-origin"] == "https://app.example"
        assert "Retry-After" in got.headers["access-control-expose-headers"]
