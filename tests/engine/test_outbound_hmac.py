"""HMAC signatures by template: what is signed, where it goes, and templates that mean nothing."""

from __future__ import annotations

import base64
import hashlib
import hmac

import httpx
import pytest
from consuming import consuming, request_of

from naftiko.ground.errors import CallError

SECRET = "a-secret-that-signs"
GIVEN = {"S": SECRET, "ID": "key-1"}
POST = {"method": "POST", "inputParameters": [{"name": "n", "in": "body"}, {"name": "q", "in": "query"}]}
BLOCK = {
    "type": "hmac",
    "secret": "{{S}}",
    "keyId": "{{ID}}",
    "template": "{method}\n{host}\n{path}\n{query}\n{timestamp}\n{nonce}\n{keyId}\n{bodyHash}\n{header.content-type}",
    "headers": {"X-Key": "{keyId}", "X-Time": "{timestamp}", "X-Nonce": "{nonce}", "X-Sign": "v1={signature}"},
}


def signed(operation=None, *, environment=None, handler=None, read_environment=None, **keys):
    more = {"environment": environment or GIVEN, "read_environment": read_environment, "handler": handler}
    return consuming(operation, api={"authentication": {**BLOCK, **keys}}, **more)


def test_what_is_signed_is_what_is_sent():
    request = request_of(signed(POST), {"n": "ü", "q": "a b"})
    sent = request.headers
    assert sent["x-key"] == "key-1"
    parts = ["POST", "api.example", "/v1/things", "q=a%20b", sent["x-time"], sent["x-nonce"], "key-1"]
    text = "\n".join([*parts, hashlib.sha256(request.content).hexdigest(), "application/json"])
    assert sent["x-sign"] == f"v1={hmac.digest(SECRET.encode(), text.encode(), 'sha256').hex()}"


@pytest.mark.parametrize(("name", "size"), [("sha1", 20), ("HMAC-SHA256", 32), ("sha384", 48), ("SHA-512", 64)])
@pytest.mark.parametrize("encoding", ["hex", "base64", "base64url"])
def test_algorithms_and_encodings(name, size, encoding):
    headers = {"X-Sign": "{signature}"}
    request = request_of(signed(template="{method} {target}", algorithm=name, encoding=encoding, headers=headers))
    made = hmac.digest(SECRET.encode(), b"GET /v1/things", f"sha{name[-3:] if size > 20 else 1}")
    assert len(made) == size
    expected = {
        "hex": made.hex(),
        "base64": base64.b64encode(made).decode(),
        "base64url": base64.urlsafe_b64encode(made).decode().rstrip("="),
    }
    assert request.headers["x-sign"] == expected[encoding]


@pytest.mark.parametrize(("encoding", "text"), [("hex", "00ff10"), ("base64", "AP8Q")])
def test_a_secret_may_be_written_as_bytes(encoding, text):
    more = {"template": "{method}", "headers": {"X-Sign": "{signature}"}, "secretEncoding": encoding}
    request = request_of(signed(environment={**GIVEN, "S": text}, **more))
    assert request.headers["x-sign"] == hmac.digest(b"\x00\xff\x10", b"GET", "sha256").hex()
    with pytest.raises(CallError, match=f"is no {encoding}") as told:
        request_of(signed(environment={**GIVEN, "S": "no-such!"}, **more))
    assert "no-such" not in str(told.value)


def test_the_query_carries_it_and_braces_that_name_nothing_stay():
    request = request_of(
        signed(template='{"m": {method}}', headers={}, query={"ts": "{isoDate}", "sig": "{signature}"})
    )
    assert request.url.params["sig"] == hmac.digest(SECRET.encode(), b'{"m": GET}', "sha256").hex()
    assert request.url.params["ts"].endswith("Z")


def test_the_body_itself_and_its_hash():
    more = {"headers": {"X-Sign": "{signature}"}}
    request = request_of(signed(POST, template="{body}|{bodyHashBase64}", **more), {"n": "{method}"})
    hashed = base64.b64encode(hashlib.sha256(request.content).digest())
    made = hmac.digest(SECRET.encode(), request.content + b"|" + hashed, "sha256")
    assert request.headers["x-sign"] == made.hex()


@pytest.mark.parametrize(
    ("keys", "rule", "said"),
    [
        ({"secret": ""}, "incomplete-authentication", "`secret`"),
        ({"template": ""}, "incomplete-authentication", "`template`"),
        ({"headers": {"X-Key": "{keyId}"}}, "incomplete-authentication", "{signature}"),
        ({"template": "{methd}"}, "incomplete-authentication", "{methd}"),
        ({"template": "{method} {{ID}}"}, "incomplete-authentication", "a variable in `template`"),
        ({"headers": {"X-Sign": "{signature} {body}"}}, "incomplete-authentication", "{body}"),
        ({"headers": {"X Sign": "{signature}"}}, "unknown-placement", "X Sign"),
        ({"algorithm": "crc32"}, "unknown-authentication", "crc32"),
        ({"encoding": "morse"}, "unknown-authentication", "morse"),
    ],
)
def test_what_means_nothing_is_told(keys, rule, said):
    found = [each.message for each in signed(**keys).errors if each.rule == rule]
    assert any(said in message for message in found), signed(**keys).errors


async def test_a_retry_with_the_new_secret_is_signed_anew_and_answers_show_no_signature():
    environment = dict(GIVEN)
    sent: list[str] = []

    def handler(request):
        sent.append(request.headers["x-sign"])
        if environment["S"] == SECRET:
            environment["S"] = "the-secret-that-came-after"
            return httpx.Response(401)
        return httpx.Response(200, json=dict(request.headers))

    capability = signed(environment=environment, read_environment=lambda: environment, handler=handler)
    async with capability:
        text = (await capability.units[0].run({})).content.decode()
    assert len(set(sent)) == 2
    assert sent[1].partition("=")[2] not in text
    assert '"x-key":"key-1"' in text.replace(" ", "")
