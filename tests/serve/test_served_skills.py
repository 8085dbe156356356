"""Skills as their users see them: a catalogue over HTTP, the same skills in an MCP server, folders that agents load.

Paths, statuses and keys of the catalogue are those that the reference engine answers; ``docs/skills.md`` has what differs.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import io
import os
import signal
import socket
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from served import LIMIT, Served, get, run, served

from naftiko.testing import StandInUpstream

sys.path.append(str(Path(__file__).parents[1] / "expose"))
from mcp_wire import NEWEST, Wire  # where the tests of MCP are

FILE = """\
naftiko: 1.0.0-beta5
info: {{label: Orders, description: Orders of a shop., tags: [shop]}}
consumes:
- type: http
  namespace: api
  baseUri: {upstream}
  resources:
  - path: /orders/{{{{id}}}}
    operations:
    - name: get
      method: GET
      inputParameters: [{{name: id, in: path, type: string, required: true, description: Which order.}}]
exposes:
- type: rest
  namespace: rest-ns
  resources: [{{name: ok, path: "/orders/{{id}}", operations: [{{name: ok, method: GET, description: An order., call: api.get}}]}}]
- type: mcp
  namespace: mcp-ns
  ttlMs: 60000
  cacheScope: public
  {mcp}
  tools: [{{name: ok, description: An order., call: api.get}}]
- type: skill
  namespace: sk
  description: skills
  {skill}
  skills:
    order-management:
      description: Tools for managing orders
      license: Apache-2.0
      compatibility: any
      metadata: {{author: me, n: 5}}
      location: file://orders
      allowed-tools: list-orders
      argument-hint: Use it
      user-invocable: true
      disable-model-invocation: false
      tools:
        list-ok: {{description: List ok, from: {{sourceNamespace: rest-ns, action: ok}}}}
        tool-ok: {{description: Tool ok, from: {{sourceNamespace: mcp-ns, action: ok}}}}
        guide: {{description: Guide, instruction: order-guide.md}}
    onboarding: {{description: No tools}}
    no-dir: {{description: dir missing, location: file://nope}}
{more}
"""
PORTS = ("--port", "rest=0", "--port", "mcp=0", "--port", "skill=0", "--port", "control=0")
READY = ("rest ", "mcp ", "skill ")
FILES = {
    "SKILL.md": b"---\nname: order-management\ndescription: Manage orders\nversion: 1.10\nmetadata: {n: 3}\n---\n# Orders\n",
    "order-guide.md": b"# Guide\n",
    "no ext": b"no ext",
    "p.png": b"\x89PNG",
    "run.py": b"print(1)\n",
    "sub/data.json": b'{"a":1}\n',
    "sub/b.txt": b"\xef\xbb\xbfwith a mark\n",
    "t.csv": b"x,y\n",
}


@pytest.fixture(scope="module")
def upstream() -> Iterator[StandInUpstream]:
    with StandInUpstream() as stand_in:
        stand_in.on("GET", "/orders/7", {"order": 7})
        yield stand_in


def write(directory: Path, upstream: StandInUpstream, *, mcp: str = "", skill: str = "", more: str = "") -> Path:
    """Write a capability, with the files of its skill: one is hidden, and two links lead somewhere else."""
    for name, content in FILES.items():
        path = directory / "orders" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        os.utime(path, (1_000_000_000, 1_000_000_000))
    (directory / "orders" / ".hidden").write_text("hid")
    (directory / "secret.txt").write_text("nobody may read this")
    for link, target in {"out.txt": "../secret.txt", "up": ".."}.items():
        (directory / "orders" / link).symlink_to(target)
    path = directory / "orders.yaml"
    path.write_text(FILE.format(upstream=upstream.url, mcp=mcp, skill=skill, more=more))
    return path


@pytest.fixture(scope="module", params=["1", "2"], ids=["one process", "two workers"])
def running(request, tmp_path_factory, upstream) -> Iterator[Served]:
    path = write(tmp_path_factory.mktemp("skills"), upstream)
    with served(path, *PORTS, "--workers", request.param, ready=READY) as found:
        yield found


def of(running: Served) -> str:
    return running.url("skill").removesuffix("/skills")


def asked(running: Served, path: str, **options: Any) -> httpx.Response:
    return get(of(running) + path, **options)


# --- the catalogue ------------------------------------------------------------------------------------------------


def test_it_is_announced_with_where_it_is(running):
    (line,) = [each for each in running.lines if each.startswith("skill ")]
    assert "/skills  3 skills  sk (Orders)" in line


@pytest.mark.parametrize("path", ["/skills", "/sk/skills", "/skills?x=1"])
def test_the_catalogue_names_all_skills(running, path):
    answer = asked(running, path)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert answer.json() == {
        "count": 3,
        "skills": [
            {
                "name": "order-management",
                "description": "Tools for managing orders",
                "license": "Apache-2.0",
                "tools": ["list-ok", "tool-ok", "guide"],
            },
            {"name": "onboarding", "description": "No tools", "tools": []},
            {"name": "no-dir", "description": "dir missing", "tools": []},
        ],
    }


def test_a_skill_says_what_the_file_says_and_where_its_tools_are(running, upstream):
    shown = asked(running, "/skills/order-management").json()
    tools = shown.pop("tools")
    assert list(shown.items()) == [
        ("name", "order-management"),
        ("description", "Tools for managing orders"),
        ("license", "Apache-2.0"),
        ("compatibility", "any"),
        ("argument-hint", "Use it"),
        ("allowed-tools", "list-orders"),
        ("user-invocable", True),
        ("disable-model-invocation", False),
        ("metadata", {"author": "me", "n": "5"}),
    ]
    schemas = [tool.pop("inputSchema", None) for tool in tools]
    assert tools == [
        {
            "name": "list-ok",
            "description": "List ok",
            "type": "derived",
            "invocationRef": {"targetNamespace": "rest-ns", "action": "ok", "mode": "rest"},
        },
        {
            "name": "tool-ok",
            "description": "Tool ok",
            "type": "derived",
            "invocationRef": {"targetNamespace": "mcp-ns", "action": "ok", "mode": "mcp"},
        },
        {"name": "guide", "description": "Guide", "type": "instruction", "instruction": "order-guide.md"},
    ]
    assert schemas[2] is None
    assert schemas[0]["properties"]["id"] == schemas[1]["properties"]["id"]
    assert schemas[0]["required"] == ["id"]
    assert get(f"{running.rest}/orders/7").json() == {"order": 7}  # what the first one refers to


def test_what_is_not_said_is_not_shown(running):
    assert asked(running, "/skills/onboarding").json() == {
        "name": "onboarding",
        "description": "No tools",
        "tools": [],
    }


def test_the_contents_are_every_file_but_hidden_ones_and_what_links_lead_out_to(running):
    shown = asked(running, "/skills/order-management/contents").json()
    assert shown["name"] == "order-management"
    assert [(file["path"], file["size"], file["type"]) for file in shown["files"]] == [
        ("SKILL.md", len(FILES["SKILL.md"]), "text/markdown"),
        ("no ext", 6, "application/octet-stream"),
        ("order-guide.md", 8, "text/markdown"),
        ("p.png", 4, "image/png"),
        ("run.py", 9, "text/x-python"),
        ("sub/b.txt", len(FILES["sub/b.txt"]), "text/plain"),
        ("sub/data.json", 8, "application/json"),
        ("t.csv", 4, "text/csv"),
    ]


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_sent_as_it_is(running, name):
    answer = asked(running, f"/skills/order-management/contents/{name.replace(' ', '%20')}")
    assert (answer.status_code, answer.content) == (200, FILES[name])
    assert answer.headers["last-modified"] == "Sun, 09 Sep 2001 01:46:40 GMT"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]
    tag = answer.headers["etag"]
    again = asked(
        running, f"/skills/order-management/contents/{name.replace(' ', '%20')}", headers={"if-none-match": tag}
    )
    assert (again.status_code, again.content) == (304, b"")


def test_a_skill_without_a_directory_has_a_skill_file_of_its_declaration(running):
    files = asked(running, "/skills/onboarding/contents").json()["files"]
    text = asked(running, "/skills/onboarding/contents/SKILL.md")
    assert files == [{"path": "SKILL.md", "size": len(text.content), "type": "text/markdown"}]
    assert text.text.startswith("---\nname: onboarding\ndescription: No tools\n---\n")
    etag = text.headers["etag"]
    assert asked(running, "/skills/onboarding/contents/SKILL.md", headers={"if-none-match": etag}).status_code == 304


def zipped(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def test_the_archive_has_all_files(running):
    answer = asked(running, "/skills/order-management/download")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/zip")
    assert answer.headers["content-disposition"] == 'attachment; filename="order-management.zip"'
    assert zipped(answer.content) == FILES
    assert list(zipped(asked(running, "/skills/onboarding/download").content)) == ["SKILL.md"]


@pytest.mark.parametrize(
    ("path", "detail"),
    [
        ("/skills/nope", "Skill not found: nope"),
        ("/skills/nope/contents", "Skill not found: nope"),
        ("/skills/nope/download", "Skill not found: nope"),
        ("/skills/no-dir/contents", "Location directory not found for skill: no-dir"),
        ("/skills/no-dir/contents/SKILL.md", "Location directory not found for skill: no-dir"),
        ("/skills/no-dir/download", "Location directory not found for skill: no-dir"),
        ("/skills/onboarding/contents/x.md", "File not found: x.md"),
        ("/skills/order-management/contents/nope.md", "File not found: nope.md"),
        ("/skills/order-management/contents/sub", "File not found: sub: it is a directory, not a file"),
        ("/skills/order-management/contents/.hidden", "File not found: .hidden: its path is not allowed"),
        ("/skills/order-management/contents/out.txt", "File not found: out.txt"),
        ("/skills/order-management/contents/up/secret.txt", "File not found: up/secret.txt"),
        ("/skills/order-management/contents/a$b", "File not found: a$b"),
        ("/skills/order-management/contents/", "File not found: : its path is not allowed"),
        ("/skills/order-management/nope", "there is nothing at /skills/order-management/nope"),
        ("/skills/", "there is nothing at /skills/"),
        ("/nope", "there is nothing at /nope; the skills are at /skills"),
        ("/", "there is nothing at /; the skills are at /skills"),
    ],
)
def test_what_is_not_there_is_said(running, path, detail):
    answer = asked(running, path)
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    assert answer.json()["detail"] == detail


def raw(running: Served, target: str, method: str = "GET") -> bytes:
    """Send a path as it is written, which clients would tidy up."""
    host, _, port = of(running).removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=LIMIT) as connection:
        connection.sendall(f"{method} {target} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n".encode())
        received = b""
        while piece := connection.recv(65_536):
            received += piece
    return received


@pytest.mark.parametrize(
    "path",
    [
        "../../orders.yaml",
        "..%2f..%2forders.yaml",
        "%2e%2e/%2e%2e/orders.yaml",
        "sub/../../secret.txt",
        "sub%2Fdata.json",
        "sub%5Cdata.json",
        "./SKILL.md",
        "a%00b",
        "..%5c..%5csecret.txt",
    ],
)
def test_no_path_leads_out(running, path):
    answer = raw(running, f"/skills/order-management/contents/{path}")
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"unsafe-path" in answer
    assert b"nobody may read this" not in answer


@pytest.mark.parametrize(
    "path",
    ["%ff%fe", "x" * 300, "SKILL.md/x", "%F0%9F%98%80", "SKILL.md%0d%0aset-cookie:a", "C:", "//SKILL.md", "%u002e"],
)
def test_an_odd_path_is_no_file(running, path):
    answer = raw(running, f"/skills/order-management/contents/{path}")
    assert answer.startswith(b"HTTP/1.1 404 ")
    assert b"\r\nset-cookie" not in answer


@pytest.mark.parametrize("method", ["POST", "DELETE", "PUT", "PATCH"])
@pytest.mark.parametrize("path", ["/skills", "/skills/order-management", "/skills/order-management/contents/SKILL.md"])
def test_nothing_can_be_changed(running, method, path):
    answer = httpx.request(method, of(running) + path, trust_env=False, timeout=LIMIT)
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD, OPTIONS")


@pytest.mark.parametrize(
    "path",
    [
        "/skills",
        "/skills/order-management",
        "/skills/order-management/contents/SKILL.md",
        "/skills/onboarding/download",
    ],
)
def test_head_is_get_without_a_body(running, path):
    with httpx.Client(trust_env=False, timeout=LIMIT) as client:
        whole, head = client.get(of(running) + path), client.head(of(running) + path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-type"] == whole.headers["content-type"]
    if "download" not in path:
        assert head.headers["content-length"] == whole.headers["content-length"]


def test_a_page_of_a_rebound_name_reads_nothing(running):
    assert asked(running, "/skills", headers={"host": "evil.example"}).status_code == 421


# --- in an MCP server -----------------------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def speaking(running: Served, version: str = NEWEST):
    async with httpx.AsyncClient(trust_env=False, timeout=LIMIT) as client:
        yield Wire(client, running.mcp, version)


async def test_the_server_says_that_it_has_skills(running):
    async with speaking(running) as wire:
        capabilities = (await wire.ask("server/discover"))["capabilities"]
    assert capabilities["extensions"] == {"io.modelcontextprotocol/skills": {"directoryRead": True}}
    assert "resources" in capabilities


def frontmatter(text: str) -> Any:
    return yaml.safe_load(text.split("---\n")[1])


async def test_every_listed_file_is_what_its_digest_says(running):
    """And the frontmatter of an entry is that of its file, field by field."""
    async with speaking(running) as wire:
        listed = await wire.ask("skills/list")
        assert (listed["resultType"], listed["ttlMs"], listed["cacheScope"]) == ("complete", 60_000, "public")
        assert [entry["uri"] for entry in listed["skills"]] == [
            "skill://sk/order-management/SKILL.md",
            "skill://sk/onboarding/SKILL.md",
        ]
        for entry in listed["skills"]:
            for file in entry["resources"]:
                content = await read(wire, file["uri"])
                assert file["digest"] == f"sha256:{hashlib.sha256(content).hexdigest()}"
                assert file["size"] == len(content)
            assert entry["frontmatter"] == frontmatter((await read(wire, entry["uri"])).decode())
            got = await wire.ask("skills/get", {"uri": entry["uri"]})
            assert (got["skill"], got["ttlMs"], got["cacheScope"]) == (entry, 60_000, "public")
    paths = [file["uri"].removeprefix("skill://sk/order-management/") for file in listed["skills"][0]["resources"]]
    assert paths == [name.replace(" ", "%20") for name in sorted(FILES)]
    assert listed["skills"][0]["frontmatter"]["version"] == 1.1


async def read(wire: Wire, uri: str) -> bytes:
    (contents,) = (await wire.ask("resources/read", {"uri": uri}))["contents"]
    assert contents["uri"] == uri
    return contents["text"].encode() if "text" in contents else base64.b64decode(contents["blob"])


async def test_directories_are_read(running):
    async with speaking(running) as wire:
        children = (await wire.ask("resources/directory/read", {"uri": "skill://sk/order-management"}))["resources"]
        assert {child["name"]: child["mimeType"] for child in children}["sub"] == "inode/directory"
        assert {child["uri"] for child in children} >= {
            "skill://sk/order-management/SKILL.md",
            "skill://sk/order-management/sub",
        }
        below = (await wire.ask("resources/directory/read", {"uri": "skill://sk/order-management/sub"}))["resources"]
        assert [child["name"] for child in below] == ["b.txt", "data.json"]


@pytest.mark.parametrize(
    ("method", "uri"),
    [
        ("skills/get", "skill://sk/nope/SKILL.md"),
        ("skills/get", "skill://sk/order-management"),
        ("skills/get", "skill://sk/no-dir/SKILL.md"),
        ("skills/get", "https://example.org/"),
        ("resources/read", "skill://sk/order-management/../../secret.txt"),
        ("resources/read", "skill://sk/order-management/%2e%2e/secret.txt"),
        ("resources/read", "skill://sk/order-management/.hidden"),
        ("resources/read", "skill://sk/order-management/out.txt"),
        ("resources/read", "skill://sk/order-management"),
        ("resources/read", "skill://sk/no-dir/SKILL.md"),
        ("resources/directory/read", "skill://sk/order-management/SKILL.md"),
        ("resources/directory/read", "skill://sk/order-management/nope"),
        ("resources/directory/read", "skill://sk/order-management/.."),
        ("resources/directory/read", "skill://sk"),
    ],
)
async def test_what_is_no_skill_is_invalid(running, method, uri):
    async with speaking(running) as wire:
        assert (await wire.error(method, {"uri": uri}))["code"] == -32602


async def test_a_cursor_of_nobody_is_invalid(running):
    async with speaking(running) as wire:
        assert (await wire.error("skills/list", {"cursor": "x"}))["code"] == -32602


@pytest.mark.parametrize("version", ["2025-06-18", "2025-11-25"])
async def test_older_clients_see_ordinary_resources(running, version):
    async with speaking(running, version) as wire:
        asked_for = {"protocolVersion": version, "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
        assert "extensions" not in (await wire.ask("initialize", asked_for))["capabilities"]
        for method in ("skills/list", "skills/get", "resources/directory/read"):
            assert (await wire.error(method, {"uri": "skill://sk/onboarding/SKILL.md"}))["code"] == -32601
        listed = (await wire.ask("resources/list"))["resources"]
        known = {each["uri"]: each for each in listed}
        manifest = known["skill://sk/order-management/SKILL.md"]
        assert (manifest["name"], manifest["description"]) == ("order-management", "Manage orders")
        assert manifest["mimeType"] == "text/markdown"
        assert await read(wire, "skill://sk/order-management/p.png") == FILES["p.png"]


async def test_a_made_skill_file_names_the_tools_and_their_inputs(tmp_path, upstream):
    path = write(tmp_path, upstream)
    (tmp_path / "orders" / "SKILL.md").unlink()
    with served(path, *PORTS, ready=READY) as running:
        async with speaking(running) as wire:
            text = (await read(wire, "skill://sk/order-management/SKILL.md")).decode()
    assert frontmatter(text) == {
        "name": "order-management",
        "description": "Tools for managing orders",
        "license": "Apache-2.0",
        "compatibility": "any",
        "argument-hint": "Use it",
        "allowed-tools": "list-orders",
        "user-invocable": True,
        "disable-model-invocation": False,
        "metadata": {"author": "me", "n": "5"},
    }
    assert "Call the tool `ok` of the MCP server `mcp-ns`." in text
    assert "Send `GET /orders/{id}` to the REST API `rest-ns`." in text
    assert "- `id` (string, required): Which order." in text
    assert "- `id` (string, in the path, required): Which order." in text
    assert "- [guide](order-guide.md): Guide" in text


# --- who may see them -----------------------------------------------------------------------------------------------

BEARER = "authentication: {type: bearer, token: harbour-secret}"
LOGIN = {"authorization": "Bearer harbour-secret"}


@pytest.mark.parametrize(("mcp", "in_mcp"), [("", 0), ("authentication: {type: bearer, token: other}", 0), (BEARER, 2)])
async def test_a_catalogue_with_a_login_shows_its_skills_to_nobody_else(tmp_path, upstream, mcp, in_mcp):
    path = write(tmp_path, upstream, skill=BEARER, mcp=mcp)
    with served(path, *PORTS, ready=READY) as running:
        for where in ("/skills", "/sk/skills", "/skills/order-management/contents/SKILL.md", "/skills/nope"):
            assert asked(running, where).status_code == 401
        assert asked(running, "/skills", headers=LOGIN).json()["count"] == 3
        token = mcp.rpartition("token: ")[2].rstrip("}")
        async with speaking(running) as wire:
            listed = (await wire.post("skills/list", authorization=f"Bearer {token or 'none'}")).json()
    if in_mcp:
        assert len(listed["result"]["skills"]) == in_mcp
    else:
        assert listed["error"]["code"] == -32601


# --- while it runs --------------------------------------------------------------------------------------------------


def test_a_reload_changes_the_catalogue_and_a_file_needs_none(tmp_path, upstream):
    path = write(tmp_path, upstream)
    with served(path, *PORTS, ready=READY) as running:
        before = asked(running, "/skills/order-management/contents/order-guide.md").headers["etag"]
        (tmp_path / "orders" / "order-guide.md").write_bytes(b"# Another guide\n")
        after = asked(running, "/skills/order-management/contents/order-guide.md", headers={"if-none-match": before})
        assert after.content == b"# Another guide\n"
        path.write_text(path.read_text().replace("onboarding: {description: No tools}", "fresh: {description: New}"))
        running.process.send_signal(signal.SIGHUP)
        until = time.monotonic() + LIMIT
        while "fresh" not in (names := [each["name"] for each in asked(running, "/skills").json()["skills"]]):
            assert time.monotonic() < until, names
            time.sleep(0.05)
        assert names == ["order-management", "fresh", "no-dir"]


CONTROL = "- type: control\n  management: {info: true, reload: true}\n"


def test_the_operator_sees_it_and_takes_it_out_of_service(tmp_path, upstream):
    with served(write(tmp_path, upstream, more=CONTROL), *PORTS, ready=(*READY, "control ")) as running:
        control = running.url("control")
        until = time.monotonic() + LIMIT
        while get(f"{control}/health/ready").status_code != 200:
            assert time.monotonic() < until, "never ready"
            time.sleep(0.05)
        adapters = get(f"{control}/status").json()["adapters"]
        assert ("skill", "sk", "started") in [tuple(map(each.get, ("type", "namespace", "state"))) for each in adapters]
        httpx.put(f"{control}/lifecycle/sk", json={"state": "down"}, trust_env=False, timeout=LIMIT).raise_for_status()
        answer = asked(running, "/skills")
        assert (answer.status_code, answer.json()["type"]) == (503, "urn:naftiko:problem:adapter-down")
        assert get(f"{running.rest}/orders/7").status_code == 200
        httpx.put(f"{control}/lifecycle/sk", json={"state": "up"}, trust_env=False, timeout=LIMIT).raise_for_status()
        assert asked(running, "/skills").status_code == 200


def test_it_shares_a_port_with_routes_and_tools(tmp_path, upstream):
    path = write(tmp_path, upstream)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    ports = [text for kind in ("rest", "mcp", "skill") for text in ("--port", f"{kind}={port}")]
    with served(path, *ports, ready=READY):
        base = f"http://127.0.0.1:{port}"
        assert get(f"{base}/orders/7").json() == {"order": 7}
        assert get(f"{base}/skills").json()["count"] == 3
        assert get(f"{base}/sk/skills/onboarding").json()["name"] == "onboarding"


# --- what is too much -----------------------------------------------------------------------------------------------


async def test_more_than_agents_take_is_in_no_mcp_server_and_no_archive(tmp_path, upstream):
    path = write(tmp_path, upstream)
    for at in range(513):
        (tmp_path / "orders" / f"f{at}.txt").write_text("x")
    with served(path, *PORTS, ready=READY) as running:
        assert len(asked(running, "/skills/order-management/contents").json()["files"]) == 513 + len(FILES)
        answer = asked(running, "/skills/order-management/download")
        assert (answer.status_code, answer.json()["type"]) == (500, "urn:naftiko:problem:skill-too-large")
        async with speaking(running) as wire:
            uris = [entry["uri"] for entry in (await wire.ask("skills/list"))["skills"]]
        assert uris == ["skill://sk/onboarding/SKILL.md"]
        running.wait_for_errors("more than the 512")


def test_a_file_that_is_too_large_is_not_sent(tmp_path, upstream):
    path = write(tmp_path, upstream)
    with (tmp_path / "orders" / "large.bin").open("wb") as large:
        large.truncate(16 * 1024 * 1024 + 1)
    with served(path, *PORTS, ready=READY) as running:
        answer = asked(running, "/skills/order-management/contents/large.bin")
        assert answer.status_code == 404
        assert "more than the 16777216" in answer.json()["detail"]


def test_a_directory_outside_of_the_capability_is_not_read(tmp_path, upstream):
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    inside.mkdir()
    outside.mkdir()
    path = write(inside, upstream)
    (outside / "SKILL.md").write_text("secret")
    path.write_text(path.read_text().replace("file://nope", f"file://{outside}"))
    with served(path, *PORTS, ready=READY) as running:
        assert asked(running, "/skills/no-dir/contents").status_code == 404
        assert asked(running, "/skills/no-dir/contents/SKILL.md").status_code == 404
    with served(path, *PORTS, "--file-root", outside, ready=READY) as running:
        assert asked(running, "/skills/no-dir/contents/SKILL.md").text == "secret"


# --- folders for agents ---------------------------------------------------------------------------------------------


def test_a_folder_is_what_is_served(tmp_path, upstream):
    path = write(tmp_path, upstream)
    done = run("skill", str(path), "-o", str(tmp_path / "out"))
    assert done.returncode == 1  # the directory of one is missing
    assert "the skill `no-dir` is not written: Location directory not found" in done.stderr
    assert f"{tmp_path}/out/order-management  8 files" in done.stdout
    written = tmp_path / "out" / "order-management"
    assert {each.relative_to(written).as_posix() for each in written.rglob("*") if each.is_file()} == set(FILES)
    (written / "SKILL.md").write_text("mine")
    again = run("skill", str(path), "-o", str(tmp_path / "out"))
    assert again.returncode == 1
    assert "says something else already; --force writes over it" in again.stderr
    assert (written / "SKILL.md").read_text() == "mine"
    run("skill", str(path), "-o", str(tmp_path / "out"), "--force")
    assert (written / "SKILL.md").read_bytes() == FILES["SKILL.md"]


def test_a_capability_without_skills_becomes_one(tmp_path, upstream):
    path = write(tmp_path, upstream)
    path.write_text(path.read_text().partition("- type: skill")[0])
    done = run("skill", str(path), cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "skills/orders  1 file\n")
    text = (tmp_path / "skills" / "orders" / "SKILL.md").read_text()
    assert frontmatter(text) == {"name": "orders", "description": "Orders of a shop. Use it for: Ok."}
    assert "Call the tool `ok` of the MCP server `mcp-ns`." in text
    assert "rest-ns" not in text


def test_a_capability_that_runs_nothing_has_nothing_to_teach(tmp_path):
    path = tmp_path / "empty.yaml"
    path.write_text("naftiko: 1.0.0-beta5\nexposes: [{type: mcp, namespace: m, prompts: [{name: p, template: []}]}]\n")
    done = run("skill", str(path), cwd=tmp_path)
    assert done.returncode == 1
    assert "there is nothing to teach" in done.stderr


def test_inspect_shows_skills(tmp_path, upstream):
    done = run("inspect", str(write(tmp_path, upstream)))
    assert "skill order-management" in done.stdout
    assert "-> files of file://orders" in done.stdout
    assert "rest-ns/ok" in done.stdout
