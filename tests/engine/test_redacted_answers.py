"""``redact``: what a file takes out of answers, before anything sees it (SEMANTICS 5.11)."""

from __future__ import annotations

import json
import logging

import httpx
import pytest
from consuming import consuming

import naftiko
from naftiko.engine.explain import explain
from naftiko.expression.jsonpath import JSONPathError, parse
from naftiko.expression.jsonpath.hiding import copied, hide, parse_hidden
from naftiko.ground.errors import CallError

SSN = "078-05-1120"
PERSON = {"name": "Ann", "ssn": SSN, "kin": [{"name": "Bo", "ssn": SSN}, {"name": "Cy"}], "id": 12345678901234567890}


def answering(status=200, **content):
    return lambda _: httpx.Response(status, **(content or {"json": PERSON}))


@pytest.mark.parametrize(
    ("path", "left"),
    [
        ("$.a", {"a": None, "b": [1, {"a": 2}]}),
        ("$['a']", {"a": None, "b": [1, {"a": 2}]}),
        ("$..a", {"a": None, "b": [1, {"a": None}]}),
        ("$.b[0]", {"a": 1, "b": [None, {"a": 2}]}),
        ("$.b[-1]", {"a": 1, "b": [1, None]}),
        ("$.b[*]", {"a": 1, "b": [None, None]}),
        ("$.*", {"a": None, "b": None}),
        ("$['a','none']", {"a": None, "b": [1, {"a": 2}]}),
        ("$.b[?@.a == 2].a", {"a": 1, "b": [1, {"a": None}]}),
        ("$.b[1:].a", {"a": 1, "b": [1, {"a": None}]}),
        ("$.none.a", {"a": 1, "b": [1, {"a": 2}]}),
        ("$..[0]", {"a": 1, "b": [None, {"a": 2}]}),
    ],
)
def test_what_a_path_finds_is_null(path, left):
    document = {"a": 1, "b": [1, {"a": 2}]}
    assert hide(copied(document), [parse_hidden(path)]) == left
    assert document == {"a": 1, "b": [1, {"a": 2}]}


@pytest.mark.parametrize("path", ["$", "$.", "$.a.length()", "$.b[?@.a]", "$.b[0:1]", "$.a.b.keys()", "$.[", "a.b["])
def test_a_path_that_is_no_place_is_refused(path):
    with pytest.raises(JSONPathError):
        parse_hidden(path)
    assert parse("$.a").segments


def test_a_document_deeper_than_the_stack_is_copied_and_hidden():
    deep = {"a": 1}
    for _ in range(50_000):
        deep = {"in": deep}
    found = hide(copied(deep), [parse_hidden("$..a")])
    while "in" in found:
        found = found["in"]
    assert found == {"a": None}


async def answer_of(loaded, **inputs):
    async with loaded:
        return await loaded.units[0].run(inputs)


async def test_bytes_that_are_passed_on_are_without_it():
    answer = await answer_of(consuming({"redact": ["$..ssn"]}, handler=answering()))
    assert SSN.encode() not in answer.content
    assert json.loads(answer.content)["kin"] == [{"name": "Bo", "ssn": None}, {"name": "Cy"}]
    assert b"12345678901234567890" in answer.content  # digits stay


@pytest.mark.parametrize(
    ("raw", "text"),
    [("yaml", f"name: Ann\nssn: {SSN}\n"), ("csv", f"name,ssn\nAnn,{SSN}\n"), ("psv", f"name|ssn\nAnn|{SSN}\n")],
)
async def test_formats_that_are_read(raw, text):
    operation = {"redact": ["$..ssn"], "outputRawFormat": raw}
    answer = await answer_of(consuming(operation, handler=answering(text=text)))
    assert SSN not in answer.content.decode()
    assert b"Ann" in answer.content


async def test_outputs_steps_and_scripts_never_see_it(tmp_path):
    (tmp_path / "seen.js").write_text("var result = JSON.stringify(context)")
    tool = {
        "call": None,
        "steps": [
            {"type": "call", "name": "one", "call": "api.do"},
            {
                "type": "script",
                "name": "seen",
                "language": "javascript",
                "location": tmp_path.as_uri(),
                "file": "seen.js",
            },
        ],
        "mappings": [
            {"targetName": "ssn", "value": "$.one.ssn"},
            {"targetName": "name", "value": "$.one.name"},
            {"targetName": "seen", "value": "$.seen"},
        ],
    }
    operation = {"redact": ["$.ssn", "$.kin"]}
    loaded = consuming(operation, tool=tool, handler=answering(), file=tmp_path / "c.yaml")
    answer = await answer_of(loaded)
    assert "Ann" in answer.value["seen"]
    assert answer.value["ssn"] is None
    assert answer.value["name"] == "Ann"
    assert SSN not in str(answer.value)


@pytest.mark.parametrize(
    "content", [{"json": {"error": "no", "ssn": SSN}}, {"text": f"no {SSN}"}, {"html": f"<p>{SSN}</p>"}]
)
async def test_errors_of_the_upstream_are_without_it(content, caplog):
    caplog.set_level(logging.DEBUG)
    loaded = consuming({"redact": ["$..ssn"]}, handler=answering(422, **content))
    with pytest.raises(CallError) as raised:
        await answer_of(loaded)
    shown = f"{raised.value} {raised.value.detail} {getattr(raised.value.response, 'text', '')}"
    assert "422" in shown
    assert SSN not in shown
    assert SSN not in caplog.text


async def test_an_answer_that_cannot_be_read_is_none():
    loaded = consuming({"redact": ["$..ssn"]}, handler=answering(text=f"oops {SSN}"))
    with pytest.raises(CallError) as raised:
        await answer_of(loaded)
    assert SSN not in f"{raised.value} {raised.value.detail}"
    assert raised.value.response is None


async def test_what_is_stored_is_without_it_and_was_not_stored_before():
    calls = []

    def answer(request):
        calls.append(request)
        return httpx.Response(200, json=PERSON, headers={"Cache-Control": "max-age=60"})

    policies = {"resiliency": {"cache": {"ttl": "60s"}}}
    loaded = consuming({"redact": ["$..ssn"], **policies}, handler=answer)
    async with loaded:
        found = [(await loaded.units[0].run({})).content for _ in range(2)]
    assert len(calls) == 1
    assert not any(SSN.encode() in content for content in found)


async def test_pages_are_without_it():
    def answer(request):
        page = int(request.url.params.get("page", 1))
        return httpx.Response(200, json={"people": [{"n": page, "ssn": SSN}] if page < 3 else []})

    pages = {"type": "page-number", "request": {"pageParam": "page"}, "response": {"dataPath": "$.people"}}
    loaded = consuming({"redact": ["$.people[*].ssn"], "pagination": pages}, handler=answer)
    assert [str(found) for found in loaded.diagnostics if found.severity.name == "ERROR"] == []
    found = await answer_of(loaded)
    assert SSN.encode() not in found.content
    assert found.value["people"][0] == {"n": 1, "ssn": None}


@pytest.mark.parametrize(
    "tool",
    [
        {"redact": ["$..ssn"]},
        {
            "redact": ["$.ssn", "$.kin[*].ssn"],
            "outputParameters": [
                {"name": "name", "type": "string", "mapping": "$.name"},
                {"name": "ssn", "type": "string", "mapping": "$.ssn"},
                {"name": "kin", "type": "array", "mapping": "$.kin"},
            ],
        },
        {
            "redact": ["$.who.ssn", "$.ssn", "$.kin"],
            "call": None,
            "steps": [{"type": "call", "name": "one", "call": "api.do"}],
            "mappings": [
                {"targetName": "who.ssn", "value": "$.one.ssn"},
                {"targetName": "name", "value": "$.one.name"},
            ],
        },
    ],
)
async def test_what_is_exposed_is_without_it(tool):
    loaded = consuming(tool=tool, handler=answering())
    assert [str(found) for found in loaded.diagnostics if found.severity.name == "ERROR"] == []
    async with loaded:
        answer = await loaded.units[0].run({})
        told = await explain(loaded.engine, loaded.units[0].plan, {})
    assert SSN not in answer.content.decode()
    assert answer.value["name"] == "Ann"
    assert SSN not in str([each.value for each in told])


async def test_a_function_redacts_for_all_that_use_it():
    function = {"name": "f", "description": "A person.", "call": "api.do", "redact": ["$..ssn"]}
    more = {"aggregates": [{"namespace": "people", "functions": [function]}]}
    loaded = consuming(tool={"call": None, "ref": "people.f"}, more=more, handler=answering())
    assert SSN not in (await answer_of(loaded)).content.decode()


@pytest.mark.parametrize(
    ("operation", "tool"),
    [
        ({"redact": ["$.length()"]}, {}),
        ({"redact": ["$..ssn"], "outputRawFormat": "binary"}, {}),
        ({"redact": ["$..ssn"], "outputRawFormat": "xml"}, {}),
        ({}, {"redact": ["$.a.length()"]}),
        ({"outputRawFormat": "binary"}, {"redact": ["$.a"]}),
        ({"outputRawFormat": "ndjson"}, {"redact": ["$.a"]}),
    ],
)
async def test_what_cannot_be_redacted_is_not_executable(operation, tool):
    loaded = consuming(operation, tool=tool, handler=answering())
    assert "bad-redaction" in [found.rule for found in loaded.diagnostics]
    with pytest.raises(CallError, match="redact"):
        await answer_of(loaded)


def test_a_path_that_no_output_has_is_told():
    outputs = [{"name": "a", "type": "object", "properties": [{"name": "b", "type": "string", "mapping": "$.b"}]}]
    for path, is_told in (("$.a.b", False), ("$..b", False), ("$.a.c", True), ("$..c", True), ("$.a[*]", False)):
        loaded = consuming(tool={"outputParameters": outputs, "redact": [path]})
        assert ("redaction-finds-nothing" in [found.rule for found in loaded.diagnostics]) == is_told, path


async def test_the_schema_of_a_redacted_answer_lets_nulls_through():
    outputs = [{"name": "a", "type": "object", "properties": [{"name": "b", "type": "string", "mapping": "$.ssn"}]}]
    loaded = consuming(tool={"outputParameters": outputs, "redact": ["$.a"]}, handler=answering())
    unit = loaded.units[0].plan
    assert unit.action is not None
    promised = unit.action.promised(unit.outputs, mock=False)
    assert promised is not None
    assert promised["type"] == "object"
    assert "null" in promised["properties"]["a"]["type"]
    assert (await answer_of(loaded)).value == {"a": None}
    assert isinstance(loaded, naftiko.Capability)


def test_files_that_a_resource_is_made_of_are_not_redacted_and_not_limited(tmp_path):
    resource = {"name": "r", "uri": "docs://r", "description": "d", "location": tmp_path.as_uri()}
    for key, value, rule in (("redact", ["$.a"], "bad-redaction"), ("limits", {"requests": "1/s"}, "bad-limit")):
        adapter = {"type": "mcp", "namespace": "more", "port": 3001, "resources": [{**resource, key: value}]}
        more = {"exposes": [adapter]}
        loaded = consuming(more=more, file=tmp_path / "c.yaml")
        assert rule in [found.rule for found in loaded.diagnostics]
