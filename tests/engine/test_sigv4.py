"""AWS Signature Version 4 as arithmetic: what AWS publishes, and whatever its own signer makes of any request."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from unittest import mock
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from naftiko.engine.authentication.sigv4 import UNSIGNED_PAYLOAD, Asked, Signer

WHEN = datetime(2015, 8, 30, 12, 36, 0, tzinfo=UTC)
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"


def digest(body: bytes = b"") -> str:
    return hashlib.sha256(body).hexdigest()


def signature(headers) -> str:
    return dict(headers)["Authorization"].rpartition("Signature=")[2]


# The test suite of AWS, and the examples of its pages


@pytest.mark.parametrize(
    ("method", "path", "headers", "expected"),
    [
        ("GET", "/", [], "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        (
            "GET",
            "/?Param2=value2&Param1=value1",
            [],
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        ),
        ("POST", "/", [], "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
        ("GET", "/example/..", [], "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        ("GET", "//", [], "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
    ],
    ids=["get-vanilla", "get-vanilla-query-order-key-case", "post-vanilla", "get-relative", "get-slash"],
)
def test_the_suite_of_aws(method, path, headers, expected):
    signer = Signer("us-east-1", "service", "AKIDEXAMPLE", SECRET, "", WHEN)
    made = signer.headers(Asked(method, f"https://example.amazonaws.com{path}", headers, digest()))
    assert signature(made) == expected


def test_the_example_of_iam():
    signer = Signer("us-east-1", "iam", "AKIDEXAMPLE", SECRET, "", WHEN)
    url = "https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08"
    kind = ("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
    made = signer.headers(Asked("GET", url, [kind], digest()))
    assert dict(made) == {
        "X-Amz-Date": "20150830T123600Z",
        "Authorization": "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, "
        "SignedHeaders=content-type;host;x-amz-date, "
        "Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
    }


S3 = Signer(
    "us-east-1",
    "s3",
    "AKIAIOSFODNN7EXAMPLE",
    "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "",
    datetime(2013, 5, 24, tzinfo=UTC),
)
BUCKET = "https://examplebucket.s3.amazonaws.com"


@pytest.mark.parametrize(
    ("method", "path", "headers", "body", "expected"),
    [
        (
            *("GET", "/test.txt", [("Range", "bytes=0-9")], b""),
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
        ),
        (
            *("PUT", "/test%24file.text"),
            [("Date", "Fri, 24 May 2013 00:00:00 GMT"), ("x-amz-storage-class", "REDUCED_REDUNDANCY")],
            *(b"Welcome to Amazon S3.", "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"),
        ),
        ("GET", "/?lifecycle", [], b"", "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
        ("GET", "/?max-keys=2&prefix=J", [], b"", "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"),
    ],
)
def test_the_examples_of_s3(method, path, headers, body, expected):
    assert signature(S3.headers(Asked(method, BUCKET + path, headers, digest(body)))) == expected


def test_the_example_of_a_signed_url():
    made = S3.query(Asked("GET", f"{BUCKET}/test.txt", [], UNSIGNED_PAYLOAD), 86400)
    assert dict(made)["X-Amz-Signature"] == "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"


# Any request, as the signer of AWS signs it

PIECES = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=8)
VALUES = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20).map(str.strip)
NAMES = st.sampled_from(["Content-Type", "X-Amz-Target", "x-custom", "Accept", "If-Match", "Content-MD5"])


@settings(max_examples=300, deadline=None)
@given(
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "HEAD"]),
    segments=st.lists(st.one_of(PIECES, st.sampled_from([".", "..", "", "a b", "ü", "%", "+"])), max_size=5),
    pairs=st.lists(st.tuples(PIECES.filter(bool), PIECES), max_size=5),
    headers=st.dictionaries(NAMES, VALUES, max_size=4),
    body=st.binary(max_size=40),
    service=st.sampled_from(["execute-api", "s3", "sqs"]),
    token=st.sampled_from(["", "a/session+token=="]),
    port=st.sampled_from(["", ":8443", ":443"]),
    in_query=st.booleans(),
)
def test_any_request_is_signed_as_botocore_signs_it(  # noqa: PLR0917  # what a request has
    method, segments, pairs, headers, body, service, token, port, in_query
):
    botocore = pytest.importorskip("botocore.auth")
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    if in_query:  # botocore moves the body there, too, which is its callers' wish and no part of a signature
        body = b""
        pairs = [*dict(pairs).items()]  # nor does it know two of a name there
    if service == "s3":  # a key's slash is a slash, which botocore never has encoded
        segments = [each.replace("/", "") for each in segments]
    path = "/" + "/".join(quote(each, safe="-_.~") for each in segments)
    query = "&".join(f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}" for name, value in pairs)
    url = f"https://host.example{port}{path}" + (f"?{query}" if query else "")
    theirs = AWSRequest(method=method, url=url, headers=dict(headers), data=body)
    kinds = {
        (False, False): botocore.SigV4Auth,
        (True, False): botocore.S3SigV4Auth,
        (False, True): botocore.SigV4QueryAuth,
        (True, True): botocore.S3SigV4QueryAuth,
    }
    auth = kinds[service == "s3", in_query](Credentials("AKID", SECRET, token or None), service, "eu-west-1")
    with mock.patch.object(botocore, "get_current_datetime", return_value=WHEN.replace(tzinfo=None)):
        auth.add_auth(theirs)
    payload = UNSIGNED_PAYLOAD if in_query and service == "s3" else digest(body)
    signer = Signer("eu-west-1", service, "AKID", SECRET, token, WHEN)
    asked = Asked(method, url, [*headers.items()], payload)
    if in_query:
        assert f"X-Amz-Signature={dict(signer.query(asked, 3600))['X-Amz-Signature']}" in theirs.url
    else:
        assert signature(signer.headers(asked)) == signature(theirs.headers)
