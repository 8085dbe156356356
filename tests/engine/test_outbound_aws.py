"""AWS Signature 4 out: where keys come from, what is signed, and a server that checks what it gets."""

from __future__ import annotations

import hashlib

import httpx
import pytest
from consuming import consuming, request_of

import naftiko
from naftiko.engine.settings import Settings
from naftiko.ground.errors import MissingVariable, UpstreamStatus

KEYS = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "a-secret-of-aws"}
USUAL = {**KEYS, "AWS_REGION": "eu-west-1"}
SQS = {"type": "awsSigV4", "service": "sqs"}
S3 = {"type": "aws-sig-v4", "service": "s3", "region": "eu-west-1"}
POST = {"method": "POST", "inputParameters": [{"name": "n", "in": "body"}]}


def signed(authentication, operation=None, *, environment=None, **more):
    return consuming(
        operation,
        api={"authentication": authentication, "baseUri": "https://api.example/v1"},
        environment=USUAL if environment is None else environment,
        **more,
    )


def rules(capability):
    return [found.rule for found in capability.diagnostics if found.severity.name == "ERROR"]


def credential_of(request: httpx.Request) -> str:
    return request.headers["authorization"].partition("Credential=")[2].partition(",")[0]


@pytest.mark.parametrize("kind", ["awsSigV4", "aws-sig-v4", "sigv4", "SigV4", "aws_sigv4"])
def test_its_spellings(kind):
    capability = signed({**SQS, "type": kind})
    assert rules(capability) == []
    assert request_of(capability).headers["authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/")


@pytest.mark.parametrize(
    ("keys", "environment", "expected", "token"),
    [
        ({}, USUAL, "AKIDEXAMPLE/eu-west-1", None),
        ({}, {**KEYS, "AWS_DEFAULT_REGION": "us-east-2"}, "AKIDEXAMPLE/us-east-2", None),
        ({}, {**USUAL, "AWS_SESSION_TOKEN": "t0ken"}, "AKIDEXAMPLE/eu-west-1", "t0ken"),
        ({"region": "{{HERE}}"}, {**USUAL, "HERE": "af-south-1"}, "AKIDEXAMPLE/af-south-1", None),
        (
            {"accessKeyId": "AKIDOTHER", "secretAccessKey": "{{OTHER}}"},
            {**USUAL, "AWS_SESSION_TOKEN": "of the other pair", "OTHER": "s"},
            *("AKIDOTHER/eu-west-1", None),
        ),
        (
            {"access_key_id": "AKIDOTHER", "secretKey": "{{OTHER}}", "session-token": "{{SESSION}}"},
            {**USUAL, "OTHER": "s", "SESSION": "t"},
            *("AKIDOTHER/eu-west-1", "t"),
        ),
    ],
)
def test_where_keys_come_from(keys, environment, expected, token):
    request = request_of(signed({**SQS, **keys}, environment=environment))
    key, day, region, service, end = credential_of(request).split("/")
    assert f"{key}/{region}" == expected
    assert (service, end, len(day)) == ("sqs", "aws4_request", 8)
    assert request.headers.get("x-amz-security-token") == token


@pytest.mark.parametrize("name", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"])
def test_a_variable_without_a_value_is_told(name):
    capability = signed(SQS, environment={key: value for key, value in USUAL.items() if key != name})
    with pytest.raises(MissingVariable, match=name):
        request_of(capability)


@pytest.mark.parametrize(
    ("block", "rule"),
    [
        ({"type": "awsSigV4"}, "incomplete-authentication"),
        ({**SQS, "accessKeyId": "AKID"}, "incomplete-authentication"),
        ({**SQS, "secretAccessKey": "{{S}}"}, "incomplete-authentication"),
        ({**SQS, "placement": "body"}, "unknown-placement"),
        ({**SQS, "payload": "perhaps"}, "incomplete-authentication"),
    ],
)
def test_what_lacks_a_part_is_told(block, rule):
    assert rules(signed(block)) == [rule, "blocked-call"]


def test_a_body_is_signed_and_s3_is_told_its_hash():
    request = request_of(signed(S3, POST), {"n": "1"})
    assert request.headers["x-amz-content-sha256"] == hashlib.sha256(request.content).hexdigest()
    assert "content-type;host;x-amz-content-sha256;x-amz-date" in request.headers["authorization"]
    assert "x-amz-content-sha256" not in request_of(signed(SQS, POST), {"n": "1"}).headers


def test_a_payload_may_be_left_out_of_the_signature():
    request = request_of(signed({**S3, "payload": "unsigned"}, POST), {"n": "1"})
    assert request.headers["x-amz-content-sha256"] == "UNSIGNED-PAYLOAD"


def test_a_signature_in_the_query():
    request = request_of(signed({**SQS, "placement": "query"}, environment={**USUAL, "AWS_SESSION_TOKEN": "t/k"}))
    assert list(request.url.params) == [
        *("X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires"),
        *("X-Amz-SignedHeaders", "X-Amz-Security-Token", "X-Amz-Signature"),
    ]
    assert request.url.params["X-Amz-Security-Token"] == "t/k"
    assert "authorization" not in request.headers


async def test_a_retry_after_rotation_and_a_redirect_are_signed_anew(monkeypatch):
    """A key that was replaced is refused once; then the variables are read anew."""
    environment = {**USUAL}
    sent: list[httpx.Request] = []

    def handler(request):
        sent.append(request)
        if not credential_of(request).startswith("AKIDNEW/"):
            environment["AWS_ACCESS_KEY_ID"] = "AKIDNEW"
            return httpx.Response(403, json={"Code": "InvalidAccessKeyId"})
        if request.url.path == "/v1/things":
            return httpx.Response(307, headers={"Location": "/v1/elsewhere?a=b"})
        return httpx.Response(200, json={"at": str(request.url)})

    capability = consuming(
        api={"authentication": SQS}, environment=environment, read_environment=lambda: environment, handler=handler
    )
    async with capability:
        answer = await capability.units[0].run({})
    assert [request.url.path for request in sent] == ["/v1/things", "/v1/things", "/v1/elsewhere"]
    assert len({request.headers["authorization"] for request in sent}) == 3
    assert b"elsewhere" in answer.content


async def test_neither_answers_nor_logs_show_a_signature_or_a_token():
    def handler(request):
        return httpx.Response(200, json={"headers": dict(request.headers)})

    capability = signed(SQS, environment={**USUAL, "AWS_SESSION_TOKEN": "a-t0ken-of-a-session"}, handler=handler)
    async with capability:
        answer = await capability.units[0].run({})
    text = answer.content.decode()
    assert "a-t0ken-of-a-session" not in text
    assert "Signature=***" in text
    assert "AKIDEXAMPLE" in text  # the name of a key is none


def test_answers_that_are_kept_are_of_one_session():
    def identity(**given):
        return signed(SQS, environment={**USUAL, **given}).upstreams["api"]._identity()

    assert len({identity(), identity(AWS_SESSION_TOKEN="t"), identity(AWS_ACCESS_KEY_ID="AKIDOTHER")}) == 3


# A server that checks signatures

CAPABILITY = """
naftiko: 1.0.0-alpha2
capability:
  consumes:
    - type: http
      namespace: store
      baseUri: BASE
      authentication: {type: awsSigV4, service: s3, region: us-east-1AUTH}
      resources:
        - path: /{bucket}
          operations:
            - {name: make, method: PUT, inputParameters: [{name: bucket, in: path}]}
            - name: list
              method: GET
              outputRawFormat: xml
              inputParameters: [{name: bucket, in: path}, {name: list-type, in: query}, {name: prefix, in: query}]
        - path: /{bucket}/{key}
          operations:
            - name: put
              method: PUT
              inputParameters: [{name: bucket, in: path}, {name: key, in: path}]
              body: {type: text/plain, data: "{{text}}"}
            - name: get
              method: GET
              outputRawFormat: text
              inputParameters: [{name: bucket, in: path}, {name: key, in: path}]
  exposes:
    - type: mcp
      namespace: tools
      port: 9090
      tools:
        - {name: make, description: Makes a bucket., call: store.make}
        - {name: list, description: Lists it., call: store.list, with: {list-type: "2"}}
        - {name: put, description: Puts a text., call: store.put}
        - {name: get, description: Gets it., call: store.get}
    - type: rest
      namespace: pass
      address: 127.0.0.1
      port: 8080
      resources:
        - path: /raw/{path+}
          forward: {targetNamespace: store, trustedHeaders: [Content-Type]}
"""


@pytest.fixture(scope="module")
def store():
    """A server as S3 is, with one user, that refuses whatever isn't signed as its own library signs it."""
    pytest.importorskip("moto")
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    try:
        iam = boto3.client(
            "iam", endpoint_url=url, region_name="us-east-1", aws_access_key_id="first", aws_secret_access_key="first"
        )
        iam.create_user(UserName="naftiko")
        allowed = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}'
        iam.put_user_policy(UserName="naftiko", PolicyName="all", PolicyDocument=allowed)
        key = iam.create_access_key(UserName="naftiko")["AccessKey"]
        httpx.post(f"{url}/moto-api/reset-auth", content=b"0").raise_for_status()
        yield url, {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
    finally:
        httpx.post(f"{url}/moto-api/reset-auth", content=b"inf")
        server.stop()


def of_store(store, auth="", **environment):
    url, keys = store
    text = CAPABILITY.replace("BASE", url).replace("AUTH", auth)
    return naftiko.loads(text, settings=Settings(environment={**keys, **environment}))


KEYS_OF_OBJECTS = ["plain.txt", "a b+c=d&e.txt", "ü/é.txt", "100%.txt", "a:b@c,(d)!.txt"]


@pytest.mark.parametrize("auth", ["", ", payload: unsigned"])  # of signatures in the query it reads none
async def test_a_real_server_takes_what_is_signed(store, auth):
    async with of_store(store, auth) as capability:
        tools = {unit.plan.name: unit for unit in capability.units}
        assert (await tools["make"].run({"bucket": "things"})).status == 200
        for key in KEYS_OF_OBJECTS:
            assert (await tools["put"].run({"bucket": "things", "key": key, "text": f"text of {key}"})).status == 200
            assert (await tools["get"].run({"bucket": "things", "key": key})).content.decode() == f"text of {key}"
        listed = await tools["list"].run({"bucket": "things", "prefix": "a b+c=d&"})
        assert b"a b+c=d&amp;e.txt" in listed.content or b"a b+c=d&e.txt" in listed.content


async def test_a_real_server_refuses_another_secret(store):
    async with of_store(store, AWS_SECRET_ACCESS_KEY="another one") as capability:
        unit = next(unit for unit in capability.units if unit.plan.name == "make")
        with pytest.raises(UpstreamStatus) as refused:
            await unit.run({"bucket": "others"})
        assert refused.value.response.status_code == 403


async def test_what_is_forwarded_is_signed_as_it_comes(store):
    """A body that is passed on while it comes is read first over plain http, where its hash is all that protects it."""
    async with of_store(store) as capability:
        app = naftiko.rest_app(capability)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1:8080") as client:
            assert (
                await client.put("/raw/forwarded", headers={"Authorization": "Bearer callers-own"})
            ).status_code == 200
            put = await client.put("/raw/forwarded/a.bin", content=b"x" * 100_000)
            assert put.status_code == 200
            assert (await client.get("/raw/forwarded/a.bin")).content == b"x" * 100_000
