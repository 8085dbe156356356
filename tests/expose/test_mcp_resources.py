"""Resources: dynamic ones, templates, and directories that nobody gets out of."""

from __future__ import annotations

import base64

import pytest
from mcp.client import Client
from mcp_wire import HANDSHAKE, NEWEST
from starlette.responses import Response

from naftiko.testing import Fail

PNG = b"\x89PNG\r\n\x1a\n\x00"
CAPABILITY = """
naftiko: 1.0.0-alpha2
capability:
  consumes:
    - type: http
      namespace: data
      baseUri: http://unused.invalid
      resources:
        - path: /schema
          operations: [{name: schema, method: GET}]
        - path: /orgs/{org}/users/{user}
          operations: [{name: user, method: GET}]
        - path: /photos/{id}
          operations: [{name: photo, method: GET, outputRawFormat: binary}]
  exposes:
    - type: mcp
      namespace: data-mcp
      resources:
        - name: database-schema
          label: Database schema
          description: All tables
          uri: data://databases/main/schema
          mimeType: application/json
          call: data.schema
        - name: user
          label: A user
          description: One user of an organisation
          uri: data://orgs/{org}/users/{userId}
          call: data.user
          with: {org: "{{org}}", user: "{{userId}}"}
          inputParameters:
            - {name: org, type: string, description: The organisation, enum: [acme, apex, "b c"]}
            - {name: userId, type: string, description: The user}
          outputParameters: [{type: string, mapping: $.name}]
        - {name: photo, uri: "photos://library/{{id}}", description: A photo, call: data.photo}
        - {name: docs, label: Docs, uri: "docs://guide", description: The guide, location: "file://./docs"}
"""


@pytest.fixture
def docs(tmp_path):
    root = tmp_path / "docs"
    (root / "sub dir").mkdir(parents=True)
    (root / ".git").mkdir()
    (tmp_path / "docs-secret").mkdir()
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "docs-secret" / "x.md").write_text("secret")
    (root / "guide.md").write_text("\ufeff# Guide ä", encoding="utf-8")
    (root / "sub dir" / "deep.yaml").write_text("a: 1\n")
    (root / "pixel.png").write_bytes(PNG)
    (root / "latin.txt").write_bytes(b"\xe4")
    (root / ".env").write_text("TOKEN=secret")
    (root / ".git" / "config").write_text("secret")
    (root / "inside.md").symlink_to(root / "guide.md")
    (root / "outside.md").symlink_to(tmp_path / "secret.txt")
    (root / "loop").symlink_to(root / "loop")
    (root / "away").symlink_to(tmp_path / "docs-secret")
    (root / "up").symlink_to("..")
    return root


@pytest.fixture
async def url(serve, upstream, docs):
    upstream.on("GET", "/schema", {"tables": []})
    upstream.on("GET", "/orgs/{org}/users/{user}", {"name": "Alice"})
    upstream.on("GET", "/photos/{id}", lambda _request: Response(PNG, media_type="image/png"))
    return f"{await serve(CAPABILITY, base=upstream.url)}/mcp"


@pytest.fixture(params=[HANDSHAKE[0], "2025-11-25", NEWEST])
def at(request, wire, url):
    return wire(url, request.param)


async def test_lists_everything_that_has_no_variables_and_never_a_dot_file(at):
    listed = (await at.ask("resources/list"))["resources"]
    assert [(found["uri"], found["mimeType"]) for found in listed] == [
        ("data://databases/main/schema", "application/json"),
        ("docs://guide/guide.md", "text/markdown"),
        ("docs://guide/inside.md", "text/markdown"),
        ("docs://guide/latin.txt", "text/plain"),
        ("docs://guide/pixel.png", "image/png"),
        ("docs://guide/sub%20dir/deep.yaml", "application/yaml"),
    ]
    assert listed[0]["title"] == "Database schema"
    assert {found["description"] for found in listed[1:]} == {"The guide"}


async def test_lists_templates_with_single_braces(at):
    templates = (await at.ask("resources/templates/list"))["resourceTemplates"]
    assert [found["uriTemplate"] for found in templates] == [
        "data://orgs/{org}/users/{userId}",
        "photos://library/{id}",
    ]
    assert templates[0]["title"] == "A user"


async def test_reads_a_dynamic_resource(at):
    [content] = (await at.ask("resources/read", {"uri": "data://databases/main/schema"}))["contents"]
    assert content == {
        "uri": "data://databases/main/schema",
        "mimeType": "application/json",
        "text": '{"tables":[]}',
    }


async def test_a_template_decodes_each_variable_and_sends_it_as_one_segment(at, upstream):
    uri = "data://orgs/b%20c/users/x%2F..y%2Fz"
    [content] = (await at.ask("resources/read", {"uri": uri}))["contents"]
    assert content["text"] == '"Alice"'
    assert upstream.requests[-1].raw_path == "/orgs/b%20c/users/x%2F..y%2Fz"


async def test_binary_answers_are_blobs(at):
    [content] = (await at.ask("resources/read", {"uri": "photos://library/7"}))["contents"]
    assert (content["mimeType"], base64.b64decode(content["blob"])) == ("image/png", PNG)


@pytest.mark.parametrize(
    ("path", "media_type", "text"),
    [
        ("guide.md", "text/markdown", "# Guide ä"),
        ("inside.md", "text/markdown", "# Guide ä"),
        ("sub%20dir/deep.yaml", "application/yaml", "a: 1\n"),
    ],
)
async def test_reads_text_files(at, path, media_type, text):
    uri = f"docs://guide/{path}"
    [content] = (await at.ask("resources/read", {"uri": uri}))["contents"]
    assert content == {"uri": uri, "mimeType": media_type, "text": text}


@pytest.mark.parametrize(("name", "content"), [("pixel.png", PNG), ("latin.txt", b"\xe4")])
async def test_reads_what_is_no_text_as_blobs(at, name, content):
    [read] = (await at.ask("resources/read", {"uri": f"docs://guide/{name}"}))["contents"]
    assert base64.b64decode(read["blob"]) == content


@pytest.mark.parametrize(
    "uri",
    [
        "docs://guide",
        "docs://guide/",
        "docs://guide/absent.md",
        "docs://guide/sub%20dir",
        "docs://guide/.env",
        "docs://guide/.git/config",
        "docs://guide/outside.md",
        "docs://guide/loop",
        "docs://guide/away",
        "docs://guide/away/x.md",
        "docs://guide/up/secret.txt",
        "docs://guide/up",
        "docs://guide/%252e%252e/secret.txt",
        "docs://guide/sub%20dir/%2e%2e/guide.md",
        "docs://guide/guide.md/..",
        "docs://guide/guide.md%00",
        "docs://guide/" + "x" * 300,
        "docs://guide/" + "x/" * 3000,
        "docs://guide/../secret.txt",
        "docs://guide/%2e%2e/secret.txt",
        "docs://guide/..%2fsecret.txt",
        "docs://guide/sub%20dir/../../secret.txt",
        "docs://guide/..%5csecret.txt",
        "docs://guide//etc/passwd",
        "docs://guide/%00",
        "docs://guide-secret/x.md",
        "data://orgs/acme/users/a/b",
        "data://orgs/acme/users/",
        "data://orgs/acme/users/a?b",
        "data://unknown",
    ],
)
async def test_what_is_not_there_is_not_found_and_nothing_leaks(at, uri):
    error = await at.error("resources/read", {"uri": uri})
    assert error["code"] == (-32602 if at.version == NEWEST else -32002)
    assert error["message"].startswith(f"Resource not found: {uri}")
    assert error["data"] == {"uri": uri}
    assert "secret" not in error["message"].removeprefix(f"Resource not found: {uri}")


async def test_an_upstreams_404_is_not_found_too_and_says_why(at, upstream):
    upstream.misbehave(Fail(404, {"message": "no such user"}))
    error = await at.error("resources/read", {"uri": "data://orgs/acme/users/1"})
    assert error["code"] == -32002
    assert error["data"] == {"uri": "data://orgs/acme/users/1"}
    assert "404" in error["message"]
    assert "no such user" in error["message"]


async def test_every_file_of_a_directory_has_its_own_name_and_title(at):
    listed = (await at.ask("resources/list"))["resources"]
    files = {found["uri"]: found for found in listed if found["uri"].startswith("docs://")}
    assert len({found["name"] for found in files.values()}) == len(files) > 1
    assert len({found["title"] for found in files.values()}) == len(files)
    guide = files["docs://guide/guide.md"]
    assert (guide["name"], guide["title"]) == ("docs/guide.md", "Docs: guide.md")


async def test_other_failures_say_what_failed_and_are_no_http_error(at, upstream):
    upstream.misbehave(Fail(500, {"message": "broken"}))
    answer = await at.post("resources/read", {"uri": "data://databases/main/schema"})
    assert answer.status_code == 200
    error = answer.json()["error"]
    assert error["code"] == -32000
    assert "The upstream said: broken" in error["message"]


async def test_a_variable_outside_its_enum_is_refused(at, upstream):
    upstream.clear()
    error = await at.error("resources/read", {"uri": "data://orgs/other/users/1"})
    assert error["code"] == -32602
    assert "`org` must be one of: acme, apex, b c" in error["message"]
    assert upstream.requests == []


async def test_completes_variables_from_their_enum(at):
    async def complete(name, value, uri="data://orgs/{org}/users/{userId}"):
        params = {"ref": {"type": "ref/resource", "uri": uri}, "argument": {"name": name, "value": value}}
        return (await at.ask("completion/complete", params))["completion"]

    assert await complete("org", "A") == {"values": ["acme", "apex"], "total": 2, "hasMore": False}
    assert (await complete("userId", "a"))["values"] == []
    params = {"ref": {"type": "ref/resource", "uri": "data://x/{y}"}, "argument": {"name": "y", "value": ""}}
    assert (await at.error("completion/complete", params))["code"] == -32602


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_the_official_client_reads_them(url, mode):
    async with Client(url, mode=mode) as client:
        assert client.server_capabilities.resources is not None
        assert client.server_capabilities.tools is None
        assert len((await client.list_resources()).resources) == 6
        read = await client.read_resource("docs://guide/guide.md")
    assert read.contents[0].text == "# Guide ä"
