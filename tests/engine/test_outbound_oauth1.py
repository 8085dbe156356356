"""OAuth 1 out: the vectors of RFC 5849, and requests as a server of it checks them."""

from __future__ import annotations

import base64
import hashlib
import hmac
from urllib.parse import parse_qsl, unquote

import httpx
import pytest
from consuming import consuming, request_of
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from hypothesis import given, settings
from hypothesis import strategies as st

from naftiko.engine.authentication.oauth1 import base_string
from naftiko.ground.errors import CallError

HMAC = {"type": "oauth1", "consumerKey": "dpf43f3p2l4k3l03", "consumerSecret": "{{CONSUMER_SECRET}}"}
GIVEN = {"CONSUMER_SECRET": "kd94hf93k423kf44", "TOKEN_SECRET": "pfkkdhi9sl3r4s00"}
POST = {"method": "POST", "inputParameters": [{"name": "n", "in": "body"}]}
FORM = {"method": "POST", "body": {"type": "formUrlEncoded", "data": {"a b": "{{n}}"}}}


def signed(block, operation=None, *, path="/things", **more):
    more.setdefault("variables", GIVEN)
    return consuming(
        operation, path=path, api={"authentication": block, "baseUri": "http://photos.example.net"}, **more
    )


def protocol_of(request: httpx.Request) -> dict[str, str]:
    scheme, _, rest = request.headers["authorization"].partition(" ")
    assert scheme == "OAuth"
    pairs = (each.partition("=")[::2] for each in rest.split(", "))
    return {name: unquote(value.strip('"')) for name, value in pairs}


def signed_text(request: httpx.Request, protocol: dict[str, str], form=()) -> str:
    """What a server makes of a request to check its signature, by its own means."""
    own = [pair for pair in protocol.items() if pair[0] not in {"realm", "oauth_signature"}]
    return base_string(request.method, str(request.url), [*own, *form])


def test_the_base_string_of_chapter_3_4_1_1():
    protocol = [
        ("oauth_consumer_key", "9djdj82h48djs9d2"),
        ("oauth_token", "kkk9d7dh3k39sjv7"),
        ("oauth_signature_method", "HMAC-SHA1"),
        ("oauth_timestamp", "137131201"),
        ("oauth_nonce", "7d8f3e4a"),
    ]
    form = parse_qsl("c2&a3=2+q", keep_blank_values=True)
    url = "http://EXAMPLE.COM:80/request?b5=%3D%253D&a3=a&c%40=&a2=r%20b"
    assert base_string("post", url, [*protocol, *form]) == (
        "POST&http%3A%2F%2Fexample.com%2Frequest&a2%3Dr%2520b%26a3%3D2%2520q%26a3%3Da%26b5%3D%253D%25253D%26c%2540%3D%26"
        "c2%3D%26oauth_consumer_key%3D9djdj82h48djs9d2%26oauth_nonce%3D7d8f3e4a%26oauth_signature_method%3DHMAC-SHA1%26"
        "oauth_timestamp%3D137131201%26oauth_token%3Dkkk9d7dh3k39sjv7"
    )


@pytest.mark.parametrize(
    ("url", "method", "protocol", "keys", "expected"),
    [
        (
            *("http://photos.example.net/photos?file=vacation.jpg&size=original", "GET"),
            {"oauth_token": "nnch734d00sl2jdk", "oauth_timestamp": "137131202", "oauth_nonce": "chapoH"},
            *("kd94hf93k423kf44&pfkkdhi9sl3r4s00", "MdpQcU8iPSUjWoN/UDMsK2sui9I="),
        ),
        (
            *("https://photos.example.net/token", "POST"),
            {
                "oauth_token": "hh5s93j4hdidpola",
                "oauth_timestamp": "137131201",
                "oauth_nonce": "walatlh",
                "oauth_verifier": "hfdp7dh39dks9884",
            },
            *("kd94hf93k423kf44&hdhd0244k9j7ao03", "gKgrFCywp7rO0OXSjdot/IHF7IU="),
        ),
    ],
)
def test_the_requests_of_chapter_1_2(url, method, protocol, keys, expected):
    own = {"oauth_consumer_key": "dpf43f3p2l4k3l03", "oauth_signature_method": "HMAC-SHA1", **protocol}
    made = hmac.digest(keys.encode(), base_string(method, url, own.items()).encode(), "sha1")
    assert base64.b64encode(made).decode() == expected


def test_a_signed_request():
    block = {**HMAC, "token": "nnch734d00sl2jdk", "tokenSecret": "{{TOKEN_SECRET}}", "realm": "Photos"}
    request = request_of(signed(block, path="/photos?file=vacation.jpg&size=original"))
    protocol = protocol_of(request)
    assert list(protocol) == [
        *("realm", "oauth_consumer_key", "oauth_nonce", "oauth_signature_method", "oauth_timestamp", "oauth_token"),
        *("oauth_version", "oauth_signature"),
    ]
    made = hmac.digest(b"kd94hf93k423kf44&pfkkdhi9sl3r4s00", signed_text(request, protocol).encode(), "sha1")
    assert base64.b64decode(protocol["oauth_signature"]) == made


@settings(max_examples=150, deadline=None)
@given(
    method=st.sampled_from(["GET", "POST"]),
    names=st.lists(st.tuples(st.text(min_size=1, max_size=6), st.text(max_size=6)), max_size=4),
)
def test_any_query_is_signed_as_oauthlib_signs_it(method, names):
    signature = pytest.importorskip("oauthlib.oauth1.rfc5849.signature")
    from naftiko.expression.text import quoted

    pairs = [(a, b) for a, b in names if (a + b).isprintable()]
    query = "&".join(f"{quoted(name)}={quoted(value)}" for name, value in pairs)
    url = "https://api.example:8443/a%20b" + (f"?{query}" if query else "")
    protocol = [("oauth_nonce", "a b"), ("oauth_token", "ü")]
    normal = signature.normalize_parameters([*pairs, *protocol])
    theirs = signature.signature_base_string(method, signature.base_string_uri(url), normal)
    assert base_string(method, url, protocol) == theirs


@pytest.mark.parametrize("name", ["SHA1", "SHA256", "SHA512"])
def test_the_other_hashes(name):
    request = request_of(signed({**HMAC, "signatureMethod": f"hmac-{name.lower()}"}))
    protocol = protocol_of(request)
    assert protocol["oauth_signature_method"] == f"HMAC-{name}"
    text = signed_text(request, protocol).encode()
    expected = base64.b64encode(hmac.digest(b"kd94hf93k423kf44&", text, name.lower())).decode()
    assert protocol["oauth_signature"] == expected


def test_plaintext_is_the_secrets_themselves():
    protocol = protocol_of(request_of(signed({**HMAC, "signatureMethod": "PLAINTEXT"})))
    assert protocol["oauth_signature"] == "kd94hf93k423kf44&"


def test_a_form_is_signed():
    request = request_of(signed(HMAC, FORM, tool={"inputParameters": [{"name": "n"}]}), {"n": "ü&1"})
    protocol = protocol_of(request)
    form = parse_qsl(request.content.decode())
    assert form == [("a b", "ü&1")]
    text = signed_text(request, protocol, form).encode()
    expected = hmac.digest(b"kd94hf93k423kf44&", text, "sha1")
    assert base64.b64decode(protocol["oauth_signature"]) == expected


def test_the_query_carries_it():
    request = request_of(signed({**HMAC, "placement": "query"}))
    assert "authorization" not in request.headers
    assert {"oauth_signature", "oauth_nonce", "oauth_timestamp"} <= set(request.url.params)


# With a private key, as Mastercard wants it


@pytest.fixture(scope="module")
def key():
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem_of(key) -> str:
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


RSA = {
    "type": "oauth1",
    "consumerKey": "a!b",
    "signatureMethod": "RSA-SHA256",
    "privateKey": "{{KEY}}",
    "bodyHash": True,
}


def checked(request: httpx.Request, key) -> dict[str, str]:
    protocol = protocol_of(request)
    signature = base64.b64decode(protocol["oauth_signature"])
    text = signed_text(request, protocol).encode()
    key.public_key().verify(signature, text, padding.PKCS1v15(), hashes.SHA256())
    return protocol


@pytest.mark.parametrize("lines", [True, False])
def test_a_private_key_signs_the_request_and_the_hash_of_its_body(key, lines):
    text = pem_of(key) if lines else pem_of(key).replace("\n", "\\n")
    request = request_of(signed(RSA, POST, variables={"KEY": text}), {"n": "1"})
    protocol = checked(request, key)
    assert protocol["oauth_body_hash"] == base64.b64encode(hashlib.sha256(request.content).digest()).decode()
    assert protocol["oauth_consumer_key"] == "a!b"
    empty = checked(request_of(signed(RSA, variables={"KEY": text})), key)
    assert empty["oauth_body_hash"] == base64.b64encode(hashlib.sha256(b"").digest()).decode()


def test_a_keystore_of_a_file_and_the_one_that_replaces_it(key, tmp_path):
    file = tmp_path / "signing.p12"

    def keep(one):
        secret = serialization.BestAvailableEncryption(b"pw")
        file.write_bytes(pkcs12.serialize_key_and_certificates(b"alias", one, None, None, secret))

    keep(key)
    block = {**RSA, "keystore": str(file), "keystorePassword": "{{PW}}"}
    del block["privateKey"]
    capability = signed(block, variables={"PW": "pw"})
    checked(request_of(capability), key)
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    keep(other)
    checked(request_of(capability), other)


def test_what_is_no_key_is_told_and_not_shown(tmp_path):
    (tmp_path / "key.pem").write_text("-----BEGIN NOTHING")
    for text in ("-----BEGIN PRIVATE KEY----- s3cret", str(tmp_path / "none.pem"), str(tmp_path / "key.pem")):
        with pytest.raises(CallError, match="is no private key") as told:
            request_of(signed(RSA, variables={"KEY": text}))
        assert "s3cret" not in str(told.value)


@pytest.mark.parametrize(
    ("block", "rule"),
    [
        ({"type": "oauth1"}, "incomplete-authentication"),
        ({"type": "oauth1", "consumerKey": "a"}, "incomplete-authentication"),
        ({**HMAC, "signatureMethod": "RSA-SHA256"}, "incomplete-authentication"),
        ({**HMAC, "signatureMethod": "ROT13"}, "unknown-authentication"),
        ({**HMAC, "placement": "cookie"}, "unknown-placement"),
    ],
)
def test_what_cannot_be_done_is_told(block, rule):
    assert rule in [found.rule for found in signed(block).diagnostics]


async def test_answers_show_no_signature():
    capability = signed(HMAC, handler=lambda request: httpx.Response(200, json=dict(request.headers)))
    async with capability:
        text = (await capability.units[0].run({})).content.decode()
    assert 'oauth_signature=\\"***\\"' in text
