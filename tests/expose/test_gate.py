"""The gate, one header at a time: which hosts and pages are welcome, and what the others are told."""

from __future__ import annotations

import logging

import pytest

from naftiko.expose.http.gate import Gate, host_pattern, origin_pattern


def refusal(gate: Gate, *headers: tuple[str, str], changes: bool = True):
    encoded = [(name.encode(), value.encode("latin-1")) for name, value in headers]
    return gate.refusal({"type": "http", "headers": encoded}, changes=changes)


LOCAL = ("host", "localhost:8080")
PLAIN = ("accept", "*/*")


@pytest.mark.parametrize(
    ("written", "compared"),
    [
        (" HTTPS://App.Example.com/ ", "https://app.example.com"),
        ("https://app.example.com:443", "https://app.example.com"),
        ("http://app.example.com:80/", "http://app.example.com"),
        ("http://app.example.com:443", "http://app.example.com:443"),
        ("https://app.example.com:8443", "https://app.example.com:8443"),
        ("https://*.Example.com", "https://*.example.com"),
        ("https://*.exämple.com", "https://*.exämple.com"),
        ("https://exämple.com", "https://xn--exmple-cua.com"),
        ("http://[::1]:3000", "http://[::1]:3000"),
        ("*", "*"),
        ("null", "null"),
        ("chrome-extension://abcdef", "chrome-extension://abcdef"),
    ],
)
def test_an_origin_is_compared_as_browsers_send_it(written, compared):
    assert origin_pattern(written) == compared


@pytest.mark.parametrize(
    "text", ["", "app.example.com", "https://", "https://a b", "https://a/path", "//a", "https://a:x"]
)
def test_what_no_browser_sends_is_no_origin(text):
    with pytest.raises(ValueError, match="is no web origin: one is like"):
        origin_pattern(text)


@pytest.mark.parametrize(
    ("written", "compared"),
    [
        (" MCP.Example.com ", "mcp.example.com"),
        ("a:8443", "a:8443"),
        ("*.exämple.com", "*.exämple.com"),
        ("exämple.com", "xn--exmple-cua.com"),
    ],
)
def test_a_host_is_compared_as_clients_send_it(written, compared):
    assert host_pattern(written) == compared


@pytest.mark.parametrize("text", ["", "http://a", "a b", "a/b", "[::1", "a:123456"])
def test_what_no_client_sends_is_no_host(text):
    with pytest.raises(ValueError, match="is no host: one is like"):
        host_pattern(text)


@pytest.mark.parametrize("changes", [True, False])
@pytest.mark.parametrize("headers", [[("host", "evil.example")], [], [("host", "")], [LOCAL, ("host", "evil.example")]])
def test_a_foreign_host_or_none_is_misdirected_whatever_is_asked(headers, changes):
    refused = refusal(Gate(), *headers, changes=changes)
    assert (refused.status, refused.kind) == (421, "foreign-host")


def test_without_the_guard_only_pages_that_change_something_are_looked_at():
    gate = Gate(guards_hosts=False)
    evil = ("host", "evil.example"), ("origin", "https://other.example")
    assert refusal(gate, *evil, changes=False) is None
    assert refusal(gate, evil[0]) is None
    assert refusal(gate) is None
    assert refusal(gate, *evil).status == 403
    assert refusal(gate, ("origin", "null")).status == 403  # no host is no page's own


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([], None),
        ([("origin", "http://localhost:3000")], None),
        ([("origin", "HTTPS://App.Example.com")], None),
        ([("origin", "https://evil.example")], 403),
        ([("origin", "https://app.example.com"), ("origin", "https://evil.example")], 403),
        ([("sec-fetch-site", "cross-site")], 403),
        ([("sec-fetch-site", "same-site")], 403),
        ([("sec-fetch-site", "Same-Origin")], None),
        ([("sec-fetch-site", "none")], None),
        ([("origin", "https://app.example.com"), ("sec-fetch-site", "cross-site")], None),
        ([("origin", "localhost")], 403),
        ([("origin", "http://[")], 403),
    ],
)
def test_a_foreign_page_may_change_nothing_and_read_anything(headers, status):
    gate = Gate(origins=["https://app.example.com"])
    refused = refusal(gate, LOCAL, *headers, PLAIN)
    assert (refused and (refused.status, refused.kind)) == (status and (status, "foreign-origin"))
    assert refusal(gate, LOCAL, *headers, changes=False) is None


@pytest.mark.parametrize(
    ("host", "origin", "welcome"),
    [
        ("mcp.example.com", "https://mcp.example.com", True),
        ("mcp.example.com:8443", "https://mcp.example.com:8443", True),
        ("MCP.example.com", "https://mcp.example.com", True),
        ("mcp.example.com", "https://mcp.example.com:8443", False),
        ("mcp.example.com", "https://example.com", False),
    ],
)
def test_a_page_of_the_very_host_that_is_called_is_welcome(host, origin, welcome):
    assert (refusal(Gate(hosts=["mcp.example.com"]), ("host", host), ("origin", origin)) is None) is welcome


@pytest.mark.parametrize(
    ("host", "welcome"),
    [("api", True), ("api:8080", True), ("API", True), ("api.evil", False), ("a" * 63, True), ("a" * 64, False)],
)
def test_a_name_without_a_dot_is_welcome_where_the_network_is_trusted(host, welcome):
    assert (refusal(Gate(takes_short_names=True), ("host", host)) is None) is welcome
    assert refusal(Gate(), ("host", host)).status == 421


@pytest.mark.parametrize(
    ("host", "welcome"),
    [
        ("[::1]", True),
        ("[::1]:8080", True),
        ("127.0.0.1:1", True),
        ("only.example:1", True),
        ("only.example:2", False),
        ("only.example", False),
        ("any.example:2", True),
        ("any.example:x", False),
        ("a.internal:3", True),
    ],
)
def test_hosts_are_names_at_any_port_or_at_one(host, welcome):
    gate = Gate(hosts=["only.example:1", "any.example", "*.internal"])
    assert (refusal(gate, ("host", host)) is None) is welcome


def test_a_host_that_was_right_is_right_again_however_many_there_were():
    gate = Gate(hosts=["*.example.com"])
    for _ in range(2):
        assert all(refusal(gate, ("host", f"h{at}.example.com")) is None for at in range(120))
        assert refusal(gate, ("host", "example.org")).status == 421
    assert len(gate._known_hosts) == 100  # of a pattern there is no end


@pytest.mark.parametrize(("length", "shown"), [(200, "a" * 200), (201, "a" * 200 + "…")])
def test_what_a_caller_wrote_is_told_on_one_line_of_bounded_length(length, shown):
    told = refusal(Gate(), ("host", "a" * length)).detail
    assert told == f'the host "{shown}" is not allowed; whoever runs this server allows it with --allow-host {shown}'
    assert '"a?b"' in refusal(Gate(), ("host", "a\x07b")).detail
    said = refusal(Gate(), LOCAL, ("sec-fetch-site", "x" * length)).detail
    assert said.endswith(f"(Sec-Fetch-Site: {'x' * 200}{'…' if length > 200 else ''})")


def test_the_log_tells_each_name_once_and_a_bounded_number_of_them(caplog):
    gate = Gate(origin_option="--cors-origin")
    with caplog.at_level(logging.WARNING, "naftiko"):
        for _ in range(2):
            refusal(gate, ("host", "one.example:1"))
            refusal(gate, LOCAL, ("origin", "https://two.example"))
        assert [record.getMessage() for record in caplog.records] == [
            'refused: the host "one.example:1" is not allowed; --allow-host one.example allows it',
            'refused: the origin "https://two.example" is not allowed; --cors-origin https://two.example allows it',
        ]
        for at in range(120):
            refusal(gate, ("host", f"h{at}.example"))
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == 100
    assert [at for at, text in enumerate(told, 1) if text.endswith("; more are refused without a word")] == [100]
