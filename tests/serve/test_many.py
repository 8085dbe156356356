"""Many capabilities in one process (SEMANTICS 8): shared ports, conflicts, prefixes, and files that are broken."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from mcp.client import Client
from served import FREE, get, run, served, tools_of

import naftiko
from naftiko.engine.settings import Settings
from naftiko.serve.addresses import listeners
from naftiko.serve.announcements import in_conflict
from naftiko.testing import StandInUpstream

CAPABILITY = """\
naftiko: 1.0.0-alpha2
info: {{label: {label}}}
capability:
  consumes:
    - type: http
      namespace: {name}
      baseUri: http://127.0.0.1:1
      resources:
        - path: /{name}/things
          name: things
          operations:
            - {{name: list-things, method: GET}}
        - path: /{name}/things/{{id}}
          name: thing
          operations:
            - {{name: get-thing, method: GET}}
  exposes:
    - type: rest
      namespace: {name}-rest
      port: 8080
      resources:
        - path: /things
          name: things
          operations:
            - {{method: GET, name: list-things, call: {name}.list-things}}
        - path: /{name}-only/{{id}}
          name: thing
          operations:
            - {{method: GET, name: get-thing, call: {name}.get-thing}}
    - type: mcp
      namespace: {name}-mcp
      port: 9090
      tools:
        - {{name: list-things, description: List the things of {label}., call: {name}.list-things}}
        - {{name: get-{name}-thing, description: Get one., call: {name}.get-thing}}
"""


def write(directory: Path, *names: str) -> Path:
    for name in names:
        (directory / f"{name}.yaml").write_text(CAPABILITY.format(name=name, label=name.title()), "utf-8")
    return directory


@pytest.fixture
def upstream():
    with StandInUpstream() as standing_in:
        standing_in.on("*", "/{rest:path}", lambda request: {"path": request.raw_path})
        yield standing_in


def base(url: str) -> str:
    return "/".join(url.split("/")[:3])


def test_conflicts_are_shown_with_both_positions(tmp_path, upstream):
    """The first file wins; the routes and tools that only one file has are all there."""
    write(tmp_path, "apples", "pears")
    with served(tmp_path, *FREE, "--base-uri", f"*={upstream.url}", ready=("all 4 tools",)) as process:
        rest = process.url("rest")
        assert {line.split()[1] for line in process.lines if line.startswith("rest ")} == {rest}
        first, second = (tmp_path / f"{name}.yaml" for name in ("apples", "pears"))
        conflicts = [line for line in process.errors if line.startswith("conflict: ")]
        assert len(conflicts) == 2
        pattern = (
            rf"conflict: {first} and {second} both have 1 route and 1 tool; "
            rf"GET /things: {first}:\d+:\d+ is served, {second}:\d+:\d+ is not"
        )
        assert re.fullmatch(pattern, conflicts[0]), conflicts[0]
        assert "--prefix" in conflicts[-1]
        assert get(f"{rest}/things").json() == {"path": "/apples/things"}
        assert get(f"{rest}/apples-only/1").json() == {"path": "/apples/things/1"}
        assert get(f"{rest}/pears-only/1").json() == {"path": "/pears/things/1"}
        assert process.stop() == 0


async def test_one_server_for_all_tools_and_one_for_each(tmp_path, upstream):
    write(tmp_path, "apples", "pears")
    with served(tmp_path, *FREE, "--base-uri", f"*={upstream.url}", ready=("all 4 tools",)) as process:
        url = base(process.mcp)
        assert [process.url("mcp", "apples-mcp"), process.url("mcp", "pears-mcp")] == [
            f"{url}/apples-mcp/mcp",
            f"{url}/pears-mcp/mcp",
        ]
        async with Client(f"{url}/mcp") as client:
            tools = [tool.name for tool in await tools_of(client)]
            assert tools == ["list-things", "get-apples-thing", "get-pears-thing"]
        for name in ("apples", "pears"):
            async with Client(f"{url}/{name}-mcp/mcp") as client:
                tools = [tool.name for tool in await tools_of(client)]
                assert tools == ["list-things", f"get-{name}-thing"]
                result = await client.call_tool("list-things", {})
                assert result.structured_content == {"path": f"/{name}/things"}


async def test_prefix_serves_each_capability_apart(tmp_path, upstream):
    """REST under ``/<namespace>``, MCP at ``/<namespace>/mcp``; in the server of all, tools begin with the namespace."""
    write(tmp_path, "apples", "pears")
    with served(tmp_path, *FREE, "--prefix", "--base-uri", f"*={upstream.url}", ready=("all 4 tools",)) as process:
        assert process.errors == []
        rest, mcp = base(process.url("rest")), base(process.mcp)
        for name in ("apples", "pears"):
            assert process.url("rest", f"{name}-rest") == f"{rest}/{name}"
            assert process.url("mcp", f"{name}-mcp") == f"{mcp}/{name}/mcp"
            assert get(f"{rest}/{name}/things").json() == {"path": f"/{name}/things"}
            async with Client(f"{mcp}/{name}/mcp") as client:
                assert [tool.name for tool in await tools_of(client)] == ["list-things", f"get-{name}-thing"]
        assert get(f"{rest}/things").status_code == 404
        async with Client(f"{mcp}/mcp") as client:
            tools = [tool.name for tool in await tools_of(client)]
            assert tools == [
                "apples_list-things",
                "apples_get-apples-thing",
                "pears_list-things",
                "pears_get-pears-thing",
            ]
            for name in ("apples", "pears"):
                result = await client.call_tool(f"{name}_list-things", {})
                assert result.structured_content == {"path": f"/{name}/things"}
        assert process.stop() == 0


def test_a_line_for_each_pair_of_files(tmp_path):
    """However much they both have."""
    for name in ("apples", "more", "yet-more"):
        (tmp_path / f"{name}.yaml").write_text(CAPABILITY.format(name="apples", label="Apples"), "utf-8")
    with served(tmp_path, *FREE, "--mock", ready=("all 6 tools",)) as process:
        conflicts = [line for line in process.errors if line.startswith("conflict: ")]
        assert len(conflicts) == 3
        for line, other in zip(conflicts, ("more", "yet-more"), strict=False):
            files = f"{tmp_path / 'apples.yaml'} and {tmp_path / f'{other}.yaml'}"
            assert line.startswith(f"conflict: {files} both have 2 routes and 2 tools; GET /things: ")
        assert process.stop() == 0


SHARED = """\
naftiko: 1.0.0-alpha2
info: {{label: {name}}}
capability:
  consumes:
    - type: http
      namespace: shop
      baseUri: http://127.0.0.1:1/{name}
      resources: [{{name: x, path: /x, operations: [{{name: get, method: GET}}]}}]
  exposes:
    - type: rest
      namespace: {rest}
      port: 8080
      resources: [{{name: x, path: /v1/x, operations: [{{method: GET, name: get, call: shop.get}}]}}]
    - type: mcp
      namespace: {mcp}
      port: 9090
      tools: [{{name: get, description: Of {name}., call: shop.get}}]
"""


async def answers_of(process, rest: str, mcp: str) -> tuple[str, list[str]]:
    """What a route and a server of their own answer: the URL that is called, and the tools' descriptions."""
    called = get(f"{base(process.url('rest'))}/{rest}/v1/x").json()["url"]
    async with Client(f"{base(process.mcp)}/{mcp}/mcp") as client:
        return called.rpartition("/")[0], [tool.description for tool in await tools_of(client)]


async def test_capabilities_of_one_api_are_under_their_adapters_namespaces(tmp_path):
    """A workflow and the files that it is made of all consume the same API: its name tells none of them apart."""
    for name in ("orders", "workflow"):
        text = SHARED.format(name=name, rest=f"{name}-rest", mcp=f"{name}-mcp")
        (tmp_path / f"{name}.yaml").write_text(text, "utf-8")
    write(tmp_path, "pears")
    with served(tmp_path, *FREE, "--prefix", "--mock", ready=("all 4 tools",)) as process:
        assert process.errors == []
        for name in ("orders", "workflow"):
            assert await answers_of(process, f"{name}-rest", f"{name}-mcp") == (
                f"http://127.0.0.1:1/{name}", [f"Of {name}."],
            )  # fmt: skip
        assert get(f"{base(process.url('rest'))}/pears/things").status_code == 200
        assert get(f"{base(process.url('rest'))}/shop/v1/x").status_code == 404
        async with Client(f"{base(process.mcp)}/mcp") as client:
            assert [tool.name for tool in await tools_of(client)] == [
                "orders-mcp_get", "pears_list-things", "pears_get-pears-thing", "workflow-mcp_get",
            ]  # fmt: skip
        assert process.stop() == 0


async def test_adapters_of_one_namespace_are_told_apart_by_their_files(tmp_path):
    """The first keeps it; the others are told."""
    for at, name in enumerate(("a", "b", "b")):
        folder = tmp_path / str(at)
        folder.mkdir()
        (folder / f"{name}.yaml").write_text(SHARED.format(name=f"{name}{at}", rest="front", mcp="tools"), "utf-8")
    with served(tmp_path, *FREE, "--prefix", "--mock", ready=("all 3 tools",)) as process:
        assert process.errors == [
            f"renamed: {tmp_path / '1' / 'b.yaml'}: `front` is at /front-b: another file has `front`",
            f"renamed: {tmp_path / '2' / 'b.yaml'}: `front` is at /front-b-2: another file has `front`",
            f"renamed: {tmp_path / '1' / 'b.yaml'}: `tools` is at /tools-b/mcp: another file has `tools`",
            f"renamed: {tmp_path / '2' / 'b.yaml'}: `tools` is at /tools-b-2/mcp: another file has `tools`",
        ]
        for suffix, name in (("", "a0"), ("-b", "b1"), ("-b-2", "b2")):
            assert await answers_of(process, f"front{suffix}", f"tools{suffix}") == (
                f"http://127.0.0.1:1/{name}", [f"Of {name}."],
            )  # fmt: skip
        assert process.stop() == 0


async def test_each_mcp_adapter_has_a_server_of_its_own_without_prefixes_too(tmp_path):
    for name in ("a", "b"):
        (tmp_path / f"{name}.yaml").write_text(SHARED.format(name=name, rest=name, mcp="tools"), "utf-8")
    with served(tmp_path, *FREE, "--mock", ready=("all 2 tools",)) as process:
        told = [line for line in process.errors if line.startswith("renamed: ")]
        assert told == [f"renamed: {tmp_path / 'b.yaml'}: `tools` is at /tools-b/mcp: another file has `tools`"]
        for path, name in (("tools", "a"), ("tools-b", "b")):
            async with Client(f"{base(process.mcp)}/{path}/mcp") as client:
                assert [tool.description for tool in await tools_of(client)] == [f"Of {name}."]
        assert process.stop() == 0


BROKEN = {
    "bad-yaml": "naftiko: 1.0.0-alpha2\ncapability:\n  exposes: [\n",
    "wrong-root": "naftiko: [1, 2]\ncapability: 5\n",
}


def test_a_broken_file_takes_none_down_and_shows_in_the_exit_code(tmp_path, upstream):
    write(tmp_path, "apples", "pears")
    for name, text in BROKEN.items():
        (tmp_path / f"{name}.yaml").write_text(text, "utf-8")
    (tmp_path / "not-a-capability.yaml").write_text("kind: Deployment\n", "utf-8")
    with served(tmp_path, *FREE, "--base-uri", f"*={upstream.url}", ready=("all 4 tools",)) as process:
        for name in BROKEN:
            assert any(line.startswith("not served: ") and f"{name}.yaml" in line for line in process.errors), name
        assert not any("not-a-capability" in line for line in process.errors)
        assert get(f"{process.url('rest')}/pears-only/1").status_code == 200
        assert process.stop() == 1


def test_strict_refuses_a_broken_file(tmp_path):
    write(tmp_path, "apples")
    (tmp_path / "bad.yaml").write_text(BROKEN["bad-yaml"], "utf-8")
    done = run("serve", str(tmp_path), *FREE, "--strict")
    assert done.returncode == 1
    assert "bad.yaml" in done.stderr
    assert done.stdout == ""


def test_nothing_to_serve(tmp_path):
    (tmp_path / "bad.yaml").write_text(BROKEN["bad-yaml"], "utf-8")
    done = run("serve", str(tmp_path), *FREE)
    assert done.returncode == 1
    assert "nothing to serve" in done.stderr


def test_files_directories_and_globs(tmp_path):
    for folder in ("fruit", "nuts"):
        (tmp_path / folder).mkdir()
    write(tmp_path / "fruit", "apples", "pears")
    write(tmp_path / "nuts", "walnuts", "peanuts")
    with served(
        "fruit/app*.yaml", "nuts", "fruit/apples.yaml", *FREE, "--mock", cwd=tmp_path, ready=("all 6 tools",)
    ) as process:
        served_ones = [line.split()[-1] for line in process.lines if line.startswith("rest ")]
        assert served_ones == ["(Apples)", "(Peanuts)", "(Walnuts)"]


def test_an_adapter_on_another_port_is_on_that_port_alone(tmp_path, upstream):
    """What a file exposes on a second port may be internal: it must not show on the first."""
    text = CAPABILITY.format(name="apples", label="Apples")
    internal = """\
    - type: rest
      namespace: internal
      port: 8081
      resources:
        - path: /internal
          name: internal
          operations:
            - {method: GET, name: secret-things, call: apples.list-things}
"""
    (tmp_path / "apples.yaml").write_text(text + internal, "utf-8")
    with socket_pair() as (public, other):
        ports = ["--port", f"apples-rest={public}", "--port", f"internal={other}", "--port", "mcp=0"]
        with served(tmp_path, *ports, "--base-uri", f"*={upstream.url}", ready=("internal",)) as process:
            assert get(f"http://127.0.0.1:{public}/things").status_code == 200
            assert get(f"http://127.0.0.1:{public}/internal").status_code == 404
            assert get(f"http://127.0.0.1:{other}/internal").status_code == 200
            assert get(f"http://127.0.0.1:{other}/things").status_code == 404
            assert process.stop() == 0


def socket_pair():
    import contextlib
    import socket

    @contextlib.contextmanager
    def free():
        with socket.socket() as one, socket.socket() as two:
            one.bind(("127.0.0.1", 0))
            two.bind(("127.0.0.1", 0))
            ports = one.getsockname()[1], two.getsockname()[1]
        yield ports

    return free()


def test_the_address_of_a_file_may_be_a_variable(tmp_path):
    text = CAPABILITY.format(name="apples", label="Apples").replace(
        "port: 8080", 'port: 8080\n      address: "{{LISTEN_ON}}"'
    )
    (tmp_path / "apples.yaml").write_text(text, "utf-8")
    with served(tmp_path, *FREE, env={"LISTEN_ON": "127.0.0.2"}) as process:
        assert process.rest.startswith("http://127.0.0.2:")
        assert process.mcp.startswith("http://127.0.0.1:")
    with served(tmp_path, *FREE) as process:
        assert process.rest.startswith("http://127.0.0.1:")
        assert any(line.startswith("missing: LISTEN_ON") and "instead" in line for line in process.errors)


def test_the_same_port_on_two_addresses(tmp_path):
    """It can't be had, so the second file's adapter is told and left out; the rest is served, and --strict refuses."""
    write(tmp_path, "apples", "pears")
    with socket_pair() as (rest, mcp):
        for name, address in (("apples", "127.0.0.1"), ("pears", "0.0.0.0")):
            file = tmp_path / f"{name}.yaml"
            text = file.read_text("utf-8").replace("port: 8080", f"port: {rest}\n      address: {address}")
            file.write_text(text.replace("port: 9090", f"port: {mcp}"), "utf-8")
        with served(tmp_path, "--mock", ready=("all 4 tools",)) as process:
            why = f"pears-rest: port {rest} can't be on 0.0.0.0 and on 127.0.0.1; choose one address with --host"
            assert any(line.startswith("not served: ") and why in line for line in process.errors)
            assert get(f"http://127.0.0.1:{rest}/apples-only/1").status_code == 200
            assert get(f"http://127.0.0.1:{rest}/pears-only/1").status_code == 404
            assert process.stop() == 1
        done = run("serve", str(tmp_path), "--mock", "--strict")
        assert done.returncode == 1
        assert why in done.stderr
        assert "--strict: not started" in done.stderr


ROUTES = """\
naftiko: 1.0.0-alpha2
capability:
  consumes:
    - type: http
      namespace: {name}
      baseUri: http://127.0.0.1:1/{name}
      resources:
        - name: x
          path: /x
          operations:
            - {{name: get, method: GET, inputParameters: [{{name: q, in: query}}]}}
            - {{name: of, method: GET, inputParameters: [{{name: owner, in: query, required: true}}]}}
        - {{name: y, path: "/y/{{id}}", operations: [{{name: one, method: GET}}]}}
  exposes:
    - type: rest
      namespace: {name}-rest
      port: 8080
      resources:
        - {{path: "{path}", operations: [{{method: GET, name: get, call: {name}.{call}}}]}}
"""


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        (("/x/{id}", "get"), ("/x/{{name}}", "get"), "is served"),
        (("/y/{id}", "one"), ("/y/{ID}", "one"), "is served"),
        (("/x?do=a", "get"), ("/x?do=b", "get"), ""),
        (("/x?do=a&b=c", "get"), ("/x?b=c&do=a", "get"), "is served"),
        (("/x", "get"), ("/x?do=b", "get"), ""),
        (("/x", "get"), ("/x", "of"), "by the inputs of a request"),
        (("/x", "of"), ("/x", "get"), "by the inputs of a request"),
        (("/x", "nope"), ("/x", "get"), "by the inputs of a request"),
    ],
)
def test_routes_that_a_request_tells_apart_are_both_served(tmp_path, first, second, said):
    for name, (path, call) in (("a", first), ("b", second)):
        (tmp_path / f"{name}.yaml").write_text(ROUTES.format(name=name, path=path, call=call))
    loaded = [naftiko.load(path, settings=Settings(environment={})) for path in sorted(tmp_path.glob("*.yaml"))]
    told = [each.text for each in in_conflict(listeners(loaded), prefix=False)]
    assert [said in text for text in told[:1]] == ([True] if said else [])


def test_both_routes_of_one_path_are_said_to_be_served_and_are(tmp_path, upstream):
    for name, call in (("a", "get"), ("b", "of")):
        (tmp_path / f"{name}.yaml").write_text(ROUTES.format(name=name, path="/x", call=call))
    with served(tmp_path, *FREE, "--base-uri", f"*={upstream.url}", ready=("b-rest",)) as process:
        [line, _] = [line for line in process.errors if line.startswith("conflict: ")]
        assert "both have 1 route; GET /x: " in line
        assert " or " in line
        assert get(f"{process.rest}/x").json()["path"] == "/x"
        assert get(f"{process.rest}/x?owner=me").status_code == 200
        assert [str(request.query) for request in upstream.requests] == ["", "owner=me"]
