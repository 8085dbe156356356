"""The status and the headers of an upstream's answer in outputs, steps and conditions (SEMANTICS 5.10)."""

from __future__ import annotations

import httpx
import pytest
from consuming import consuming

import naftiko
from naftiko.engine.explain import explain

LINKS = [("Link", "<https://api.example/v1/things?page=2>; rel=next"), ("link", "<https://x.example/>; rel=last")]


def outputs(*given):
    return {"outputParameters": [{"name": name, **keys} for name, keys in given]}


def answering(status=200, headers=(), **content):
    return lambda _: httpx.Response(status, headers=list(headers), **content)


async def value_of(tool, handler, inputs=None, **more):
    async with consuming(tool=tool, handler=handler, **more) as loaded:
        assert [str(found) for found in loaded.diagnostics if found.severity.name == "ERROR"] == []
        return (await loaded.units[0].run(inputs or {})).value


async def test_status_and_headers_stand_beside_what_the_body_has():
    tool = outputs(
        ("code", {"type": "integer", "mapping": "$status"}),
        ("own", {"type": "string", "mapping": "$.status"}),
        ("total", {"type": "integer", "mapping": "$header.x-total-count"}),
        ("link", {"type": "string", "value": "$header.Link"}),
        ("links", {"type": "array", "items": {"type": "string"}, "mapping": "$header['LINK']"}),
        ("none", {"type": "string", "mapping": "$header.X-None"}),
        ("in-body", {"type": "string", "mapping": "$.header.Link"}),
        ("said", {"type": "string", "value": "{{$status}} of {{$header.X-Total-Count}}"}),
        ("deep", {"type": "object", "properties": [{"name": "code", "type": "integer", "mapping": "$status"}]}),
    )
    body = {"status": "open", "header": {"Link": "a body's"}}
    found = await value_of(tool, answering(203, [*LINKS, ("X-Total-Count", "12")], json=body))
    link, last = (value for _, value in LINKS)
    assert found == {
        "code": 203,
        "own": "open",
        "total": 12,
        "link": f"{link}, {last}",
        "links": [link, last],
        "none": None,
        "in-body": "a body's",
        "said": "203 of 12",
        "deep": {"code": 203},
    }


async def test_one_output_without_a_name_has_that_of_the_header():
    given = {"outputParameters": [{"type": "string", "mapping": "$header.ETag"}, {"mapping": "$status"}]}
    assert await value_of(given, answering(200, [("ETag", '"1"')], json={})) == {"ETag": '"1"', "status": 200}


@pytest.mark.parametrize(("status", "shown"), [(201, 201), (204, 204)])
async def test_an_answer_without_content_has_them_too(status, shown):
    tool = outputs(("code", {"type": "integer", "mapping": "$status"}), ("at", {"mapping": "$header.Location"}))
    found = await value_of(tool, answering(status, [("Location", "/things/7")]), operation={"method": "POST"})
    assert found == {"code": shown, "at": "/things/7"}


async def test_no_credential_of_ours_is_in_a_header():
    tool = outputs(("link", {"mapping": "$header.Link"}), ("echo", {"mapping": "$header.X-Echo"}))
    headers = [("Link", "<https://api.example/?key=k-secret-0123456789>"), ("X-Echo", "k-secret-0123456789")]
    api = {"authentication": {"type": "apikey", "key": "key", "value": "{{KEY}}", "placement": "query"}}
    found = await value_of(tool, answering(200, headers, json={}), api=api, variables={"KEY": "k-secret-0123456789"})
    assert found["link"]
    assert "secret" not in str(found)


FLOW = {
    "call": None,
    "steps": [
        {"type": "call", "name": "first", "call": "api.do", "with": {"q": "one"}},
        {"type": "call", "name": "then", "call": "api.do", "with": {"q": "$header.first.X-Next"}},
        {"type": "call", "name": "last", "call": "api.do", "with": {"q": "{{$status.first}}/{{$header.then.X-Next}}"}},
    ],
    "mappings": [
        {"targetName": "code", "value": "$status.last"},
        {"targetName": "next", "value": "$header.last.X-Next"},
        {"targetName": "words", "value": "{{$status.first}} {{$header.first.X-None}}"},
    ],
}


def asked_of(requests):
    return [request.url.params.get("q") for request in requests]


def counting(requests):
    def answer(request):
        requests.append(request)
        return httpx.Response(200 + len(requests), headers={"X-Next": f"n{len(requests)}"}, json={"status": "mine"})

    return answer


OPERATION = {"inputParameters": [{"name": "q", "in": "query", "type": "string"}]}


async def test_later_steps_and_mappings_name_the_step():
    requests: list[httpx.Request] = []
    found = await value_of(FLOW, counting(requests), operation=OPERATION)
    assert asked_of(requests) == ["one", "n1", "201/n2"]
    assert found == {"code": 203, "next": "n3", "words": "201 "}


async def test_outputs_of_a_flow_name_the_step():
    tool = {"call": None, "steps": FLOW["steps"], **outputs(("c", {"type": "integer", "mapping": "$status.first"}))}
    assert await value_of(tool, counting([]), operation=OPERATION) == {"c": 201}


@pytest.mark.parametrize(
    ("condition", "runs"),
    [
        ("$status.first == 201", True),
        ("{{$status.first}} == 201 && $header.first.X-Next == 'n1'", True),
        ("$status.first > 299", False),
        ("$header.first.X-None", False),
        ("not $header.first.X-None", True),
        ("$header.first['X-Next'] == 'n1'", True),
    ],
)
async def test_conditions_of_steps(condition, runs):
    requests: list[httpx.Request] = []
    first, then, _ = FLOW["steps"]
    tool = {"call": None, "steps": [first, {**then, "condition": condition}]}
    await value_of(tool, counting(requests), operation=OPERATION)
    assert len(requests) == 1 + runs


async def test_what_names_no_answer_is_told_where_it_stands():
    for given in ({"mapping": "$status.first"}, {"mapping": "$header"}, {"mapping": "$status", "type": "array"}):
        loaded = consuming(tool=outputs(("x", given)))
        assert [found.rule for found in loaded.diagnostics if found.severity.name == "ERROR"] == ["unknown-answer"]
    mappings = [{"targetName": "x", "value": "$status.nobody"}]
    loaded = consuming(operation=OPERATION, tool={**FLOW, "mappings": mappings})
    assert [found.rule for found in loaded.diagnostics if found.severity.name == "ERROR"] == ["unknown-answer"]
    loops = [{**FLOW["steps"][0], "name": "many", "forEach": "{{list}}"}]
    loaded = consuming(
        operation=OPERATION, tool={"call": None, "steps": loops, **outputs(("x", {"mapping": "$status.many"}))}
    )
    (found,) = [found for found in loaded.diagnostics if found.rule == "unknown-answer"]
    assert "steps with one answer: none" in str(found.hint)


async def test_explaining_shows_them():
    tool = outputs(("code", {"type": "integer", "mapping": "$status"}), ("link", {"mapping": "$header.Link"}))
    async with consuming(tool=tool, handler=answering(200, json={})) as loaded:
        told = await explain(loaded.engine, loaded.units[0].plan, {})
    assert [(each.name, each.expression, each.value, each.found) for each in told] == [
        ("code", "$status", 200, True),
        ("link", "$header.Link", None, False),
    ]


async def test_a_dry_run_of_steps_has_no_answers():
    async with consuming(operation=OPERATION, tool=FLOW, mock=True) as loaded:
        assert isinstance(loaded, naftiko.Capability)
        answer = await loaded.units[0].run({})
    assert answer.status == 200
