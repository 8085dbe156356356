"""``Location`` and ``Link`` of an upstream: the exposed route that leads there, never the upstream's address."""

from __future__ import annotations

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rest_serving import client_of, operation, rest_capability, route
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Mount

from naftiko.expose.rest import rest_app
from naftiko.expose.rest.links import rewritten
from naftiko.expose.rest.options import RestOptions
from naftiko.expose.selection import Selection

QUERY = {"in": "query", "type": "string"}
OPERATIONS = {
    "list": operation(
        "GET", "/tickets", inputParameters=[{"name": "page", **QUERY}, {"name": "per_page", **QUERY}, {"name": "api", **QUERY, "value": "2"}]
    ),
    "create": operation("POST", "/tickets"),
    "get": operation("GET", "/tickets/{id}", inputParameters=[{"name": "id", "in": "path", "type": "string"}]),
    "search": operation("GET", "/tickets/search", inputParameters=[{"name": "q", **QUERY}]),
    "change": operation("PATCH", "/tickets/{id}/state"),
    "report": operation("GET", "/reports/{year}.json"),
    "files": operation("GET", "/files/{+path}"),
    "attached": operation("GET", "/volumes/{n}?action=attach"),
    "hidden": operation("GET", "/hidden"),
    "mine": operation("GET", "/mine", inputParameters=[{"name": "X-Tenant", "in": "header", "type": "string"}, {"name": "page", **QUERY}]),
}  # fmt: skip
ROUTES = [
    route("/v1/tickets", call="api.list", **{"with": {"page": "rest.page", "per_page": "rest.size"}}),
    route("/v1/tickets", "POST", call="api.create"),
    route("/v1/tickets/{number}", call="api.get", **{"with": {"id": "rest.number"}}),
    route("/v1/tickets/{number}", "DELETE", call="api.get", **{"with": {"id": "rest.number"}}),
    route("/v1/find", call="api.search"),
    route("/v1/state/{id}", "PATCH", call="api.change"),
    route("/v1/reports/{year}", call="api.report"),
    route("/v1/files/{path}", call="api.files"),
    route("/v1/attached/{n}", call="api.attached"),
    route("/t/{tenant}/mine", call="api.mine", **{"with": {"X-Tenant": "rest.tenant", "page": "rest.page"}}),
]


def front(upstream, *, base: str = "/api", routes=ROUTES, operations=OPERATIONS, **more):
    url = upstream if isinstance(upstream, str) else upstream.url
    return rest_capability(routes, operations, base_uris={"*": url + base}, **more)


def saying(upstream, headers: dict[str, str], status: int = 200, content: bytes = b"{}") -> None:
    """Every request is answered with these headers; ``{up}`` in them is the upstream's URL."""
    made = {name: value.replace("{up}", upstream.url) for name, value in headers.items()}
    upstream.on("*", "/{rest:path}", lambda _: Response(content, status, made, media_type="application/json"))


async def told(
    upstream, name: str, value: str, *, path: str = "/v1/tickets", method: str = "GET", **more
) -> str | None:
    """What a caller gets of a header."""
    saying(upstream, {name: value})
    async with client_of(front(upstream, **more)) as client:
        answer = await client.request(method, path)
    assert upstream.url not in str(answer.headers)
    found: str | None = answer.headers.get(name)
    return found


@pytest.mark.parametrize(
    ("said", "leads"),
    [
        ("{up}/api/tickets/17", "/v1/tickets/17"),
        ("/api/tickets/17", "/v1/tickets/17"),
        ("tickets/17", "/v1/tickets/17"),
        ("./tickets/17", "/v1/tickets/17"),
        ("{up}/api/tickets/17#note", "/v1/tickets/17#note"),
        ("{up}/api/tickets/a%20b%2Fc", "/v1/tickets/a%20b%2Fc"),
        ("{up}/api/tickets/%C3%A9", "/v1/tickets/%C3%A9"),
        ("{up}/api/tickets/17/", "/v1/tickets/17"),
        ("{up}/api/tickets", "/v1/tickets"),
        ("?page=2", "/v1/tickets?page=2"),
        ("{up}/api/tickets?page=2&per_page=50", "/v1/tickets?page=2&size=50"),
        ("{up}/api/tickets?per_page=50&page=a%26b", "/v1/tickets?size=50&page=a%26b"),
        ("{up}/api/tickets?page=2&api=2", "/v1/tickets?page=2"),
        ("{up}/api/tickets/search?q=x+y", "/v1/find?q=x%20y"),
        ("{up}/api/tickets/17/state", "/v1/state/17"),
        ("{up}/api/reports/2026.json", "/v1/reports/2026"),
        ("{up}/api/files/a/b.txt", "/v1/files/a%2Fb.txt"),
        ("{up}/api/volumes/3?action=attach", "/v1/attached/3"),
        ("https://docs.example/tickets/17", "https://docs.example/tickets/17"),
        ("//docs.example/x", "//docs.example/x"),
        ("urn:ticket:17", "urn:ticket:17"),
    ],
)
async def test_a_location_leads_to_the_route_that_leads_there(upstream, said, leads):
    """Relative ones are relative to what was called; what is no upstream's stays as it is."""
    assert await told(upstream, "Location", said, path="/v1/tickets", method="POST") == leads


@pytest.mark.parametrize(
    "said",
    [
        "{up}/api/users/1",  # called by nobody
        "{up}/api/hidden",  # called by no route
        "{up}/admin",
        "{up}",
        "{up}/apix/tickets/17",
        "/tickets/17",
        "../tickets/17",
        "{up}/api/tickets?cursor=abc",  # the route would not pass it on, and answer the first page again
        "{up}/api/tickets?page=2&api=3",  # the route sends api=2
        "{up}/api/volumes/3",  # the route attaches
        "{up}/api/volumes/3?action=detach",
        "{up}/api/tickets/..",
        "{up}/api/tickets/%2e%2e",
        "{up}/api/../api/tickets/17/../../admin",
        "{up}/api/tickets/%FF",
        "http://[broken",
        "http://127.0.0.1:notaport/x",
        "",
    ],
)
async def test_what_leads_to_no_route_is_not_said(upstream, said):
    assert await told(upstream, "Location", said, path="/v1/tickets", method="POST") is None


async def test_a_server_that_does_not_know_its_own_address_is_meant_all_the_same(upstream):
    """Behind a proxy it loses its port, or says http for https."""
    for said, leads in (
        ("http://127.0.0.1/api/tickets/1", "/v1/tickets/1"),
        ("https://127.0.0.1/api/tickets/1", "/v1/tickets/1"),
        ("http://127.0.0.1/other", None),
        ("http://127.0.0.1:1/api/tickets/1", "http://127.0.0.1:1/api/tickets/1"),
    ):
        assert await told(upstream, "Location", said) == leads


@pytest.mark.parametrize(
    ("said", "leads"),
    [
        ('<{up}/api/tickets?page=2>; rel="next"', '</v1/tickets?page=2>; rel="next"'),
        (
            '<{up}/api/tickets?page=2&per_page=5>; rel="next", <{up}/api/tickets?page=9>; rel="last"; title="a, <b>"',
            '</v1/tickets?page=2&size=5>; rel="next", </v1/tickets?page=9>; rel="last"; title="a, <b>"',
        ),
        ("<{up}/nothing>; rel=up, <?page=3>; rel=next", "</v1/tickets?page=3>; rel=next"),
        ("<https://docs.example/>; rel=help,</api/tickets/1>;rel=item", "<https://docs.example/>; rel=help, </v1/tickets/1>;rel=item"),
        ('</api/tickets/1>; rel=x; anchor="{up}/api/tickets"', '</v1/tickets/1>; rel=x; anchor="/v1/tickets"'),
        ('</api/tickets/1>; rel=x; anchor="{up}/admin"', None),
        ('</api/tickets/1>; rel=x; anchor="#part"', '</v1/tickets/1>; rel=x; anchor="/v1/tickets#part"'),
        ("<{up}/nothing>; rel=up", None),
        ("{up}/api/tickets; rel=next", None),
        ("<{up}/api/tickets", None),
        ("", None),
    ],
)  # fmt: skip
async def test_links_are_rewritten_one_by_one(upstream, said, leads):
    assert await told(upstream, "Link", said) == leads


async def test_errors_and_redirects_that_are_passed_on(upstream):
    saying(upstream, {"Location": "{up}/api/tickets/1", "Link": "<{up}/secret>; rel=help"}, 409)
    async with client_of(front(upstream)) as client:
        answer = await client.post("/v1/tickets")
        assert (answer.status_code, answer.headers["location"]) == (409, "/v1/tickets/1")
        assert "link" not in answer.headers
        saying(upstream, {"Location": "{up}/api/tickets/1"}, 301)
        answer = await client.post("/v1/tickets")
        assert (answer.status_code, answer.headers["location"]) == (301, "/v1/tickets/1")


async def test_mapped_answers_keep_them(upstream):
    mapped = [{"name": "id", "type": "integer", "mapping": "$.id"}]
    routes = [route("/new", "POST", call="api.create", outputParameters=mapped), *ROUTES]
    saying(upstream, {"Location": "/api/tickets/7"}, 201, b'{"id": 7}')
    async with client_of(front(upstream, routes=routes)) as client:
        answer = await client.post("/new")
    assert (answer.status_code, answer.json(), answer.headers["location"]) == (201, {"id": 7}, "/v1/tickets/7")


@pytest.mark.parametrize("base", ["", "/", "/deep/api", "/deep/api/"])
async def test_below_any_base(upstream, base):
    said = f"{{up}}{base.rstrip('/')}/tickets/17"
    assert await told(upstream, "Location", said, base=base) == "/v1/tickets/17"


async def test_a_base_with_a_variable_and_one_with_an_argument(upstream):
    saying(upstream, {"Location": "{up}/acme/accounts/7/tickets/17"})
    ours = {"with": {"account": "rest.account"}}
    capability = rest_capability(
        [
            route("/of/{account}/tickets", "POST", call="api.create", **ours),
            route("/of/{account}/tickets/{id}", call="api.get", **ours),
        ],
        {"create": operation("POST", "/tickets"), "get": operation("GET", "/tickets/{id}")},
        api={"baseUri": upstream.url + "/{{COMPANY}}/accounts/{account}"},
        more={"binds": [{"namespace": "b", "keys": {"COMPANY": "COMPANY"}}]},
        environment={"COMPANY": "acme"},
    )
    async with client_of(capability) as client:
        answer = await client.post("/of/7/tickets")
    assert answer.status_code == 200, answer.text
    assert answer.headers["location"] == "/of/7/tickets/17"


async def test_the_credential_in_a_query_is_not_said(upstream):
    """An API that echoes the query into its links echoes our key."""
    key = {"authentication": {"type": "apikey", "key": "appid", "value": "hunter2-secret", "placement": "query"}}
    said = '<{up}/api/tickets?appid=hunter2-secret&page=2>; rel="next"'
    assert await told(upstream, "Link", said, api=key) == '</v1/tickets?page=2>; rel="next"'


@pytest.mark.parametrize(
    ("base", "path"), [("/{key}", "/tickets/{id}"), ("", "/{key}/tickets/{id}")], ids=["base", "operation"]
)
async def test_the_credential_in_a_path_is_not_said(upstream, base, path):
    """Who follows the link sends ours again; the key of another is no business of any route."""
    key = {"type": "apikey", "key": "key", "value": "hunter2-secret", "placement": "path"}
    routes = [route("/v1/{id}", call="api.get"), {"path": "/f/{{path}}", "forward": {"targetNamespace": "api"}}]
    for said, leads in (
        ("/hunter2-secret/tickets/7", "/v1/7"),
        ("/other-secret/tickets/7", None),
        ("/hunter2-secret/users", "/f/users" if base else None),
    ):
        saying(upstream, {"Location": said})
        api = {"baseUri": upstream.url + base, "authentication": key}
        async with client_of(rest_capability(routes, {"get": operation("GET", path)}, api=api)) as client:
            answer = await client.get("/v1/1")
        assert answer.status_code == 200
        assert answer.headers.get("location") == (f"/f{said}" if not base and "other" in said else leads)


async def test_a_credential_is_not_said_to_other_origins_either(upstream):
    key = {"authentication": {"type": "bearer", "token": "hunter2-secret-token"}}
    for said, leads in (
        ("https://sso.example/?t=hunter2-secret-token", None),
        ("https://sso.example/", "https://sso.example/"),
    ):
        assert await told(upstream, "Location", said, api=key) == leads


async def test_the_query_of_the_base(upstream):
    said = "{up}/api/tickets?version=3&page=2"
    assert await told(upstream, "Location", said, base="/api?version=3") == "/v1/tickets?page=2"


async def test_what_no_url_of_the_upstream_tells_is_as_in_the_request(upstream):
    """A placeholder, or a parameter, that becomes a header."""
    assert await told(upstream, "Link", "<?page=2>; rel=next", path="/t/acme%20x/mine") == (
        "</t/acme%20x/mine?page=2>; rel=next"
    )
    needed = [{"name": "tenant", "in": "query", "type": "string", "required": True}, {"name": "page", **QUERY}]
    asking = route(
        "/mine", call="api.mine", inputParameters=needed, **{"with": {"X-Tenant": "rest.tenant", "page": "rest.page"}}
    )
    leads = await told(upstream, "Link", "<?page=2>; rel=next", path="/mine?page=1&tenant=a%2Bb", routes=[asking])
    assert leads == "</mine?page=2&tenant=a%2Bb>; rel=next"
    # Another route needs it too, and the request that was answered had none.
    leads = await told(upstream, "Location", "{up}/api/mine", routes=[asking, *ROUTES[:1]])
    assert leads is None


async def test_constants_of_the_route(upstream):
    open_ones = route("/open", call="api.search", **{"with": {"q": "state:open"}})
    routes = [route("/list", call="api.list"), open_ones]
    for said, leads in (
        ("/api/tickets/search?q=state:open", "/open"),
        ("/api/tickets/search?q=state:closed", None),
        ("/api/tickets/search", "/open"),
    ):
        assert await told(upstream, "Location", said, path="/list", routes=routes) == leads


async def test_a_function_of_an_aggregate(upstream):
    """With inputs of the unit's own making: what the URL tells is followed through both."""
    function = {
        "name": "read",
        "call": "api.get",
        "inputParameters": [{"name": "key", "type": "string", "required": True}],
        "with": {"id": "desk.key"},
    }
    aggregates = {"aggregates": [{"namespace": "desk", "label": "Desk", "functions": [function]}]}
    given = [{"name": "nr", "in": "path", "type": "string"}]
    reading = route("/read/{nr}", call=None, ref="desk.read", inputParameters=given, **{"with": {"key": "rest.nr"}})
    routes = [route("/list", call="api.list"), reading]
    assert await told(upstream, "Location", "/api/tickets/9", path="/list", routes=routes, more=aggregates) == "/read/9"


async def test_the_most_fixed_operation_is_meant(upstream):
    routes = [route("/any/{id}", call="api.get"), route("/list", call="api.list"), route("/find", call="api.search")]
    assert await told(upstream, "Location", "/api/tickets/search", path="/list", routes=routes) == "/find"
    assert await told(upstream, "Location", "/api/tickets/searching", path="/list", routes=routes) == "/any/searching"


async def test_get_is_meant_before_other_methods(upstream):
    routes = [
        route("/drop/{id}", "DELETE", call="api.get"),
        route("/list", call="api.list"),
        route("/read/{id}", call="api.get"),
    ]
    assert await told(upstream, "Location", "/api/tickets/5", path="/list", routes=routes) == "/read/5"
    assert await told(upstream, "Location", "/api/tickets/5", path="/list", routes=routes[:2]) == "/drop/5"


async def test_under_a_prefix_and_where_the_app_is_mounted(upstream):
    saying(upstream, {"Location": "/api/tickets/17"})
    async with client_of(front(upstream), options=RestOptions(prefix=True)) as client:
        assert (await client.get("/api/v1/tickets")).headers["location"] == "/api/v1/tickets/17"
    capability = front(upstream)
    mounted = Starlette(routes=[Mount("/deep down", app=rest_app(capability))])
    async with (
        capability,
        httpx.AsyncClient(transport=httpx.ASGITransport(mounted), base_url="http://x.test") as client,
    ):
        assert (await client.get("/deep%20down/v1/tickets")).headers["location"] == "/deep%20down/v1/tickets/17"


async def test_a_route_that_is_not_served_leads_nowhere(upstream):
    saying(upstream, {"Location": "/api/tickets/17"})
    hiding = RestOptions(selection=Selection(deny=("* /v1/tickets/*",)))
    async with client_of(front(upstream), options=hiding) as client:
        assert "location" not in (await client.get("/v1/tickets")).headers


async def test_another_api_of_the_file(upstream):
    """Its address is not said either; what one of its operations is leads to the route that calls it."""
    file = {"name": "f", "path": "/{id}", "operations": [{"name": "file", "method": "GET"}]}
    store = {"namespace": "store", "type": "http", "baseUri": "http://store.internal:8080/files", "resources": [file]}
    new = {"name": "t", "path": "/tickets", "operations": [{"name": "create", "method": "POST"}]}
    ours = {"namespace": "api", "type": "http", "baseUri": f"{upstream.url}/api", "resources": [new]}
    routes = [route("/v1/tickets", "POST", call="api.create"), route("/f/{id}", call="store.file")]
    both = {"consumes": [ours, store]}
    for said, leads in (
        ("http://store.internal:8080/files/9", "/f/9"),
        ("http://store.internal:8080/other", None),
        ("http://store.internal:9090/files/9", "http://store.internal:9090/files/9"),
    ):
        saying(upstream, {"Location": said})
        async with client_of(rest_capability(routes, more=both)) as client:
            assert (await client.post("/v1/tickets")).headers.get("location") == leads


@pytest.mark.parametrize(
    ("name", "said", "leads"),
    [
        ("Location", "{up}/api/a/b%2Fc?q=1&q=2#x", "/f/a/b%2Fc?q=1&q=2#x"),
        ("Content-Location", "b", "/f/a/b"),
        ("Location", "/api", "/f/"),
        ("Location", "/elsewhere", None),
        ("Location", "https://docs.example/x", "https://docs.example/x"),
        ("Link", "<?page=2>; rel=next", "</f/a/x?page=2>; rel=next"),
        ("Refresh", "5; url={up}/api/wait", "5; url=/f/wait"),
        ("Refresh", "5;URL='/api/wait'", "5; url=/f/wait"),
        ("Refresh", "5", "5"),
        ("Refresh", "5; url=/elsewhere", None),
        ("Location", "{up}/api/../admin", None),
    ],
)
async def test_a_forward_maps_its_own_path(upstream, name, said, leads):
    """Whatever other routes there are: who goes through the forward goes on through it."""
    forward = {"path": "/f/{{path}}", "forward": {"targetNamespace": "api"}}
    saying(upstream, {name: said})
    async with client_of(front(upstream, routes=[*ROUTES, forward])) as client:
        answer = await client.get("/f/a/x")
    assert answer.headers.get(name) == leads
    assert upstream.url not in str(answer.headers)


async def test_a_forward_is_a_way_where_no_route_is(upstream):
    forward = {"path": "/f/{{path}}", "forward": {"targetNamespace": "api"}}
    routes = [*ROUTES, forward]
    assert await told(upstream, "Location", "/api/users/1?x=y", routes=routes) == "/f/users/1?x=y"
    assert await told(upstream, "Location", "/api/tickets/1", routes=routes) == "/v1/tickets/1"


async def test_following_a_link_calls_what_it_pointed_to(upstream):
    """The way there and back: the request that a client makes of a link is the one that the upstream meant."""
    saying(upstream, {"Link": '<{up}/api/tickets?page=x%2Fy%20z&per_page=5>; rel="next"'})
    async with client_of(front(upstream)) as client:
        link = (await client.get("/v1/tickets")).links["next"]["url"]
        upstream.clear()
        await client.get(link)
    [request] = upstream.requests
    assert request.raw_path == "/api/tickets"
    assert sorted(request.raw_query.split("&")) == ["api=2", "page=x%2Fy%20z", "per_page=5"]


@given(st.text(st.characters(codec="latin-1"), max_size=60))
def test_any_header_at_all_is_rewritten_or_left_out(value):
    for name in ("location", "link", "refresh", "content-location"):
        for _, made in rewritten([(name, value)], lambda target: None):
            assert name == "refresh"  # a number of seconds and nothing else
            assert "http" not in made or "http" in value


@pytest.mark.parametrize(
    ("said", "leads"),
    [
        ("{up}/api/tickets?page=first", "/begin?page=first"),
        ("{up}/api/tickets?page=2", "/pages?no=2"),
        ("{up}/api/tickets?page=a%20b%26c", "/pages?no=a%20b%26c"),
        ("{up}/api/tickets?page=first&per_page=5", "/begin?page=first&per_page=5"),
        ("{up}/api/tickets/17", None),
    ],
)
async def test_a_route_with_a_query_is_led_to_with_it(upstream, said, leads):
    """Its fixed pairs once, its placeholders as what they stand for; another value is not its own."""
    routes = [
        route("/begin?page=first", call="api.list", **{"with": {"page": "rest.page"}}),
        route("/pages?no={page}", call="api.list", **{"with": {"page": "rest.page"}}),
    ]
    assert await told(upstream, "Location", said, routes=routes, path="/pages?no=1") == leads
