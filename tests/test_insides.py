"""Where the product reaches into a library: what it relies on is there, and the library has an upper bound for it.

An upgrade that takes one of these away fails here, with a sentence that says which module counts on it.
"""

from __future__ import annotations

import ast
import importlib
import tomllib
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import aiohttp
import httpx
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from naftiko.engine.transport.whole import Whole
from naftiko.engine.wire import WireRequest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "naftiko"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
BOUNDS = {canonicalize_name(each.name): each.specifier for each in map(Requirement, PROJECT["dependencies"])}

NAMES = [
    ("aiohttp", "aiohttp.client_proto:ResponseHandler", "set_response_params feed_data data_received set_exception"),
    ("aiohttp", "aiohttp:ClientResponse", "start close"),
    ("aiohttp", "aiohttp:ClientWebSocketResponse", "receive send_str close"),
    ("aiohttp", "aiohttp.http:HttpProcessingError", ""),
    ("jsonpath-rfc9535", "jsonpath_rfc9535:JSONPathEnvironment", "setup_function_extensions max_recursion_depth"),
    ("jsonpath-rfc9535", "jsonpath_rfc9535.segments:JSONPathSegment", "resolve"),
    ("jsonpath-rfc9535", "jsonpath_rfc9535.filter_expressions:NOTHING", ""),
    ("jsonschema", "jsonschema:Draft202012Validator", "evolve"),
    ("mcp", "mcp.shared.inbound:classify_inbound_request", ""),
    ("mcp", "mcp.shared.inbound:find_duplicated_routing_header", ""),
    ("mcp", "mcp.shared.inbound:x_mcp_header_map", ""),
    ("mcp", "mcp_types.methods:serialize_server_result", ""),
    ("mcp", "mcp_types.methods:validate_client_request", ""),
    ("mcp", "mcp.server.lowlevel:Server", "server_info_stamp get_request_handler add_request_handler"),
    (
        "mcp",
        "mcp.server.streamable_http_manager:StreamableHTTPSessionManager",
        "_handle_stateful_request _discard_session",
    ),
    ("mcp", "mcp.server.auth.middleware.bearer_auth:authorization_context", ""),
    ("python-dotenv", "dotenv.parser:parse_stream", ""),
    ("pyyaml", "yaml.cyaml:CParser", "get_single_node descend_resolver ascend_resolver resolve"),
    ("starlette", "starlette.formparsers:MultiPartException", ""),
    ("uvicorn", "uvicorn:Server", "capture_signals shutdown"),
    ("uvicorn", "uvicorn.protocols.http.flow_control:HIGH_WATER_LIMIT", ""),
    (
        "uvicorn",
        "uvicorn.protocols.http.httptools_impl:HttpToolsProtocol",
        """connection_made connection_lost data_received on_message_begin on_header on_headers_complete on_body
        on_message_complete on_response_complete pause_writing resume_writing shutdown send_400_response
        _start_asgi_task""",
    ),
    ("uvicorn", "uvicorn.protocols.http.flow_control:FlowControl", "drain resume_reading pause_reading"),
    ("uvicorn", "uvicorn.protocols.http.httptools_impl:HEADER_RE", ""),
    ("uvicorn", "uvicorn.protocols.http.httptools_impl:STATUS_LINE", ""),
]
"""Library, class or name, and what of the class is overridden, called or read."""


def imported(place: str) -> object:
    module, _, name = place.partition(":")
    return getattr(importlib.import_module(module), name)


@pytest.mark.parametrize(("library", "place", "members"), NAMES, ids=[place for _, place, _ in NAMES])
def test_what_the_product_relies_on_is_there(library, place, members):
    try:
        found = imported(place)
    except (ImportError, AttributeError):
        pytest.fail(f"{library} {version(library)} has no {place} any more; {users(place)} need it")
    for member in members.split():
        if library == "pyyaml" and member.endswith(("resolver", "resolve")):
            continue  # its C code calls them; see below
        assert hasattr(found, member), (
            f"{library} {version(library)}: {place} has no {member} any more; {users(place)} need it"
        )


def users(place: str) -> str:
    name = place.partition(":")[2]
    return ", ".join(
        str(file.relative_to(ROOT)) for file in sorted(SOURCE.rglob("*.py")) if name in file.read_text("utf-8")
    )


@pytest.mark.parametrize("library", [*sorted({library for library, _, _ in NAMES}), "httpx"])
def test_each_such_library_has_an_upper_bound(library):
    assert any(each.operator in {"<", "<="} for each in BOUNDS[canonicalize_name(library)]), (
        f"{library}: the product reaches into it, so pyproject.toml bounds it from above"
    )
    assert BOUNDS[canonicalize_name(library)].contains(version(library)), f"{library} {version(library)} is untested"


def test_a_request_sets_what_httpx_sets():
    """Its ``__init__`` is skipped: an attribute that httpx adds would be missing, one that it drops is in vain."""
    theirs = httpx.Request("POST", "http://a.example/b?c", content=b"d")
    ours = WireRequest("POST", "http://a.example/b?c", [(b"content-type", b"x/y")], b"d")
    missing = {name for name in vars(theirs) if not hasattr(ours, name)}
    assert not missing, f"httpx {version('httpx')} sets {missing}: src/naftiko/engine/wire.py has to set it too"
    assert (ours.method, ours.url, ours.content, ours.extensions) == (
        theirs.method,
        theirs.url,
        theirs.content,
        theirs.extensions,
    )
    assert ours.headers["host"] == theirs.headers["host"]
    assert ours.headers["content-length"] == theirs.headers["content-length"]


async def test_a_request_in_pieces_is_framed_as_httpx_frames_it():
    async def pieces():
        yield b"a"
        yield b"b"

    class Again:
        def __aiter__(self):
            return pieces()

    theirs = httpx.Request("PUT", "http://a.example/", content=pieces())
    ours = WireRequest("PUT", "http://a.example/", [], pieces())
    assert ours.headers["transfer-encoding"] == theirs.headers["transfer-encoding"]
    assert [piece async for piece in ours.stream] == [b"a", b"b"]
    with pytest.raises(httpx.StreamConsumed):
        [piece async for piece in ours.stream]
    again = WireRequest("PUT", "http://a.example/", [], Again())
    assert [[piece async for piece in again.stream] for _ in range(2)] == [[b"a", b"b"]] * 2


def test_an_answer_sets_what_httpx_sets():
    request = httpx.Request("GET", "http://a.example/")
    theirs = httpx.Response(200, headers=[(b"a", b"b")], content=b"c", request=request)
    ours = Whole(200, [(b"a", b"b")], b"c", request, {})
    missing = {name for name in vars(theirs) if not hasattr(ours, name)} - {"_decoder"}  # of a body that is coded
    assert not missing, (
        f"httpx {version('httpx')} sets {missing}: src/naftiko/engine/transport/whole.py has to set it too"
    )
    ours.read()
    assert (ours.status_code, ours.content, ours.text, ours.headers["a"]) == (200, b"c", "c", "b")


def test_yaml_asks_for_the_meaning_of_a_node_where_it_is_overridden():
    import yaml
    from yaml.cyaml import CParser

    asked = []

    class Parser(CParser):
        def resolve(self, kind, value, implicit):
            asked.append(value)
            return "ours"

        def descend_resolver(self, node, index): ...

        def ascend_resolver(self): ...

    node = Parser("NO").get_single_node()
    assert (asked, node.tag) == (["NO"], "ours"), (
        f"PyYAML {yaml.__version__} resolves tags elsewhere: src/naftiko/document/reader.py would speak YAML 1.1"
    )


async def test_connections_of_aiohttp_are_made_by_its_factory():
    connector = aiohttp.TCPConnector()
    try:
        assert callable(getattr(connector, "_factory", None)), (
            f"aiohttp {version('aiohttp')}: connections are made elsewhere; src/naftiko/engine/transport/aiohttp_exchanges.py"
            " puts its own class there, which counts requests and interim answers"
        )
    finally:
        await connector.close()


def test_a_session_of_the_sdk_says_whose_it_is_and_how_long_it_lives():
    from mcp.server.lowlevel import Server
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

    manager = StreamableHTTPSessionManager(Server("x"))
    for attribute in ("_server_instances", "_session_owners", "session_idle_timeout"):
        assert hasattr(manager, attribute), (
            f"mcp {version('mcp')}: the session manager has no {attribute} any more; src/naftiko/expose/mcp/sessions.py"
        )


def test_references_of_a_schema_are_resolved_where_they_are_looked_up():
    from jsonschema import Draft202012Validator

    validator = Draft202012Validator({"$defs": {"a": {"type": "string"}}})
    resolver = getattr(validator, "_resolver", None)
    assert resolver is not None, f"jsonschema {version('jsonschema')}: src/naftiko/plan/validation.py needs _resolver"
    assert resolver.lookup("#/$defs/a").contents == {"type": "string"}


PRIVATE_OF_LIBRARIES = {
    "engine/transport/aiohttp_exchanges.py": {"_factory", "_loop"},
    "plan/validation.py": {"_resolver"},
}
"""Where a name with an underscore of a library's object is used."""
PUBLIC_OF_PYTHON = {"_exit", "_replace"}
"""Documented: of ``os``, and of named tuples."""


def private_uses(file: Path) -> Iterator[str]:
    """Yield the names with an underscore that a module takes of another object than its own, and imports of them."""
    tree = ast.parse(file.read_text("utf-8"))
    own = {
        name.attr if isinstance(name, ast.Attribute) else name.name
        for name in ast.walk(tree)
        if isinstance(name, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
        or (isinstance(name, ast.Attribute) and isinstance(name.ctx, ast.Store) and is_self(name.value))
    } | {
        node.target.id
        for node in ast.walk(tree)
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    }
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Attribute)
            and is_private(node.attr)
            and not is_self(node.value)
            and node.attr not in own
        ):
            yield node.attr
        elif isinstance(node, ast.ImportFrom) and not node.level and not (node.module or "").startswith("naftiko"):
            names = [*(node.module or "").split("."), *(alias.name for alias in node.names)]
            yield from (name for name in names if is_private(name))


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__") and name not in PUBLIC_OF_PYTHON


def is_self(value: ast.expr) -> bool:
    return (isinstance(value, ast.Name) and value.id in {"self", "cls"}) or (
        isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id == "super"
    )


def test_no_other_private_name_of_a_library_is_used():
    found = {
        str(file.relative_to(SOURCE)): uses
        for file in sorted(SOURCE.rglob("*.py"))
        if (uses := set(private_uses(file)))
    }
    assert found == PRIVATE_OF_LIBRARIES


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("from httpx._content import encode_request", {"_content"}),
        ("from library import _name", {"_name"}),
        ("made._inner = 1", {"_inner"}),
        ("class A:\n    def __init__(self): self._a = 1\n    def b(self, other): return other._a", set()),
        ("class A(B):\n    def c(self): return super()._c()", set()),
    ],
)
def test_a_private_name_is_seen(tmp_path, text, names):
    (tmp_path / "planted.py").write_text(text)
    assert set(private_uses(tmp_path / "planted.py")) == names
