"""Numbers keep their digits from a caller or an answer to whatever is made of them (SEMANTICS 4.2)."""

from __future__ import annotations

import json

import httpx
import pytest
from consuming import consuming, request_of
from hypothesis import given, settings
from hypothesis import strategies as st

import naftiko
from naftiko.engine.settings import Settings
from naftiko.ground.errors import InputError
from naftiko.ground.jsontext import read

NUMBERS = [
    *("1.10", "1.0", "0.00000001", "100000000000000000000001", "12345678901234567.89", "-0", "-0.0", "1" * 30 + ".5"),
    *("18446744073709551616", "-9223372036854775809", "9007199254740993", "0.1", "7", "2.50", "9" * 5000),
]
WITH_EXPONENTS = {"1e5": "100000", "1E+2": "100", "1.10e1": "11.0", "1e-8": "0.00000001", "1e400": "1" + "0" * 400}


def numbers_in(content):
    """Return the numbers of JSON bytes as they are written, in order."""
    found = []
    json.loads(content, parse_int=found.append, parse_float=found.append)
    return found


# What a caller sends


SENDING = {
    "inputParameters": [
        {"name": "q", "in": "query", "type": "number"},
        {"name": "list", "in": "query", "type": "array", "items": {"type": "number"}},
        {"name": "p", "in": "path", "type": "number"},
        {"name": "X-N", "in": "header", "type": "number"},
        {"name": "c", "in": "cookie", "type": "number"},
        {"name": "o", "in": "query", "type": "object"},
        {"name": "any", "in": "query"},
    ]
}


@pytest.mark.parametrize(("number", "shown"), [*((text, text) for text in NUMBERS), *WITH_EXPONENTS.items()])
def test_a_number_out_of_json_in_a_url_a_header_and_a_cookie(number, shown):
    """No exponent is invented, and one of the caller's JSON is written out."""
    value = read(number)
    inputs = {"q": value, "p": value, "X-N": value, "c": value, "list": [value], "o": {"n": value}, "any": value}
    request = request_of(consuming(SENDING, path="/things/{p}"), inputs)
    assert request.url.raw_path.partition(b"?")[0].decode() == f"/v1/things/{shown}"
    assert request.headers["x-n"] == shown
    assert request.headers["cookie"] == f"c={shown}"
    query = request.url.params
    assert (query["q"], query["list"], query["any"], query["o"]) == (shown, shown, shown, f'{{"n":{number}}}')


@pytest.mark.parametrize("text", [*NUMBERS, *WITH_EXPONENTS])
@pytest.mark.parametrize("kind", ["number", "integer"])
def test_a_number_written_as_text_is_sent_on_as_it_is_written(text, kind):
    capability = consuming({"inputParameters": [{"name": "q", "in": "query", "type": kind}]})
    unit = capability.units[0]
    try:
        checked = unit.plan.inputs.check({"q": text}, text=frozenset({"q"}))
    except InputError:
        assert kind == "integer"
        assert not read(text).is_integer()
        return
    assert request_of(capability, checked).url.params["q"] == text


@pytest.mark.parametrize(
    "text", ["1_000", "\uff11", " 1", "1 ", "0x10", "inf", "nan", "Infinity", "NaN", "+1", ".5", "5.", "007", ""]
)
@pytest.mark.parametrize("kind", ["number", "integer"])
@pytest.mark.parametrize("is_text", [True, False])
def test_what_json_has_no_number_for_is_refused(text, kind, is_text):
    """What Python reads beyond that would be sent on as another number, or to an API that doesn't know it."""
    inputs = consuming({"inputParameters": [{"name": "q", "in": "query", "type": kind}]}).units[0].plan.inputs
    with pytest.raises(InputError, match="must be"):
        inputs.check({"q": text}, text=frozenset({"q"} if is_text else ()))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_what_python_has_beyond_numbers_is_refused(value):
    inputs = consuming({"inputParameters": [{"name": "q", "in": "query", "type": "number"}]}).units[0].plan.inputs
    with pytest.raises(InputError, match="must be a number, not null"):
        inputs.check({"q": value})


@pytest.mark.parametrize("number", [*NUMBERS, *WITH_EXPONENTS])
def test_a_number_in_a_json_body(number):
    value = read(number)
    fields = {"inputParameters": [{"name": name, "in": "body", "type": "number"} for name in ("a", "b")]}
    block = {"body": {"type": "json", "data": {"a": "{{a}}", "deep": [{"b": "{{b}}"}], "text": "n={{a}}"}}}
    text = {"body": {"type": "json", "data": '{"a": {{a}}, "b": [{{b}}, 1.50, 1e5], "s": "{{a}}"}'}}
    for operation, expected in ((fields, [number] * 2), (block, [number] * 2), (text, [number] * 2 + ["1.50", "1e5"])):
        request = request_of(consuming({"method": "POST", **operation}), {"a": value, "b": value})
        assert numbers_in(request.content) == expected
    shown = WITH_EXPONENTS.get(number, number)
    assert (
        read(request_of(consuming({"method": "POST", **block}), {"a": value, "b": 1}).content)["text"] == f"n={shown}"
    )


@pytest.mark.parametrize("number", [*NUMBERS, *WITH_EXPONENTS])
def test_a_number_in_another_body(number):
    value = read(number)
    shown = WITH_EXPONENTS.get(number, number)
    for kind, data, sent in (
        ("formUrlEncoded", {"a": "{{a}}"}, f"a={shown}"),
        ("text", "a {{a}}", f"a {shown}"),
        ("xml", "<a>{{a}}</a>", f"<a>{shown}</a>"),
    ):
        request = request_of(consuming({"method": "POST", "body": {"type": kind, "data": data}}), {"a": value})
        assert request.content.decode() == sent


@pytest.mark.parametrize(
    ("number", "sent"),
    [
        ("5.0", "5"),
        ("5e2", "500"),
        ("-0", "-0"),
        ("100000000000000000000001.0", "100000000000000000000001"),
        ("1e400", "1" + "0" * 400),
    ],
)
def test_a_whole_json_number_is_the_integer_that_is_declared(number, sent):
    """Some agents write every number as 5.0; an API that reads integers refuses it."""
    query = consuming({"inputParameters": [{"name": "q", "in": "query", "type": "integer"}]})
    assert request_of(query, query.units[0].plan.inputs.check({"q": read(number)})).url.params["q"] == sent
    body = consuming({"method": "POST", "inputParameters": [{"name": "q", "in": "body", "type": "integer"}]})
    assert numbers_in(request_of(body, body.units[0].plan.inputs.check({"q": read(number)})).content) == [sent]


@pytest.mark.parametrize("number", ["1.5", "1e-1", "100000000000000000000001.5"])
def test_what_is_not_whole_is_no_integer(number):
    inputs = consuming({"inputParameters": [{"name": "q", "in": "query", "type": "integer"}]}).units[0].plan.inputs
    with pytest.raises(InputError, match=f"must be an integer, not {number}"):
        inputs.check({"q": read(number)})


@pytest.mark.parametrize(
    ("rule", "good", "bad"),
    [
        ({"minimum": 0.1}, ["0.1", "0.10", "1e400"], ["0.09999999999999999999999", "-1e400", "1e-400"]),
        ({"maximum": 100000000000000000000001}, ["100000000000000000000001"], ["100000000000000000000002"]),
        ({"enum": [1.1, 2]}, ["1.10", "2.0", "2"], ["1.11", "1.1000000000000000000000001"]),
    ],
)
def test_bounds_and_enums_hold_for_every_digit(rule, good, bad):
    inputs = (
        consuming({"inputParameters": [{"name": "q", "in": "query", "type": "number", **rule}]}).units[0].plan.inputs
    )
    for number in good:
        assert inputs.check({"q": read(number)})["q"] == read(number)
        inputs.check({"q": number}, text=frozenset({"q"}))
    for number in bad:
        with pytest.raises(InputError, match=r"must be (at|one)"):
            inputs.check({"q": read(number)})


@pytest.mark.parametrize(
    ("rule", "good", "bad"),
    [
        ({"multipleOf": 0.01}, ["0.07", "1.10", "100000000000000000000001.01"], ["0.071", "0.07000000000000000000001"]),
        ({"multipleOf": 3}, ["100000000000000000000002", "3.0", "0"], ["100000000000000000000003", "1.5", "1e400"]),
        ({"exclusiveMaximum": 10}, ["9.9999999999999999999999"], ["10.0", "1e1"]),
        ({"type": "integer", "not": {"const": 5}}, ["100000000000000000000001", "6.0"], ["5.0", "1.5"]),
    ],
)
def test_a_tools_own_schema_holds_for_every_digit(rule, good, bad):
    schema = {"type": "object", "properties": {"q": {"type": "number", **rule}}}
    inputs = consuming(tool={"inputSchema": schema}).units[0].plan.inputs
    for number in good:
        inputs.check({"q": read(number)})
    for number in bad:
        with pytest.raises(InputError, match="`q`"):
            inputs.check({"q": read(number)})


# What the file says


@pytest.mark.parametrize(
    ("written", "json_form", "shown"),
    [
        *((text, text, text) for text in ("1.10", "1.0", "0.00000001", "100000000000000000000001", "-0")),
        *(("1e5", "1e5", "100000"), (".5", "0.5", "0.5"), ("+7", "7", "7"), ("0x1F", "31", "31")),
    ],
)
def test_a_number_of_the_file_keeps_its_digits(written, json_form, shown):
    text = f"""
naftiko: 1.0.0-alpha2
capability:
  consumes:
  - namespace: api
    type: http
    baseUri: https://api.example
    resources:
    - path: /x
      operations:
      - name: do
        method: POST
        inputParameters:
        - {{name: c, in: query, type: number, const: {written}}}
        - {{name: v, in: query, value: {written}}}
        - {{name: d, in: query, type: number}}
        - {{name: w, in: query}}
        body: {{type: json, data: {{n: {written}, "l": [{written}]}}}}
  exposes:
  - type: mcp
    namespace: t
    port: 1
    tools:
    - {{name: do, description: d, call: api.do, with: {{w: {written}, d: tools.d}}, inputParameters: [{{name: d, type: number, default: {written}}}]}}
"""
    request = naftiko.loads(text, settings=Settings(environment={})).units[0].request({})
    assert {name: request.url.params[name] for name in "cdw"} == dict.fromkeys("cdw", shown)
    assert request.url.params["v"] == written
    assert numbers_in(request.content) == [json_form] * 2


# What an upstream answers


def answering(content, media_type="application/json", operation=None, **tool):
    response = httpx.Response(200, content=content, headers={"content-type": media_type})
    return consuming(operation, tool=tool, handler=lambda _: response).units[0]


OUTPUTS = [
    {"name": "n", "type": "number", "mapping": "$.n"},
    {
        "name": "all",
        "type": "array",
        "mapping": "$.l",
        "items": {"type": "object", "properties": {"x": {"type": "number", "mapping": "$.n"}}},
    },
    {"name": "text", "type": "string", "value": "{{n}}"},
]


@pytest.mark.parametrize("number", [*NUMBERS, *WITH_EXPONENTS])
@pytest.mark.parametrize("layout", ['{"n":%s,"l":[{"n":%s}]}', '{ "n" : %s , "l":\n[ {"n":%s, "u":"\\u00e9"} ] }'])
async def test_a_mapped_answer(number, layout):
    content = (layout % (number, number)).encode()
    answer = await answering(content, outputParameters=OUTPUTS[:2]).run({})
    assert numbers_in(answer.content) == [number] * 2
    whole = await answering(content).run({})
    assert whole.content == content
    consumed = {"outputParameters": [{"name": "first", "type": "number", "value": "$.l[0].n"}]}
    named = await answering(
        content, operation=consumed, outputParameters=[{"name": "f", "type": "number", "mapping": "$.first"}]
    ).run({})
    assert numbers_in(named.content) == [number]


@pytest.mark.parametrize(
    ("written", "number"), [("1.10", "1.10"), ("1e5", "1e5"), (".5", "0.5"), ("9" * 30, "9" * 30), ("-0", "-0")]
)
async def test_an_answer_in_yaml(written, number):
    operation = {"outputRawFormat": "yaml"}
    for outputs in (OUTPUTS[:1], []):
        answer = await answering(f"n: {written}\n", "application/yaml", operation, outputParameters=outputs).run({})
        assert numbers_in(answer.content) == [number]


async def test_what_is_no_number_in_an_answer_is_null():
    """Python writes NaN; the bytes pass where nothing is mapped, and the rest of the answer is no worse for it."""
    content = b'{"id":1.10,"n":NaN,"l":[Infinity,-Infinity]}'
    outputs = [{"name": name, "mapping": f"$.{name}"} for name in ("id", "n", "l")]
    assert (
        await answering(content, outputParameters=outputs).run({})
    ).content == b'{"id":1.10,"n":null,"l":[null,null]}'
    passed = await answering(content).run({})
    assert passed.content == content
    assert passed.value == {"id": 1.1, "n": None, "l": [None, None]}


# From step to step


def flow(documents, steps, mappings, operations=None):
    """A tool of steps whose upstream answers with the texts of ``documents`` by path, and what it was asked."""
    asked = []

    def answer(request):
        asked.append(request)
        content = documents.get(request.url.path, "{}")
        kind = "application/xml" if content.startswith("<") else "application/json"
        return httpx.Response(200, text=content, headers={"content-type": kind})

    resources = [
        {
            "name": name,
            "path": f"/{name}",
            "operations": [{"name": name, "method": "GET", **(operations or {}).get(name, {})}],
        }
        for name in ("a", "b", "c")
    ]
    tool = {"name": "go", "description": "d", "steps": steps, "mappings": mappings}
    document = {
        "naftiko": "1.0.0-alpha5",
        "capability": {
            "consumes": [
                {"namespace": "api", "type": "http", "baseUri": "https://api.example", "resources": resources}
            ],
            "exposes": [{"type": "mcp", "namespace": "tools", "port": 1, "tools": [tool]}],
        },
    }
    options = Settings(environment={}, transport=lambda _: httpx.MockTransport(answer))
    return naftiko.loads(json.dumps(document), settings=options).units[0], asked


@pytest.mark.parametrize("number", [*NUMBERS, *WITH_EXPONENTS])
async def test_a_number_of_a_step_in_the_next_request(number):
    shown = WITH_EXPONENTS.get(number, number)
    operations = {
        "b": {"inputParameters": [{"name": name, "in": "query", "type": "number"} for name in ("p", "t")]},
        "c": {
            "method": "POST",
            "inputParameters": [{"name": "n", "in": "body", "type": "number"}, {"name": "m", "in": "body"}],
        },
    }
    steps = [
        {"name": "a", "type": "call", "call": "api.a"},
        {"name": "b", "type": "call", "call": "api.b", "with": {"p": "$.a.n", "t": "x{{a.n}}"}},
        {"name": "c", "type": "call", "call": "api.c", "with": {"n": "{{a.n}}", "m": "$.a"}},
    ]
    unit, asked = flow({"/a": f'{{"n":{number}}}'}, steps, [{"targetName": "n", "value": "$.a.n"}], operations)
    answer = await unit.run({})
    assert numbers_in(answer.content) == [number]
    assert dict(asked[1].url.params) == {"p": shown, "t": f"x{shown}"}
    assert numbers_in(asked[2].content) == [number] * 2


@pytest.mark.parametrize(
    ("rows", "wanted", "found"),
    [
        (
            '[{"id":100000000000000000000001,"v":1},{"id":100000000000000000000002,"v":2}]',
            "100000000000000000000002",
            2,
        ),
        ('[{"id":1.0,"v":1}]', "1", 1),
        ('[{"id":1,"v":1}]', "1.0", 1),
        ('[{"id":1.10,"v":1}]', "1.1", 1),
        ('[{"id":"1.10","v":1}]', "1.10", 1),
        ('[{"id":1e2,"v":1}]', "100", 1),
        ('[{"id":12345678901234567.89,"v":1}]', "12345678901234567.9", None),
    ],
)
async def test_a_lookup_compares_every_digit(rows, wanted, found):
    steps = [
        {"name": "a", "type": "call", "call": "api.a"},
        {"name": "b", "type": "call", "call": "api.b"},
        {
            "name": "hit",
            "type": "lookup",
            "index": "a",
            "match": "id",
            "lookupValue": "$.b.n",
            "outputParameters": ["v"],
        },
    ]
    unit, _ = flow({"/a": rows, "/b": f'{{"n":{wanted}}}'}, steps, [{"targetName": "v", "value": "$.hit.v"}])
    assert (await unit.run({})).value == {"v": found}


async def test_a_path_may_begin_with_the_root_of_an_xml_answer():
    """In a step's input, in a lookup, in mappings and in outputs (SEMANTICS 5.1)."""
    xml = "<users><user id='1'><name>Ann</name></user><user id='2'><name>Bob</name></user></users>"
    operations = {
        "a": {"outputRawFormat": "xml"},
        "b": {"inputParameters": [{"name": "id", "in": "query", "type": "string"}]},
    }
    steps = [
        {"name": "a", "type": "call", "call": "api.a"},
        {
            "name": "hit",
            "type": "lookup",
            "index": "a.users.user",
            "match": "id",
            "lookupValue": "2",
            "outputParameters": ["name"],
        },
        {"name": "b", "type": "call", "call": "api.b", "with": {"id": "$.a.users.user[0].id"}},
    ]
    mappings = [
        {"targetName": "hit", "value": "$.hit.name"},
        {"targetName": "all", "value": "$.a.users.user[*].name"},
        {"targetName": "text", "value": "{{a.users.user.length}}"},
    ]
    unit, asked = flow({"/a": xml}, steps, mappings, operations)
    assert (await unit.run({})).value == {"hit": "Bob", "all": ["Ann", "Bob"], "text": 2}
    assert asked[1].url.params["id"] == "1"
    named = {
        "outputRawFormat": "xml",
        "outputParameters": [{"name": "first", "type": "string", "value": "$.users.user[0].name"}],
    }
    outputs = [
        {"name": "names", "type": "array", "mapping": "$.users.user", "items": {"type": "string", "mapping": "$.name"}},
        {"name": "one", "type": "string", "mapping": "$.first"},
    ]
    answer = await answering(xml, "application/xml", named, outputParameters=outputs).run({})
    assert answer.value == {"names": ["Ann", "Bob"], "one": "Ann"}
    assert (await answering(xml, "application/xml", {"outputRawFormat": "xml"}).run({})).value == {
        "user": [{"id": "1", "name": "Ann"}, {"id": "2", "name": "Bob"}]
    }


# Any number


DECIMALS = st.from_regex(r"-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,2})?", fullmatch=True)
QUERY = consuming({"inputParameters": [{"name": "q", "in": "query", "type": "number"}]})
BODY = consuming({"method": "POST", "inputParameters": [{"name": "n", "in": "body", "type": "number"}]})


@settings(max_examples=200, deadline=None)
@given(DECIMALS)
def test_any_number_arrives_with_its_digits(text):
    as_text = QUERY.units[0].plan.inputs.check({"q": text}, text=frozenset({"q"}))
    assert request_of(QUERY, as_text).url.params["q"] == text
    assert numbers_in(request_of(BODY, BODY.units[0].plan.inputs.check({"n": read(text)})).content) == [text]
    assert numbers_in(request_of(BODY, BODY.units[0].plan.inputs.check({"n": text})).content) == [text]
