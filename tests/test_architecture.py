"""Hold the import direction: cli → serve → expose → engine → plan → document, errors and types at the bottom."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from naftiko.document.model.adapters import ADAPTERS
from naftiko.expose import registry
from naftiko.plan import adapters

SOURCE = Path(__file__).parent.parent / "src" / "naftiko"
ROOMS = ("document", "plan", "engine", "expose", "serve", "cli")
GROUND = {"errors", "types", "digits", "jsontext", "http_fields", "yaml12"}
SIDE_ROOMS = {"observe"}
"""Rooms that know nothing of the business: anybody may import them, they import only the ground floor."""


def imported_rooms(file: Path) -> set[str]:
    """Return the rooms of naftiko that a file imports, wherever in it the import stands."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        found |= {name.split(".")[1] for name in names if name.startswith("naftiko.")}
    return found


def files_of(room: str) -> list[Path]:
    return sorted((SOURCE / room).rglob("*.py"))


@pytest.mark.parametrize("room", ROOMS)
def test_rooms_import_only_what_is_below_them(room: str):
    below = set(ROOMS[: ROOMS.index(room) + 1]) | GROUND | SIDE_ROOMS
    for file in files_of(room):
        above = imported_rooms(file) - below
        assert not above, f"{file.relative_to(SOURCE)} imports {above}"


def test_side_rooms_stand_on_the_ground_floor():
    for file in files_of("observe"):
        assert imported_rooms(file) <= GROUND | {"observe"}, file


def test_adapters_do_not_know_each_other():
    """An adapter is a package in ``expose/``; what two of them share stands beside them."""
    kinds = {file.parent.name for file in SOURCE.glob("expose/*/adapter.py")} | {"skill", "control"}
    for adapter in kinds:
        for file in (*files_of(f"expose/{adapter}"), SOURCE / "plan" / "adapters" / f"{adapter}.py"):
            text = file.read_text("utf-8") if file.exists() else ""
            for other in kinds - {adapter}:
                assert f"naftiko.expose.{other}" not in text, f"{file} knows {other}"
                assert f"naftiko.plan.adapters.{other}" not in text, f"{file} knows {other}"


def entries_of_adapters() -> set[Path]:
    """Return the files that are about one kind of adapter: its model, how it is linked, how it is served."""
    models = {model.kind: SOURCE / Path(*model.__module__.split(".")[1:]).with_suffix(".py") for model in ADAPTERS}
    return {
        *models.values(),
        *(SOURCE / "plan" / "adapters" / f"{kind}.py" for kind in models),
        *(file for kind in models for file in files_of(f"expose/{kind}")),
    }


def asked_kind(node: ast.AST, kinds: set[str], models: set[str]) -> bool:
    """Tell whether code asks of which kind an adapter is: by its word, or by the class of its model."""
    if isinstance(node, ast.Compare):
        compared = [each for side in (node.left, *node.comparators) for each in (side, *getattr(side, "elts", ()))]
        return any(isinstance(each, ast.Constant) and each.value in kinds for each in compared)
    if isinstance(node, ast.Call):
        inside = [each for argument in node.args for each in ast.walk(argument)]
        name = getattr(node.func, "id", getattr(node.func, "attr", ""))
        if name in {"isinstance", "issubclass", "cast"}:
            return any(getattr(each, "id", getattr(each, "value", "")) in models for each in inside)
        return name == "of_kind" and any(isinstance(each, ast.Constant) and each.value in kinds for each in inside)
    return False


def test_nobody_asks_an_adapter_of_which_kind_it_is():
    """What differs between kinds is in the record of each; a new kind changes nobody.

    Lint asks one thing of the control adapter, which no record has yet.
    """
    kinds = {"rest", "mcp"}
    models = {"RestAdapter", "McpAdapter", "SkillAdapter"}
    found = [
        f"{file.relative_to(SOURCE)}:{node.lineno}"
        for file in sorted(set(SOURCE.rglob("*.py")) - entries_of_adapters())
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if asked_kind(node, kinds, models)
    ]
    assert not found


@pytest.mark.parametrize(
    "code",
    [
        'adapter.kind == "rest"',
        'unit.adapter != "mcp"',
        'kind in {"rest", "other"}',
        "isinstance(adapter, RestAdapter | McpAdapter)",
        'cast("McpAdapter", model)',
        'listener.of_kind("mcp")',
    ],
)
def test_asking_for_a_kind_is_seen(code):
    tree = ast.parse(code)
    assert any(asked_kind(node, {"rest", "mcp"}, {"RestAdapter", "McpAdapter"}) for node in ast.walk(tree))


def test_every_adapter_is_registered_in_each_room():
    """What a file may declare is the first; what is linked is among it, and that is what is served."""
    assert {model.kind: model for model in ADAPTERS}.items() >= {
        kind: linking.model for kind, linking in adapters.KINDS.items()
    }.items()
    assert {kind: served.linking for kind, served in registry.KINDS.items()} == adapters.KINDS
    assert {file.parent.name for file in SOURCE.glob("expose/*/adapter.py")} == registry.KINDS.keys()


def test_the_records_of_adapters_import_no_server():
    code = "import sys, naftiko.expose.registry; print({'mcp', 'starlette', 'uvicorn', 'anyio'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_the_stand_ins_do_not_know_the_engine():
    """A stand-in that shared the engine's code would repeat its mistakes."""
    for file in files_of("testing"):
        assert imported_rooms(file) <= GROUND | {"testing"}, file


def test_yaml_is_known_to_the_document_room_alone():
    for room in ROOMS[1:]:
        for file in files_of(room):
            text = file.read_text("utf-8")
            allowed = file.name in {"from_yaml.py", "from_markdown.py"}
            assert allowed or "import yaml" not in text, f"{file.relative_to(SOURCE)} imports yaml"


@pytest.mark.parametrize("room", ROOMS)
def test_modules_stay_small(room: str):
    for file in files_of(room):
        lines = len(file.read_text("utf-8").splitlines())
        assert lines <= 500, f"{file.relative_to(SOURCE)} has {lines} lines: it is asking to be two"


def test_no_drawer_for_everything():
    """No utils, helpers or common: a thing lives where its user lives, or has a name of its own."""
    for file in SOURCE.rglob("*.py"):
        assert file.stem not in {"utils", "util", "helpers", "helper", "common", "misc"}, file


def test_nobody_asks_an_action_of_which_kind_it_is():
    """What differs between calls, flows, functions and forwards is a method of theirs; a new kind changes nobody."""
    kinds = {"CallAction", "FlowAction", "MockAction", "ForwardAction", "FunctionAction"}
    for file in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "isinstance":
                asked = {name.id for name in ast.walk(node.args[1]) if isinstance(name, ast.Name)}
                assert not asked & kinds, f"{file.relative_to(SOURCE)}:{node.lineno}"
