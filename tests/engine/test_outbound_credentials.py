"""Credentials out: where each is put, that none is ever left out, and that nobody is asked for one (SEMANTICS 4.5)."""

from __future__ import annotations

import json

import httpx
import pytest
from consuming import consuming, inputs, request_of, url_of
from hypothesis import given
from hypothesis import strategies as st

from naftiko.document.model import ApiKeyAuthentication, BearerAuthentication
from naftiko.engine.authentication.fields import with_fields
from naftiko.engine.bodies import Body
from naftiko.expression.content import Content
from naftiko.ground.errors import CallError, InputError, MissingVariable, NotExecutable

KEY = "s3cr3t/of the=server"
GIVEN = {"K": KEY}


def keyed(operation=None, *, block, path="/things", base=None, **more):
    """A capability whose API has an authentication; one without a type is an API key's, with its value given."""
    found = (
        {"type": "apikey", "value": "{{K}}", **block}
        if isinstance(block, dict) and {"key", "name"} & set(block) and "type" not in block
        else block
    )
    api = {"authentication": found, **({"baseUri": base} if base else {})}
    return consuming(operation, path=path, api=api, variables=GIVEN, **more)


def rules(capability):
    return [found.rule for found in capability.diagnostics]


POST = {
    "method": "POST",
    "inputParameters": [{"name": "text", "in": "body", "type": "string"}, {"name": "n", "in": "body"}],
}


# Placements


@pytest.mark.parametrize(
    "block",
    [
        {"key": "X-Project"},
        {"key": "X-Project", "placement": "header"},
        {"headers": {"X-Project": "{{K}}"}, "value": None},
        {"header": "X-Project", "key": "{{K}}", "value": None},
        {"type": "header", "name": "X-Project"},
    ],
)
def test_a_header(block):
    made = {name: text for name, text in {"value": "{{K}}", **block}.items() if text is not None}
    capability = consuming(api={"authentication": {"type": "apikey", **made}}, variables=GIVEN)
    assert request_of(capability).headers["x-project"] == KEY
    assert not capability.errors


def test_a_value_without_a_name_goes_where_most_apis_look():
    for block in ({"type": "apikey", "value": "{{K}}"}, {"type": "apikey", "key": "{{K}}"}):
        assert request_of(keyed(block=block)).headers["x-api-key"] == KEY


def test_the_query():
    assert url_of(keyed(block={"key": "api key", "placement": "query"})) == (
        "https://api.example/v1/things?api%20key=s3cr3t%2Fof%20the%3Dserver"
    )


def test_a_cookie_joins_the_others_in_their_header():
    operation = {"inputParameters": inputs("lang", location="cookie")}
    capability = keyed(operation, block={"key": "sid", "placement": "cookie"})
    assert request_of(capability, {"lang": "de"}).headers.get_list("cookie") == [
        "lang=de; sid=s3cr3t%2Fof%20the%3Dserver"
    ]
    assert request_of(capability).headers.get_list("cookie") == ["sid=s3cr3t%2Fof%20the%3Dserver"]


def test_a_header_of_cookies_joins_them_too():
    operation = {"inputParameters": inputs("lang", location="cookie")}
    capability = keyed(operation, block={"key": "Cookie", "value": "sid={{K}}"})
    assert request_of(capability, {"lang": "de"}).headers.get_list("cookie") == [f"lang=de; sid={KEY}"]
    assert request_of(capability).headers.get_list("cookie") == [f"sid={KEY}"]


@pytest.mark.parametrize(
    ("secret", "told"),
    [
        ("{{BAD}}", "BAD can't be sent: it holds a line break"),
        ("first\nX-Evil: second", "in the authentication of `api` can't be sent: it holds a line break"),
    ],
)
@pytest.mark.parametrize("block", [{"type": "bearer", "token": ...}, {"type": "header", "name": "X-K", "value": ...}])
async def test_a_secret_that_no_header_can_hold_is_refused_and_not_shown(block, secret, told):
    """Of a variable and of the file itself."""
    sent = []
    capability = consuming(
        api={"authentication": {key: secret if value is ... else value for key, value in block.items()}},
        variables={"BAD": "first\nX-Evil: second"},
        handler=sent.append,
    )
    with pytest.raises(CallError, match=told) as caught:
        await capability.units[0].run({})
    assert "Evil" not in caught.value.detail + caught.value.hint
    assert not sent


def test_a_cookie_that_may_be_sent_as_it_is_is():
    """Base64 has `=`, and signed sessions have `%` and `.`: encoded once more they would be others."""
    capability = consuming(
        api={"authentication": {"type": "cookie", "name": "sid", "value": "s%3Aab/c+d=="}},
    )
    assert request_of(capability).headers["cookie"] == "sid=s%3Aab/c+d=="


@pytest.mark.parametrize(
    ("base", "path", "url"),
    [
        ("https://api.example/bot{token}", "/send", "https://api.example/bots3cr3t%2Fof%20the%3Dserver/send"),
        ("https://api.example/bot{{token}}", "/send", "https://api.example/bots3cr3t%2Fof%20the%3Dserver/send"),
        ("https://api.example", "/bot{token}/send", "https://api.example/bots3cr3t%2Fof%20the%3Dserver/send"),
        (
            "https://api.example/{Token}",
            "/{TOKEN}",
            "https://api.example/" + "/".join(["s3cr3t%2Fof%20the%3Dserver"] * 2),
        ),
    ],
)
def test_the_path(base, path, url):
    """As one segment, wherever its placeholder stands."""
    capability = keyed(block={"key": "token", "placement": "path"}, base=base, path=path)
    assert url_of(capability) == url
    assert not capability.errors
    assert not capability.missing_variables()
    assert capability.units[0].inputs == ()


@pytest.mark.parametrize(
    ("operation", "given", "body", "media_type"),
    [
        (POST, {"text": "hi", "n": 1}, {"api_key": KEY, "text": "hi", "n": 1}, "application/json"),
        (POST, {}, {"api_key": KEY}, "application/json"),
        ({"method": "POST"}, {}, {"api_key": KEY}, "application/json"),
        ({"method": "DELETE"}, {}, {"api_key": KEY}, "application/json"),
        (
            {"method": "POST", "inputParameters": [{"name": "body", "in": "body", "type": "object"}]},
            {"body": {"a": 1, "api_key": "the caller's"}},
            {"a": 1, "api_key": KEY},
            "application/json",
        ),
        (
            {"method": "POST", "body": {"type": "json", "data": {"a": ["{{x}}"]}}},
            {"x": 'q"'},
            {"api_key": KEY, "a": ['q"']},
            "application/json",
        ),
        (
            {"method": "POST", "body": '{"a": "{{x}}"}'},
            {"x": 'q"'},
            {"api_key": KEY, "a": 'q"'},
            "application/json",
        ),
    ],
)
def test_a_field_of_a_json_body(operation, given, body, media_type):
    request = request_of(keyed(operation, block={"key": "api_key", "placement": "body"}), given)
    assert json.loads(request.content) == body
    assert request.headers["content-type"] == media_type
    assert request.headers["content-length"] == str(len(request.content))


@pytest.mark.parametrize("data", ["a={{x}}", {"a": "{{x}}"}])
def test_a_field_of_a_form(data):
    operation = {"method": "POST", "body": {"type": "formUrlEncoded", "data": data}}
    request = request_of(keyed(operation, block={"key": "api key", "placement": "body"}), {"x": "1&2"})
    assert request.content == b"a=1%262&api%20key=s3cr3t%2Fof%20the%3Dserver"
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"


def test_a_form_that_the_call_itself_asks_for():
    operation = {**POST, "inputParameters": [*POST["inputParameters"], *inputs("Content-Type", location="header")]}
    capability = keyed(operation, block={"key": "api_key", "placement": "body"})
    given = {"Content-Type": "application/x-www-form-urlencoded"}
    assert request_of(capability, given).content == b"api_key=s3cr3t%2Fof%20the%3Dserver"
    assert request_of(capability, {**given, "text": "a b"}).content == b"text=a%20b&api_key=s3cr3t%2Fof%20the%3Dserver"


def test_a_part_of_a_multipart_form():
    operation = {"method": "POST", "body": {"type": "multipartForm", "data": {"a": "{{x}}"}}}
    request = request_of(keyed(operation, block={"key": "api_key", "placement": "body"}), {"x": "--1"})
    boundary = request.headers["content-type"].partition("boundary=")[2].encode()
    first, second, end = request.content.split(b"--" + boundary)[1:]
    assert first == b'\r\nContent-Disposition: form-data; name="api_key"\r\n\r\n' + KEY.encode() + b"\r\n"
    assert b'name="a"' in second
    assert end == b"--\r\n"


def test_what_a_rest_caller_sends_keeps_every_byte():
    """Digits, escapes and blanks are the caller's; only the field is new."""
    capability = keyed({"method": "POST"}, block={"key": "api_key", "placement": "body"})
    sent = Content(b' { "n": 1.10, "big": 100000000000000000000001, "t": "\\u00e9" }', "application/json")
    assert request_of(capability, body=sent).content == (
        b'{"api_key":"s3cr3t/of the=server","n": 1.10, "big": 100000000000000000000001, "t": "\\u00e9" }'
    )
    sent = Content(b'{"api_key": "theirs", "n": 1.10, "big": 100000000000000000000001}', "application/json")
    assert request_of(capability, body=sent).content == (
        b'{"api_key":"s3cr3t/of the=server","n":1.10,"big":100000000000000000000001}'
    )


@pytest.mark.parametrize(
    ("content", "media_type", "why"),
    [
        (b"[1, 2]", "application/json", "a JSON array"),
        (b'"text"', "application/json", "single value"),
        (b"{broken", "application/json", "no JSON"),
        (b"hello", "text/plain", "text/plain has no fields"),
        (b"x", "multipart/form-data", "without its boundary"),
        (
            b'--b\r\nContent-Disposition: form-data; name="api_key"\r\n\r\nx\r\n--b--',
            "multipart/form-data; boundary=b",
            "not the caller's",
        ),
    ],
)
def test_a_body_that_can_not_hold_it_is_refused_and_nothing_is_sent(content, media_type, why):
    capability = keyed({"method": "POST"}, block={"key": "api_key", "placement": "body"})
    with pytest.raises(InputError, match="`api_key`") as caught:
        request_of(capability, body=Content(content, media_type))
    assert why in caught.value.problems[0].message
    assert KEY not in caught.value.detail


@given(
    document=st.dictionaries(st.text(), st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists)),
    name=st.text(min_size=1),
    value=st.text(),
    spread=st.booleans(),
)
def test_any_object_has_the_field_and_nothing_else_changes(document, name, value, spread):
    text = json.dumps(document, indent=1 if spread else None).encode()
    made = with_fields(Body(text, "application/json"), None, [(name, value)], ())
    assert json.loads(made.data) == {**document, name: value}
    assert with_fields(Body(text, "application/json"), None, [(name, value)], {name}).data == (
        text if name in document else made.data
    )


# What the file maps wins, and nobody is asked


@pytest.mark.parametrize("place", ["header", "query", "cookie", "body", "path"])
def test_a_declared_parameter_that_carries_the_credential_is_no_input(place):
    name = "X-Token" if place == "header" else "token"
    operation = {"method": "POST", "inputParameters": [{"name": name, "in": place, "type": "string", "required": True}]}
    capability = keyed(
        operation,
        block={"key": "token" if place != "header" else "x-token", "placement": place},
        path="/{token}" if place == "path" else "/x",
    )
    assert [given.name for given in capability.units[0].inputs if given.name == name] == []
    request = request_of(capability)
    sent = f"{request.url} {request.headers.get('x-token', '')} {request.headers.get('cookie', '')} {request.content.decode()}"
    assert sent.count("s3cr3t") == 1


def test_a_query_in_the_path_that_carries_the_credential_is_no_input():
    capability = keyed(block={"key": "key", "placement": "query"}, path="/x?key={key}&a={a}")
    assert [given.name for given in capability.units[0].inputs] == ["a"]
    assert url_of(capability, {"a": "1"}) == "https://api.example/v1/x?a=1&key=s3cr3t%2Fof%20the%3Dserver"


@pytest.mark.parametrize("place", ["header", "query", "cookie", "body", "path"])
def test_what_the_file_maps_wins(place):
    operation = {
        "method": "POST",
        "inputParameters": [{"name": "token", "in": place, "type": "string"}, {"name": "z", "in": "body"}],
    }
    capability = keyed(
        operation,
        block={"key": "token", "placement": place},
        path="/{token}" if place == "path" else "/x",
        tool={"with": {"token": "mapped"}},
    )
    request = request_of(capability)
    sent = f"{request.url} {request.headers.get('token', '')} {request.headers.get('cookie', '')} {request.content.decode()}"
    assert "mapped" in sent
    assert "s3cr3t" not in sent


def test_a_block_that_has_the_field_itself_keeps_it():
    operation = {"method": "POST", "body": {"type": "json", "data": {"api_key": "in the file", "a": 1}}}
    request = request_of(keyed(operation, block={"key": "api_key", "placement": "body"}))
    assert json.loads(request.content) == {"api_key": "in the file", "a": 1}


# What can't be done is not executable: nothing goes out without the credential


UNDONE = [
    (
        {"type": "hoba", "region": "r", "service": "s"},
        "unknown-authentication",
        "is of the kind `hoba`, which can't be done",
    ),
    ({"type": "custom-token"}, "incomplete-authentication", "has no `acquire.call`"),
    ({"type": "hmac", "secret": "{{K}}"}, "incomplete-authentication", "has no `template`"),
    (
        {"type": "oauth2", "tokenEndpoint": "https://a.example", "grantType": "token-exchange"},
        "incomplete-authentication",
        "has no `subjectToken`",
    ),
    ({"type": "mtls"}, "incomplete-authentication", "has no `clientCert`"),
    ({"token": "{{K}}"}, "unknown-authentication", "says no `type`"),
    ("Bearer s3cr3t", "unknown-authentication", "says no `type`"),
    (["a", "b"], "unknown-authentication", "says no `type`"),
    ("bearer", "incomplete-authentication", "has no `token`"),
    ({"type": "bearer", "token": "{{K}"}, "incomplete-authentication", "has a broken template in `token`"),
    (
        {"type": "apikey", "headers": {"X-A": "{{#K}}"}},
        "incomplete-authentication",
        "has a broken template in `headers`",
    ),
    ({"type": "bearer"}, "incomplete-authentication", "has no `token`"),
    ({"type": "bearer", "token": " "}, "incomplete-authentication", "has no `token`"),
    ({"type": "bearer", "token": ["a"]}, "incomplete-authentication", "has no `token`"),
    ({"type": "basic"}, "incomplete-authentication", "has no `username` and no `password`"),
    ({"type": "digest", "username": "u"}, "incomplete-authentication", "has no `password`"),
    ({"type": "digest", "password": "p"}, "incomplete-authentication", "has no `username`"),
    ({"type": "apikey"}, "incomplete-authentication", "has no `value`"),
    ({"type": "apikey", "key": "X-K"}, "incomplete-authentication", "has no `value`"),
    ({"type": "apikey", "key": "X-K", "value": ""}, "incomplete-authentication", "has no `value`"),
    ({"type": "apikey", "headers": {"A": "a", "B": ""}}, "incomplete-authentication", "has no value for `B`"),
    ({"type": "apikey", "value": "v", "placement": "query"}, "incomplete-authentication", "has no `key`"),
    (
        {"type": "apikey", "key": "k", "value": "v", "placement": "matrix"},
        "unknown-placement",
        "places its key in `matrix`",
    ),
    ({"type": "apikey", "key": "X K", "value": "v"}, "unknown-placement", "has `X K` for a name"),
    ({"type": "apikey", "headers": {"X:K": "v"}}, "unknown-placement", "has `X:K` for a name"),
    ({"type": "cookie", "key": "a b", "value": "v"}, "unknown-placement", "has `a b` for a name"),
    ({"type": "oauth2"}, "incomplete-authentication", "says nowhere who gives a token"),
    (
        {"type": "oauth2", "grantType": "authorizationCode", "tokenUrl": "https://x"},
        "unknown-authentication",
        "wants the grant `authorizationCode`",
    ),
    (
        {"type": "oauth2", "grantType": "password", "tokenUrl": "https://x"},
        "unknown-authentication",
        "wants the grant `password`",
    ),
    (
        {"type": "oauth2", "grantType": "refresh_token", "tokenUrl": "https://x"},
        "incomplete-authentication",
        "has no `refreshToken`",
    ),
]


@pytest.mark.parametrize(("block", "rule", "reason"), UNDONE)
async def test_what_can_not_be_done_is_not_executable(block, rule, reason):
    """It is an error of validate, listed with its reason, and nothing is sent; the operator can give one."""
    sent = []
    capability = keyed(block=block, handler=sent.append)
    assert rule in rules(capability)
    unit = capability.units[0]
    assert reason in unit.reason
    assert "--auth api=bearer:TOKEN" in unit.reason
    with pytest.raises(NotExecutable, match="`do` can't be executed"):
        await unit.run({})
    assert not sent
    assert "s3cr3t" not in unit.reason + str(capability.diagnostics)


@pytest.mark.parametrize("block", [block for block, _, _ in UNDONE])
def test_the_operators_credential_makes_it_executable(block):
    ours = {"authentication": {"api": BearerAuthentication(token="{{K}}")}}
    capability = keyed(block=block, **ours)
    assert not {"unknown-authentication", "incomplete-authentication", "unknown-placement"} & set(rules(capability))
    assert request_of(capability).headers["authorization"] == f"Bearer {KEY}"
    assert "authorization" not in request_of(keyed(block=block, authentication={"a*": None})).headers


def test_steps_functions_resources_and_forwards_do_not_go_out_either():
    more = {
        "aggregates": [{"namespace": "f", "functions": [{"name": "do", "call": "api.do"}]}],
        "exposes": [
            {
                "type": "mcp",
                "namespace": "tools",
                "tools": [
                    {"name": "flow", "steps": [{"type": "call", "name": "s", "call": "api.do"}]},
                    {"name": "ref", "ref": "f.do"},
                ],
                "resources": [{"name": "r", "uri": "r://x", "call": "api.do"}],
            },
            {
                "type": "rest",
                "namespace": "front",
                "resources": [{"path": "/x/{path}", "forward": {"targetNamespace": "api"}}],
            },
        ],
    }
    capability = keyed(block={"type": "hoba"}, more=more)
    mcp, rest = capability.adapters
    units = [unit.plan for unit in (*mcp.units, *rest.units)] + [mcp.plan.resources[0].unit]
    assert [unit.action for unit in units] == [None] * 4
    assert all("is of the kind `hoba`, which can't be done" in unit.reason for unit in units)


@pytest.mark.parametrize("block", [{}, "none", None, {"type": "none"}, []])
def test_none_is_none(block):
    capability = keyed(block=block)
    assert "authorization" not in request_of(capability).headers
    assert not capability.errors


@pytest.mark.parametrize(
    ("operation", "block", "path", "reason"),
    [
        ({}, {"key": "api_key", "placement": "body"}, "/x", "a GET has no body"),
        ({"method": "HEAD"}, {"key": "api_key", "placement": "body"}, "/x", "a HEAD has no body"),
        (
            {"method": "POST", "body": {"type": "xml", "data": "<a/>"}},
            {"key": "api_key", "placement": "body"},
            "/x",
            "its body has no fields",
        ),
        (
            {"method": "POST", "body": {"type": "json", "data": [{"a": "{{x}}"}]}},
            {"key": "api_key", "placement": "body"},
            "/x",
            "its body has no fields",
        ),
        ({}, {"key": "token", "placement": "path"}, "/x/{other}", "its path has no `{token}`"),
    ],
)
def test_an_operation_without_a_place_for_the_credential_is_not_executable(operation, block, path, reason):
    capability = keyed(operation, block=block, path=path)
    assert "unplaced-credential" in rules(capability)
    assert reason in capability.units[0].reason


def test_a_get_that_declares_a_body_has_one():
    operation = {"inputParameters": [{"name": "a", "in": "body"}, {"name": "b", "in": "body"}]}
    request = request_of(keyed(operation, block={"key": "api_key", "placement": "body"}))
    assert (request.method, json.loads(request.content)) == ("GET", {"api_key": KEY})


@pytest.mark.parametrize("place", ["header", "query", "cookie", "body", "path"])
def test_a_variable_without_a_value_sends_nothing(place):
    sent = []
    block = {"type": "apikey", "key": "token", "value": "{{NOWHERE}}", "placement": place}
    capability = keyed(
        {"method": "POST"}, block=block, path="/{token}" if place == "path" else "/x", handler=sent.append
    )
    assert list(capability.missing_variables()) == ["NOWHERE"]
    with pytest.raises(MissingVariable, match="NOWHERE"):
        request_of(capability)


# Nobody sees it


@pytest.mark.parametrize("place", ["header", "query", "cookie", "body", "path"])
@pytest.mark.parametrize("value", ["{{env.ODD}}", "plain-in-the-file"])
async def test_whatever_an_upstream_repeats_is_hidden(place, value):
    """Also where the variable's own name doesn't say that it is secret."""
    secret = "plain-in-the-file" if "plain" in value else "odd/valüe"
    seen = []

    def repeat(request):
        seen.append(f"{request.url} {request.headers} {request.content.decode()}")
        return httpx.Response(400, json={"message": f"no: {secret} {httpx.QueryParams({'k': secret})}"})

    block = {"type": "apikey", "key": "token", "value": value, "placement": place}
    capability = consuming(
        {"method": "POST"},
        path="/{token}" if place == "path" else "/x",
        api={"authentication": block},
        environment={"ODD": secret},
        handler=repeat,
    )
    with pytest.raises(CallError) as caught:
        await capability.units[0].run({})
    redact = capability.variables.redactor.redact
    assert seen
    assert secret not in redact(caught.value.response.text)
    assert httpx.QueryParams({"k": secret}).__str__() not in redact(caught.value.response.text)


async def test_the_operators_key_has_every_placement():
    for place in ("header", "query", "cookie", "body", "path"):
        ours = {"authentication": {"api": ApiKeyAuthentication(key="token", value="{{K}}", placement=place)}}
        capability = consuming({"method": "POST"}, path="/{token}", variables=GIVEN, **ours)
        given = {} if place == "path" else {"token": "x"}
        request = request_of(capability, given)
        shown = f"{request.url} {request.headers.raw} {request.content.decode()}"
        assert shown.count("s3cr3t") == 1
