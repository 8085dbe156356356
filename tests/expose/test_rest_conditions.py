"""Conditional requests: 304 where the caller has the answer already, whoever made it (RFC 9110 chapter 13)."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rest_serving import assert_problem, client_of, operation, rest_capability, route
from starlette.responses import JSONResponse, Response

from naftiko.engine.answer import Answer
from naftiko.expose.rest.conditions import validated

TAG = '"v7"'
WHEN = "Wed, 21 Oct 2015 07:28:00 GMT"
LATER = "Thu, 22 Oct 2015 07:28:00 GMT"
MAPPED = {"outputParameters": [{"name": "id", "type": "integer", "mapping": "$.id"}]}


def answering(upstream, *, knows: bool = True, **headers: str) -> None:
    """An API with a thing of a certain version, which may know conditional requests."""

    def answer(request):
        asked = request.headers.get("if-none-match")
        since = request.headers.get("if-modified-since")
        unchanged = asked == TAG if asked else since == WHEN
        said = {"ETag": TAG, "Last-Modified": WHEN, "Cache-Control": "max-age=60", **headers}
        if knows and unchanged:
            return Response(status_code=304, headers=said)
        return JSONResponse({"id": 7, "more": "x"}, headers=said)

    upstream.on("*", "/x", answer)


def front(upstream, *, exposed="GET", consumed="GET", operations=None, **more):
    return rest_capability(
        [route("/x", exposed, **more)],
        operations or {"do": operation(consumed, "/x")},
        base_uris={"*": upstream.url},
    )


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    ("condition", "status"),
    [
        ({"If-None-Match": TAG}, 304),
        ({"If-None-Match": '"v6"'}, 200),
        ({"If-Modified-Since": WHEN}, 304),
        ({"If-None-Match": '"v6"', "If-Modified-Since": WHEN}, 200),
        ({}, 200),
    ],
)
async def test_the_conditions_go_upstream_where_the_answer_is_passed_on(upstream, method, condition, status):
    answering(upstream)
    async with client_of(front(upstream)) as client:
        answer = await client.request(method, "/x", headers=condition)
    assert answer.status_code == status
    assert (answer.headers["etag"], answer.headers["cache-control"]) == (TAG, "max-age=60")
    assert bool(answer.content) is (status == 200 and method == "GET")
    [request] = upstream.requests
    sent = {name: request.headers[name] for name in ("if-none-match", "if-modified-since") if name in request.headers}
    assert sent == {name.lower(): value for name, value in condition.items()}
    if status == 304:
        assert not {"content-type", "content-length"} & set(answer.headers)


async def test_an_upstream_that_knows_no_conditions(upstream):
    """What it answers with is what the caller has: nothing needs to be sent again."""
    answering(upstream, knows=False)
    async with client_of(front(upstream)) as client:
        assert (await client.get("/x", headers={"If-None-Match": f'"other", W/{TAG}'})).status_code == 304
        assert (await client.get("/x", headers={"If-None-Match": '"other"'})).status_code == 200
        assert (await client.get("/x", headers={"If-Modified-Since": LATER})).status_code == 304
        assert (
            await client.get("/x", headers={"If-None-Match": '"other"', "If-Modified-Since": LATER})
        ).status_code == 200


@pytest.mark.parametrize("condition", [{"If-None-Match": TAG}, {"If-None-Match": "*"}, {"If-Modified-Since": WHEN}])
async def test_whether_the_caller_has_the_answer_is_not_asked_of_what_may_change_something(upstream, condition):
    """There the same header would mean another thing: do it only under this condition."""
    answering(upstream)
    async with client_of(front(upstream, consumed="POST")) as client:
        assert (await client.get("/x", headers=condition)).status_code == 304
    [request] = upstream.requests
    assert not {"if-none-match", "if-modified-since"} & set(request.headers)


def guarded(upstream) -> None:
    """An API with a thing that is changed only in the version that the caller has seen (RFC 9110, 13.1)."""

    def answer(request):
        asked, none = request.headers.get("if-match"), request.headers.get("if-none-match")
        since = request.headers.get("if-unmodified-since")
        holds = (asked in {None, TAG, "*"}) and (since in {None, WHEN, LATER}) and none not in {TAG, "*"}
        return JSONResponse({"id": 7}) if holds else JSONResponse({"message": "changed meanwhile"}, 412)

    upstream.on("*", "/x", answer)


GUARDS = [
    ({"If-Match": TAG}, 200),
    ({"If-Match": '"v6"'}, 412),
    ({"If-Match": "*"}, 200),
    ({"If-Unmodified-Since": LATER}, 200),
    ({"If-Unmodified-Since": "Tue, 20 Oct 2015 07:28:00 GMT"}, 412),
    ({"If-None-Match": "*"}, 412),
    ({"If-None-Match": '"v6"'}, 200),
    ({"If-Match": TAG, "If-Unmodified-Since": LATER}, 200),
]


@pytest.mark.parametrize("more", [{}, MAPPED], ids=["passed on", "mapped"])
@pytest.mark.parametrize("method", ["PUT", "PATCH", "POST", "DELETE"])
@pytest.mark.parametrize(("condition", "status"), GUARDS)
async def test_what_is_to_be_done_under_a_condition_is_done_under_it_alone(upstream, more, method, condition, status):
    guarded(upstream)
    async with client_of(front(upstream, exposed=method, consumed=method, **more)) as client:
        answer = await client.request(method, "/x", headers={**condition, "If-Modified-Since": WHEN})
    assert answer.status_code == status
    [request] = upstream.requests
    asked = {name: value for name, value in request.headers.items() if name.startswith("if-")}
    assert asked == {name.lower(): value for name, value in condition.items()}


@pytest.mark.parametrize("method", ["PUT", "DELETE", "POST", "GET"])
@pytest.mark.parametrize(("condition", "status"), GUARDS)
async def test_a_forward_passes_these_on_too(upstream, method, condition, status):
    guarded(upstream)
    forward = {"path": "/f/{{path}}", "forward": {"targetNamespace": "api"}}
    async with client_of(rest_capability([forward], base_uris={"*": upstream.url})) as client:
        assert (await client.request(method, "/f/x", headers=condition)).status_code == status
    asked = {name: value for name, value in upstream.requests[0].headers.items() if name.startswith("if-")}
    assert asked == {name.lower(): value for name, value in condition.items()}


STEPS = {
    "steps": [{"name": "one", "type": "call", "call": "api.read"}, {"name": "two", "type": "call", "call": "api.do"}]
}


@pytest.mark.parametrize("condition", [{"If-Match": TAG}, {"If-Unmodified-Since": WHEN}, {"If-None-Match": "*"}])
async def test_several_calls_under_one_condition_are_refused_before_anything_is_sent(upstream, condition):
    guarded(upstream)
    operations = {"do": operation("PUT", "/x"), "read": operation("GET", "/x")}
    async with client_of(
        rest_capability([route("/x", "PUT", None, **STEPS)], operations, base_uris={"*": upstream.url})
    ) as client:
        assert_problem(await client.put("/x", headers=condition), 412, "precondition-failed")
        assert upstream.requests == []
        assert (await client.put("/x")).status_code == 200


@pytest.mark.parametrize("more", [{}, MAPPED], ids=["passed on", "mapped"])
async def test_a_version_that_is_not_there_is_412(upstream, more):
    answering(upstream, knows=False)
    async with client_of(front(upstream, **more)) as client:
        tag = (await client.get("/x")).headers["etag"]
        for asked in (tag, f'"x", {tag}', "*"):
            assert (await client.get("/x", headers={"If-Match": asked})).status_code == 200
        for asked in ('"x"', f"W/{tag}", ""):
            assert_problem(await client.get("/x", headers={"If-Match": asked}), 412, "precondition-failed")
        early = {"If-Unmodified-Since": "Tue, 20 Oct 2015 07:28:00 GMT"}
        assert_problem(await client.get("/x", headers=early), 412, "precondition-failed")
        assert (await client.get("/x", headers={**early, "If-Match": tag})).status_code == 200
        assert (await client.get("/x", headers={"If-Unmodified-Since": "no date"})).status_code == 200


async def test_a_header_that_the_file_maps_is_the_files(upstream):
    answering(upstream)
    declared = operation("GET", "/x", inputParameters=[{"name": "If-None-Match", "in": "header", "value": '"fixed"'}])
    async with client_of(front(upstream, operations={"do": declared})) as client:
        await client.get("/x", headers={"If-None-Match": TAG})
    assert upstream.requests[0].headers.getlist("if-none-match") == ['"fixed"']


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_an_answer_that_is_made_here_has_validators_of_its_own(upstream, method):
    """Its bytes are other ones than the upstream's, and so is its tag; the upstream is asked for all of it."""
    answering(upstream)
    async with client_of(front(upstream, **MAPPED)) as client:
        first = await client.request(method, "/x")
        tag = first.headers["etag"]
        assert tag not in {TAG, f"W/{TAG}"}
        for asked in (tag, f"W/{tag}", f'"x", {tag}', "*"):
            again = await client.request(method, "/x", headers={"If-None-Match": asked})
            assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
            assert again.headers["cache-control"] == "max-age=60"
            assert not {"content-type", "content-length"} & set(again.headers)
        for asked in (TAG, '"x"', "", tag.strip('"') + "x"):
            assert (await client.request(method, "/x", headers={"If-None-Match": asked})).status_code == 200
        since = first.headers["last-modified"]
        assert (await client.request(method, "/x", headers={"If-Modified-Since": since})).status_code == 304
        assert (await client.request(method, "/x", headers={"If-Modified-Since": WHEN})).status_code == 200
    assert not any({"if-none-match", "if-modified-since"} & set(request.headers) for request in upstream.requests)


async def test_a_changed_answer_has_another_tag(upstream):
    upstream.on("GET", "/x", {"id": 1})
    async with client_of(front(upstream, **MAPPED)) as client:
        first = (await client.get("/x")).headers["etag"]
        upstream.on("GET", "/x", {"id": 2})
        answer = await client.get("/x", headers={"If-None-Match": first})
    assert (answer.status_code, answer.json()) == (200, {"id": 2})
    assert answer.headers["etag"] != first
    assert "last-modified" not in answer.headers


async def test_the_mapping_counts_as_well_as_the_document(upstream):
    """A document of 2015 that a capability of today maps is not the answer that a caller got of it in 2015."""
    started = datetime.now(tz=UTC).replace(microsecond=0)
    answering(upstream)
    async with client_of(front(upstream, **MAPPED)) as client:
        modified = parsedate_to_datetime((await client.get("/x")).headers["last-modified"])
        assert modified >= started
        answering(upstream, **{"Last-Modified": "Wed, 21 Oct 2099 07:28:00 GMT"})
        assert (await client.get("/x")).headers["last-modified"] == "Wed, 21 Oct 2099 07:28:00 GMT"
        answering(upstream, **{"Last-Modified": "yesterday"})
        assert "last-modified" not in (await client.get("/x")).headers


async def test_flows_and_answers_of_the_file_have_tags(upstream):
    upstream.on("GET", "/x", {"id": 1})
    steps = [{"name": "one", "type": "call", "call": "api.do"}]
    said = [{"name": "said", "type": "string", "value": "hello"}]
    routes = [route("/flow", call=None, steps=steps), route("/mock", call=None, outputParameters=said)]
    async with client_of(
        rest_capability(routes, {"do": operation("GET", "/x")}, base_uris={"*": upstream.url})
    ) as client:
        for path in ("/flow", "/mock"):
            tag = (await client.get(path)).headers["etag"]
            assert (await client.get(path, headers={"If-None-Match": tag})).status_code == 304


async def test_errors_and_other_successes_have_none(upstream):
    for status in (201, 404, 500):
        upstream.on("GET", "/x", lambda _, status=status: JSONResponse({"id": 1}, status))
        async with client_of(front(upstream, **MAPPED)) as client:
            answer = await client.get("/x", headers={"If-None-Match": "*"})
        assert answer.status_code == status
        assert "etag" not in answer.headers


async def test_a_forward_passes_them_on(upstream):
    """Whatever headers it trusts."""
    answering(upstream)
    forward = {"path": "/f/{{path}}", "forward": {"targetNamespace": "api"}}
    async with client_of(rest_capability([forward], base_uris={"*": upstream.url})) as client:
        answer = await client.get("/f/x", headers={"If-None-Match": TAG})
        assert (answer.status_code, answer.headers["etag"], answer.content) == (304, TAG, b"")
        assert (await client.get("/f/x", headers={"If-Modified-Since": WHEN})).status_code == 304
        assert (await client.post("/f/x", headers={"If-Modified-Since": WHEN})).status_code == 200


@given(st.text(st.characters(codec="latin-1"), max_size=40), st.text(st.characters(codec="latin-1"), max_size=40))
def test_conditions_of_any_kind_break_nothing(asked, since):
    answer = Answer(value={"a": 1}, dump=lambda _: b'{"a":1}')
    made = validated(answer, "GET", [("if-none-match", asked), ("if-modified-since", since)], datetime.now(tz=UTC))
    assert made.status == (304 if asked.strip() == "*" else 200)


@pytest.mark.parametrize("name", ["If-Match", "If-None-Match", "If-Unmodified-Since", "If-Modified-Since"])
@pytest.mark.parametrize("more", [{}, MAPPED], ids=["passed on", "mapped"])
async def test_a_condition_that_is_an_input_is_the_upstreams_to_judge(upstream, more, name):
    upstream.on("GET", "/x", JSONResponse({"id": 7}))
    declared = operation("GET", "/x", inputParameters=[{"name": name, "in": "header", "type": "string"}])
    async with client_of(front(upstream, operations={"do": declared}, **more)) as client:
        answer = await client.get("/x", headers={name: "*" if "Match" in name else LATER})
    assert answer.status_code == 200
    assert len(upstream.requests[0].headers.getlist(name)) == 1
