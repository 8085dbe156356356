"""Hold the import direction: cli → serve → expose → engine → plan → document, errors and types at the bottom."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

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
    adapters = {"rest", "mcp", "skill", "control"}
    for adapter in adapters:
        for file in files_of(f"expose/{adapter}"):
            for other in adapters - {adapter}:
                assert f"naftiko.expose.{other}" not in file.read_text("utf-8"), f"{file} knows {other}"


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
