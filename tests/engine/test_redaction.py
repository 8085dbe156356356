"""Secrets never show: dry runs, mock mode, errors, logs (SEMANTICS 2)."""

from __future__ import annotations

import base64
import html
import io
import json
import logging
import pickle
import secrets
from urllib.parse import quote, quote_plus

import httpx
import pytest
from consuming import consuming, inputs
from hypothesis import given
from hypothesis import strategies as st

from naftiko.expose.http.problems import report
from naftiko.ground.errors import CallError
from naftiko.observe.logs import JsonFormatter, TextFormatter
from naftiko.observe.redaction import HIDDEN, Redactor, Secret

SECRET = 's3cr€t/+"\\ =x'
BIND = [{"namespace": "b", "keys": {"KEY": "KEY"}}]


async def mocked(operation=None, api=None):
    capability = consuming(operation, api=api, more={"binds": BIND}, environment={"KEY": SECRET}, mock=True)
    return (await capability.units[0].run({})).value


def assert_hidden(shown):
    """No spelling of the secret is in a text: as it is, percent-encoded, or as JSON has it."""
    text = shown if isinstance(shown, str) else json.dumps(shown, ensure_ascii=False)
    from urllib.parse import quote, quote_plus

    for spelling in (SECRET, quote(SECRET, safe=""), quote_plus(SECRET), json.dumps(SECRET)[1:-1], "s3cr"):
        assert spelling not in text, text


@pytest.mark.parametrize(
    "authentication",
    [
        {"type": "bearer", "token": "{{KEY}}"},
        {"type": "basic", "username": "u", "password": "{{KEY}}"},
        {"type": "apikey", "key": "X-Thing", "value": "{{KEY}}", "placement": "header"},
        {"type": "apikey", "key": "thing", "value": "{{KEY}}", "placement": "query"},
    ],
)
async def test_credentials_in_a_described_request(authentication):
    """Wherever it travels, and whatever its header or parameter is called."""
    shown = await mocked(api={"authentication": authentication})
    assert_hidden(shown)
    assert "***" in json.dumps(shown)


@pytest.mark.parametrize("kind", ["query", "header", "path"])
async def test_secret_values_of_parameters(kind):
    """By value, since a name such as `q` doesn't say that it is one."""
    secret = "s3cr-plain+x"
    parameter = {"name": "q", "in": kind, "value": "{{KEY}}"}
    capability = consuming(
        {"inputParameters": [parameter]},
        path="/x/{q}" if kind == "path" else "/x",
        more={"binds": BIND},
        environment={"KEY": secret},
        mock=True,
    )
    assert "s3cr" not in json.dumps((await capability.units[0].run({})).value)


@pytest.mark.parametrize("kind", ["json", "text", "xml", "formUrlEncoded"])
async def test_secret_values_in_bodies(kind):
    """However the body's type writes them."""
    data = {"v": "{{KEY}}"} if kind in {"json", "formUrlEncoded"} else "v={{KEY}}"
    assert_hidden(await mocked({"method": "POST", "body": {"type": kind, "data": data}}))


async def test_a_secret_parameter_by_its_name():
    """A caller's own token in the query, which no bind knows."""
    capability = consuming({"inputParameters": inputs("access_token", "q")}, mock=True)
    shown = (await capability.units[0].run({"access_token": "hunter22", "q": "seen"})).value
    assert shown["url"] == "https://api.example/v1/things?access_token=***&q=seen"


async def test_mock_mode_sends_nothing_and_needs_no_variable():
    """Anybody can try any capability: what is missing is its own name."""
    capability = consuming(
        {"inputParameters": inputs("q")},
        api={"baseUri": "https://{domain}/v1", "authentication": {"type": "bearer", "token": "{{KEY}}"}},
        handler=lambda _: pytest.fail("sent"),
        mock=True,
    )
    shown = (await capability.units[0].run({"q": "a b"})).value
    assert shown["method"] == "GET"
    assert shown["url"].endswith("/v1/things?q=a%20b")


async def test_an_upstreams_error_that_repeats_the_secret():
    """An upstream that echoes the request in its error does not leak it through us."""
    capability = consuming(
        api={"authentication": {"type": "apikey", "key": "X-Thing", "value": "{{KEY}}", "placement": "header"}},
        more={"binds": BIND},
        environment={"KEY": "s3cr-value"},
        handler=lambda _: httpx.Response(400, json={"message": "bad key s3cr-value"}),
    )
    with pytest.raises(CallError) as caught:
        await capability.units[0].run({})
    made = report(caught.value, capability.variables.redactor.redact)
    assert made.upstream_excerpt == "bad key ***"


@pytest.mark.parametrize("formatter", [TextFormatter, JsonFormatter])
def test_logs(formatter):
    """In messages, arguments, extras and tracebacks."""
    redactor = Redactor()
    redactor.learn(SECRET)
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter([redactor]))
    log = logging.Logger("naftiko.test")  # noqa: LOG001  # a logger of its own: no other handler sees the line
    log.addHandler(handler)
    try:
        {}[SECRET]
    except KeyError:
        log.exception("it was %s", SECRET, extra={"operation": f"api.{SECRET}"})
    assert_hidden(stream.getvalue())
    assert "***" in stream.getvalue()


def test_a_secret_can_not_be_printed():
    """Not by str, repr, format or pickle."""
    secret = Secret(SECRET)
    assert_hidden(f"{secret} {secret!r} {[secret]}")
    with pytest.raises(TypeError):
        pickle.dumps(secret)
    assert secret.reveal() == SECRET


def test_what_is_too_short_to_hide():
    """Hiding every `1` would hide the message."""
    redactor = Redactor()
    redactor.learn("1")
    assert redactor.redact("100 things") == "100 things"


@pytest.mark.parametrize(
    "shown",
    [
        lambda secret: quote(secret, safe=""),
        quote,
        lambda secret: quote(quote(secret, safe=""), safe=""),
        quote_plus,
        lambda secret: json.dumps({"a": secret}),
        lambda secret: json.dumps({"a": secret}).replace("/", "\\/"),
        lambda secret: json.dumps({"a": json.dumps({"b": secret})}),
        html.escape,
        lambda secret: base64.b64encode(f"user:{secret}".encode()).decode(),
        lambda secret: base64.b64encode(f"u:{secret}!".encode()).decode(),
        lambda secret: base64.urlsafe_b64encode(f"us:{secret}".encode()).decode(),
        lambda secret: f"a{secret.encode().hex()}",
        lambda secret: secret.encode().hex().upper(),
    ],
)
@given(secret=st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=9, max_size=40))
def test_a_secret_is_hidden_in_every_encoding(shown, secret):
    redactor = Redactor()
    redactor.learn(secret)
    text = shown(secret)
    hidden = redactor.redact(f"before {text} after")
    assert HIDDEN in hidden
    assert hidden.startswith("before ")
    assert hidden.endswith(" after")
    assert text not in hidden
    assert secret not in hidden


@pytest.mark.parametrize("secret", ["1", "ab", "k-1"])
def test_a_very_short_secret_is_hidden_where_it_stands_alone(secret):
    redactor = Redactor()
    redactor.learn(secret)
    assert redactor.redact(f"key={secret}&x=y, '{secret}'") == "key=***&x=y, '***'"
    assert redactor.redact(f"x{secret}y 0{secret}") == f"x{secret}y 0{secret}"


def test_what_is_known_of_single_calls_is_bounded_and_the_latest_of_it():
    redactor = Redactor()
    redactor.learn("a lasting secret")
    tokens = [secrets.token_urlsafe(300) for _ in range(500)]
    for token in tokens:
        redactor.learn(token, lasting=False)
        assert redactor.redact(f"x {token} a lasting secret") == "x *** ***"
    known = sum(len(spelling) for several in redactor._by_start.values() for spelling in several)
    assert known < 64 * 40 * 1000
    assert redactor.redact(tokens[0]) == tokens[0]


def test_a_token_that_is_used_again_and_again_stays_known():
    redactor = Redactor()
    for _ in range(300):
        redactor.learn("the token of every call", lasting=False)
        redactor.learn(secrets.token_urlsafe(30), lasting=False)
    assert redactor.redact("the token of every call") == "***"
