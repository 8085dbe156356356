"""Several routes of one method and path: the query, then the required inputs say which answers (SEMANTICS 6)."""

from __future__ import annotations

import itertools

import pytest
from rest_serving import assert_problem, client_of, in_process, operation, rest_capability, route

from naftiko.expose.rest.options import RestOptions
from naftiko.expose.selection import Selection


def saying(path, text, method="GET", needs=(), takes=(), **more):
    """A route in mock mode that says which it is; ``NAME in PLACE`` are its inputs."""
    inputs = [
        {"name": name, "in": place, "type": "string", "required": required}
        for several, required in ((needs, True), (takes, False))
        for name, place in (each.split(" in ") for each in several)
    ]
    outputs = [{"name": "is", "type": "string", "value": text}]
    return route(path, method, None, inputParameters=inputs, outputParameters=outputs, **more)


async def says(client, method, path, **more):
    response = await client.request(method, path, **more)
    return response.json()["is"] if response.status_code == 200 else response.status_code


VOLUMES = [
    saying("/volumes/{n}", "get", needs=["n in path"]),
    saying("/volumes/{n}?action=attach", "attach", "POST", needs=["n in path"]),
    saying("/volumes/{n}?action=attach&force=true", "force", "POST"),
    saying("/volumes/{n}?action=list", "snaps"),
    saying("/volumes/{n}?tag={tag}", "tagged", needs=["tag in path"]),
    saying("/volumes/v0", "fixed"),
]


@pytest.mark.parametrize("order", [range(6), (5, 4, 3, 2, 1, 0), (1, 2, 5, 3, 4, 0)])
async def test_a_query_selects_the_route_whatever_the_order(order):
    """On a real socket: the one with most pairs first, before one without."""
    async with client_of(rest_capability([VOLUMES[at] for at in order])) as client:
        assert await says(client, "GET", "/volumes/v1") == "get"
        assert await says(client, "GET", "/volumes/v1?action=list") == "snaps"
        assert await says(client, "GET", "/volumes/v1?x=1&action=list&y=2") == "snaps"
        assert await says(client, "GET", "/volumes/v1?action=detach") == "get"
        assert await says(client, "GET", "/volumes/v1?tag=red") == "tagged"
        assert await says(client, "GET", "/volumes/v0") == "fixed"
        assert await says(client, "POST", "/volumes/v1?action=attach") == "attach"
        assert await says(client, "POST", "/volumes/v1?force=true&action=attach") == "force"
        assert await says(client, "POST", "/volumes/v1?action=attach&force=false") == "attach"
        assert (await client.head("/volumes/v1?action=list")).status_code == 200


async def test_a_method_without_its_query_is_not_found_and_says_which_it_wants():
    """The method is allowed there: 405 would be wrong, and nothing of another operation is answered."""
    async with client_of(rest_capability(VOLUMES)) as client:
        for path in ("/volumes/v1", "/volumes/v1?action=detach"):
            problem = assert_problem(await client.post(path), 404, "not-found")
            assert problem["detail"] == (
                "POST /volumes/v1 is answered with another query only: ?action=attach or ?action=attach&force=true"
            )
        answer = await client.delete("/volumes/v1")
        assert_problem(answer, 405, "method-not-allowed")
        assert answer.headers["allow"] == "GET, HEAD, OPTIONS, POST"
        assert (await client.options("/volumes/v1")).headers["allow"] == "GET, HEAD, OPTIONS, POST"


async def test_head_of_a_get_with_a_query_only():
    async with client_of(rest_capability([saying("/x?a=1", "a")])) as client:
        assert (await client.head("/x?a=1")).status_code == 200
        assert (await client.head("/x")).status_code == 404


async def test_a_less_fixed_route_answers_another_query():
    """A condition that isn't met leaves the request to whoever else has its path."""
    routes = [saying("/x/list?page=first", "first"), saying("/x/{id}", "one", needs=["id in path"])]
    async with in_process(rest_capability(routes)) as client:
        assert await says(client, "GET", "/x/list?page=first") == "first"
        assert await says(client, "GET", "/x/list") == "one"


async def test_a_forward_takes_what_no_query_selects():
    routes = [saying("/x?a=1", "a"), {"path": "/{path}", "forward": {"targetNamespace": "api"}}]
    async with in_process(rest_capability(routes, mock=True)) as client:
        assert await says(client, "GET", "/x?a=1") == "a"
        assert (await client.get("/x?a=2")).json()["url"].endswith("/x?a=2")


async def test_a_query_of_placeholders_says_what_is_missing():
    async with client_of(rest_capability([saying("/x?tag={tag}", "tagged", needs=["tag in path"])])) as client:
        assert await says(client, "GET", "/x?tag=1") == "tagged"
        problem = assert_problem(await client.get("/x"), 400, "invalid-input")
        assert [each["name"] for each in problem["errors"]] == ["tag"]


async def test_too_many_pairs_are_refused_as_ever():
    async with client_of(rest_capability([saying("/x?a=1", "a"), saying("/x", "x", takes=["q in query"])])) as client:
        assert await says(client, "GET", "/x?" + "a=1&" * 1001) == 400


# Required inputs.

RIVALS = [
    saying("/x", "org", needs=["org in query"]),
    saying("/x", "user", needs=["user in query"]),
    saying("/x", "both", needs=["user in query", "org in query"]),
    saying("/x", "token", needs=["x-token in header"]),
    saying("/x", "cookie", needs=["session in cookie"]),
]


@pytest.mark.parametrize("order", list(itertools.permutations(range(5)))[::17])
async def test_the_one_whose_required_inputs_are_given_answers(order):
    """Most of them first; where none has all, the first one says what is missing."""
    async with client_of(rest_capability([RIVALS[at] for at in order])) as client:
        assert await says(client, "GET", "/x?org=1") == "org"
        assert await says(client, "GET", "/x?user=1") == "user"
        assert await says(client, "GET", "/x?org=1&user=2") == "both"
        assert await says(client, "GET", "/x", headers={"X-Token": "t"}) == "token"
        assert await says(client, "GET", "/x", headers={"cookie": "session=s"}) == "cookie"
        problem = assert_problem(await client.get("/x"), 400, "invalid-input")
        needed = RIVALS[order[0]]["operations"][0]["inputParameters"]
        assert [each["name"] for each in problem["errors"]] == [each["name"] for each in needed]


async def test_one_that_requires_nothing_answers_where_no_other_can():
    routes = [saying("/x", "all"), saying("/x", "some", needs=["q in query"])]
    async with in_process(rest_capability(routes)) as client:
        assert await says(client, "GET", "/x") == "all"
        assert await says(client, "GET", "/x?q=1") == "some"
        assert await says(client, "GET", "/x?z=1") == "all"


async def test_of_two_that_require_the_same_the_one_that_takes_more_of_the_request_answers():
    """No input that a request gives is dropped where another route takes it."""
    routes = [saying("/x", "one", takes=["a in query"]), saying("/x", "other", takes=["b in query"])]
    async with in_process(rest_capability(routes)) as client:
        assert await says(client, "GET", "/x?b=1") == "other"
        assert await says(client, "GET", "/x?a=1&b=1") == "one"
        assert await says(client, "GET", "/x") == "one"


BODIES = [
    saying("/x", "start", "POST", needs=["start in body"]),
    saying("/x", "stop", "POST", needs=["stop in body"]),
    saying("/x", "none", "POST"),
]


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
async def test_the_fields_of_a_body_say_which_answers(order):
    """JSON and forms; a body that gives nothing of any is the one's that needs none."""
    async with client_of(rest_capability([BODIES[at] for at in order])) as client:
        assert await says(client, "POST", "/x", json={"start": 1}) == "start"
        assert await says(client, "POST", "/x", json={"stop": 1}) == "stop"
        assert await says(client, "POST", "/x", data={"stop": "1"}) == "stop"
        assert await says(client, "POST", "/x", files={"start": b"1"}) == "start"
        assert await says(client, "POST", "/x", json={}) == "none"
        assert await says(client, "POST", "/x") == "none"


async def test_a_broken_body_is_told():
    async with client_of(rest_capability(BODIES[:2])) as client:
        answer = await client.post("/x", content=b"{", headers={"content-type": "application/json"})
        assert_problem(answer, 400, "invalid-input")


async def test_one_that_can_not_be_executed_is_the_last_resort():
    broken = route("/x", "GET", "api.nothing-of-this-name")
    async with in_process(rest_capability([broken, saying("/x", "works", needs=["q in query"])])) as client:
        assert await says(client, "GET", "/x?q=1") == "works"
        assert await says(client, "GET", "/x") == 400
    async with in_process(rest_capability([broken, broken])) as client:
        assert_problem(await client.get("/x"), 501, "not-executable")


async def test_routes_of_two_files_are_told_apart_in_the_same_way():
    """Each with its own consumed API and its own name for the placeholder."""
    one = rest_capability([saying("/x/{id}", "one {{id}}", needs=["id in path", "a in query"])])
    two = rest_capability([saying("/x/{{key}}", "two {{key}}", needs=["key in path", "b in query"])])
    async with client_of(one, two) as client:
        assert await says(client, "GET", "/x/7?a=1") == "one 7"
        assert await says(client, "GET", "/x/7?b=1") == "two 7"
        assert await says(client, "GET", "/x/7") == 400


async def test_each_of_two_asks_for_its_own_authentication():
    """What a request gives says whose it is; the other's credential doesn't open it."""
    bearer = {"authentication": {"type": "bearer", "token": "secret-of-two"}}
    one = rest_capability([saying("/x", "one", "POST", needs=["a in body"])])
    two = rest_capability([saying("/x", "two", "POST", needs=["b in query"])], adapter=bearer)
    async with client_of(one, two) as client:
        assert await says(client, "POST", "/x", json={"a": 1}) == "one"
        assert await says(client, "POST", "/x?b=1") == 401
        login = {"Authorization": "Bearer secret-of-two"}
        assert await says(client, "POST", "/x?b=1", headers=login) == "two"


async def test_what_is_not_selected_is_no_rival():
    options = RestOptions(selection=Selection(deny=("second",)))
    routes = [saying("/x", "first"), saying("/x?a=1", "second", name="second")]
    async with in_process(rest_capability(routes), options) as client:
        assert await says(client, "GET", "/x?a=1") == "first"


async def test_the_request_is_the_chosen_units_own():
    """Not only the mock's answer: another operation is called upstream."""
    operations = {"by-org": operation("GET", "/orgs"), "by-user": operation("GET", "/users")}
    routes = [
        route("/x", "GET", f"api.by-{name}", inputParameters=[{"name": name, "in": "query", "required": True}])
        for name in ("org", "user")
    ]
    async with in_process(rest_capability(routes, operations, mock=True)) as client:
        assert (await client.get("/x?user=1")).json()["url"].partition("?")[0].endswith("/users")


SETS = [frozenset(names) for size in range(3) for names in itertools.combinations("abc", size)]


@pytest.mark.parametrize("one", SETS, ids=lambda names: "".join(sorted(names)))
async def test_the_unit_that_answers_has_all_that_it_requires_if_any_has(one):
    """Whatever the other requires, and whatever is sent."""
    for other in SETS:
        required = (one, other)
        routes = [
            saying("/x", str(at), needs=[f"{name} in query" for name in names]) for at, names in enumerate(required)
        ]
        async with in_process(rest_capability(routes)) as client:
            for sent in SETS:
                answer = await client.get("/x", params=dict.fromkeys(sent, "1"))
                satisfied = [names for names in required if names <= sent]
                if satisfied:
                    assert len(required[int(answer.json()["is"])]) == max(map(len, satisfied))
                else:
                    assert {each["name"] for each in answer.json()["errors"]} == one - sent


# The description.


async def described(*capabilities):
    async with client_of(*capabilities) as client:
        return (await client.get("/openapi.json")).json()


async def test_a_query_is_described_as_parameters_of_one_operation():
    """OpenAPI has no query in a path (4.8.8): what selects a route is a parameter with its values."""
    document = await described(rest_capability(VOLUMES))
    assert set(document["paths"]) == {"/volumes/{n}", "/volumes/v0"}
    item = document["paths"]["/volumes/{n}"]
    post = {each["name"]: each for each in item["post"]["parameters"]}
    assert post["action"] == {
        "name": "action",
        "in": "query",
        "required": True,
        "schema": {"type": "string", "enum": ["attach"]},
    }
    assert "required" not in post["force"]
    get = {each["name"]: each for each in item["get"]["parameters"]}
    assert get["n"]["required"] is True
    assert get["action"]["schema"] == {"type": "string", "enum": ["list"]}
    assert "required" not in get["action"]
    assert "required" not in get["tag"]


async def test_rivals_are_described_as_one_operation_that_takes_what_either_takes():
    bodies = [saying("/x", name, "POST", needs=[f"{name} in body"], description=name) for name in ("start", "stop")]
    document = await described(rest_capability([*RIVALS[:2], *bodies]))
    item = document["paths"]["/x"]
    assert [(each["name"], each.get("required", False)) for each in item["get"]["parameters"]] == [
        ("org", False),
        ("user", False),
    ]
    post = item["post"]
    assert post["description"] == "start\n\nstop"
    schema = post["requestBody"]["content"]["application/json"]["schema"]
    assert [each["required"] for each in schema["anyOf"]] == [["start"], ["stop"]]
    assert post["requestBody"]["required"] is True


async def test_a_route_that_never_answers_is_not_described():
    """The second takes nothing that the first doesn't."""
    routes = [
        saying("/x/{a}", "one", needs=["a in path"]),
        saying("/x/{b}", "two", needs=["b in path"], description="x"),
    ]
    document = await described(rest_capability(routes))
    assert "description" not in document["paths"]["/x/{a}"]["get"]
