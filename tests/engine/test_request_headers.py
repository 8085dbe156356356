"""Headers and cookies of an upstream request (SEMANTICS 4.2)."""

from __future__ import annotations

import pytest
from consuming import consuming, inputs, request_of

from naftiko.ground.errors import InputError


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\nb", "a\rb", "a\0b"])
@pytest.mark.parametrize("where", ["value", "element"])
def test_line_breaks_in_a_header_are_refused(value, where):
    """They would start another header, or another request."""
    capability = consuming(
        {"inputParameters": inputs(**{"X-Tag": "array" if where == "element" else "string"}, location="header")}
    )
    with pytest.raises(InputError, match="line break") as caught:
        request_of(capability, {"X-Tag": [value] if where == "element" else value})
    assert caught.value.problems[0].location == "header"


def test_a_header_may_hold_any_character():
    """Text beyond ASCII goes out as UTF-8; spaces at the ends don't."""
    capability = consuming({"inputParameters": inputs("X-Name", location="header")})
    request = request_of(capability, {"X-Name": " Lindstrøm 船 "})
    assert dict(request.headers.raw)[b"X-Name"] == "Lindstrøm 船".encode()


def test_values_of_headers_are_written_as_text():
    """Arrays are joined by commas, booleans are words, absent ones send no empty header."""
    types = {"X-Tags": "array", "X-On": "boolean", "X-None": "string"}
    capability = consuming({"inputParameters": inputs(**types, location="header")})
    headers = request_of(capability, {"X-Tags": ["a", 1], "X-On": False}).headers
    assert (headers["x-tags"], headers["x-on"], "x-none" in headers) == ("a,1", "false", False)


@pytest.mark.parametrize("name", ["Connection", "Host", "Content-Length", "Transfer-Encoding", "TE", "Upgrade"])
def test_headers_of_the_connection_are_no_parameters(name):
    """They are told as a warning and never sent as the file says."""
    capability = consuming({"inputParameters": [{"name": name, "in": "header", "value": "evil"}]})
    assert "evil" not in request_of(capability).headers.values()
    assert any(found.rule == "forbidden-header" for found in capability.diagnostics)


@pytest.mark.parametrize(
    "name", ["Accept", "User-Agent", "If-Match", "Accept-Language", "Content-Type", "Authorization"]
)
def test_every_other_header_may_be_a_parameter(name):
    """Also those that the reference engine's HTTP library drops."""
    capability = consuming({"inputParameters": inputs(name, location="header")})
    assert request_of(capability, {name: "x/y"}).headers[name] == "x/y"


def test_a_request_accepts_anything_unless_the_file_says_what():
    """One Accept, not two."""
    assert request_of(consuming()).headers.get_list("accept") == ["*/*"]
    named = consuming({"inputParameters": [{"name": "accept", "in": "header", "value": "text/csv"}]})
    assert request_of(named).headers.get_list("accept") == ["text/csv"]


def test_cookies_share_one_header():
    """What may not stand in a cookie is encoded, so that none starts another one; what may stays as it is."""
    capability = consuming({"inputParameters": inputs("session", "theme", location="cookie")})
    headers = request_of(capability, {"session": "a; admin=1", "theme": "é"}).headers
    assert headers["cookie"] == "session=a%3B%20admin=1; theme=%C3%A9"
    headers = request_of(capability, {"session": "YWI+/w==", "theme": "a%3D"}).headers
    assert headers["cookie"] == "session=YWI+/w==; theme=a%3D"


def test_headers_have_one_value_whatever_their_case():
    """An inner level wins over an outer one of the same name in another case."""
    capability = consuming(
        {"inputParameters": [{"name": "x-version", "in": "header", "value": "2"}]},
        api={"inputParameters": [{"name": "X-Version", "in": "header", "value": "1"}]},
    )
    assert request_of(capability).headers.get_list("x-version") == ["2"]


def test_the_credential_is_not_asked_of_an_agent():
    """A header parameter that carries it is no input of a tool, and ours is sent once."""
    capability = consuming(
        {"inputParameters": inputs("Authorization", "X-Other", location="header")},
        api={"authentication": {"type": "bearer", "token": "ours"}},
    )
    assert [found.name for found in capability.units[0].inputs] == ["X-Other"]
    assert request_of(capability).headers.get_list("authorization") == ["Bearer ours"]
