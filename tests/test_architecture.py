"""Hold the import direction: cli → serve → expose → engine → link → plan → expression → document → ground."""

from __future__ import annotations

import ast
import functools
import importlib
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

import naftiko
from imports_of_modules import imports, long_functions, module_of, rooms_of, unlisted
from naftiko.document.model.adapters import ADAPTERS
from naftiko.expose import registry
from naftiko.link import adapters

SOURCE = Path(__file__).parent.parent / "src" / "naftiko"
ROOMS = ("document", "expression", "plan", "link", "engine", "expose", "serve", "cli")
GROUND = {"ground"}
SIDE_ROOMS = {"observe"}
"""Rooms that know nothing of the business: anybody may import them, they import only the ground floor."""


OF_THE_ROOT = frozenset({"__version__"})
"""What a room may take of the package's root, whose other names stand above all rooms."""
MOST_LINES = 500
MOST_LINES_OF_A_FUNCTION = 50


@functools.cache
def nodes_of(file: Path) -> list[ast.AST]:
    """Return all nodes of a module's code, parsed once for all tests."""
    return list(ast.walk(ast.parse(file.read_text("utf-8"))))


@pytest.fixture(scope="module", autouse=True)
def forgotten() -> Iterator[None]:
    """Keep what was parsed no longer than it is asked: it is a hundred megabytes."""
    yield
    nodes_of.cache_clear()


@functools.cache
def imported(file: Path) -> set[str]:
    module, is_package = module_of(file, SOURCE)
    return imports(file.read_text("utf-8"), module, is_package=is_package)


def imported_rooms(file: Path) -> set[str]:
    return rooms_of(imported(file), OF_THE_ROOT)


def files_of(room: str) -> list[Path]:
    return sorted((SOURCE / room).rglob("*.py"))


def above(names: set[str], room: str) -> set[str]:
    """Return the rooms that a module of ``room`` imports, and may not."""
    below = set(ROOMS[: ROOMS.index(room) + 1]) | GROUND | SIDE_ROOMS
    return rooms_of(names, OF_THE_ROOT) - below


def takes_yaml(names: set[str]) -> bool:
    return any(name.split(".")[0] == "yaml" for name in names)


@pytest.mark.parametrize("room", ROOMS)
def test_rooms_import_only_what_is_below_them(room: str):
    for file in files_of(room):
        wrong = above(imported(file), room)
        assert not wrong, f"{file.relative_to(SOURCE)} imports {wrong}"


def test_side_rooms_stand_on_the_ground_floor():
    for file in files_of("observe"):
        assert imported_rooms(file) <= GROUND | {"observe"}, file


def test_the_ground_floor_stands_on_itself():
    for file in files_of("ground"):
        assert imported_rooms(file) <= GROUND, file


def test_adapters_do_not_know_each_other():
    """An adapter is a package in ``expose/``; what two of them share stands beside them."""
    kinds = {file.parent.name for file in SOURCE.glob("expose/*/adapter.py")}
    for adapter in kinds:
        others = tuple(
            f"naftiko.{room}.{other}." for room in ("expose", "link.adapters") for other in kinds - {adapter}
        )
        for file in (*files_of(f"expose/{adapter}"), SOURCE / "link" / "adapters" / f"{adapter}.py"):
            known = {name for name in imported(file) if f"{name}.".startswith(others)} if file.exists() else set()
            assert not known, f"{file.relative_to(SOURCE)} knows {known}"


def entries_of_adapters() -> set[Path]:
    """Return the files that are about one kind of adapter: its model, how it is linked, how it is served."""
    models = {model.kind: SOURCE / Path(*model.__module__.split(".")[1:]).with_suffix(".py") for model in ADAPTERS}
    return {
        *models.values(),
        *(SOURCE / "link" / "adapters" / f"{kind}.py" for kind in models),
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
    """What differs between kinds is in the record of each; a new kind changes nobody."""
    kinds = {"rest", "mcp", "skill", "control"}
    models = {"RestAdapter", "McpAdapter", "SkillAdapter", "ControlAdapter"}
    found = [
        f"{file.relative_to(SOURCE)}:{node.lineno}"
        for file in sorted(set(SOURCE.rglob("*.py")) - entries_of_adapters())
        for node in nodes_of(file)
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
    assert {kind: served.linking() for kind, served in registry.KINDS.items()} == adapters.KINDS
    assert {file.parent.name for file in SOURCE.glob("expose/*/adapter.py")} == registry.KINDS.keys()


def test_the_records_of_adapters_import_no_server_and_link_nothing():
    code = "import sys, naftiko.expose.registry; print({'mcp', 'starlette', 'uvicorn', 'anyio', 'naftiko.plan'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_the_stand_ins_do_not_know_the_engine():
    """A stand-in that shared the engine's code would repeat its mistakes."""
    for file in files_of("testing"):
        assert imported_rooms(file) <= GROUND | {"testing"}, file


def test_yaml_is_known_to_the_document_room_alone():
    for file in sorted(SOURCE.rglob("*.py")):
        allowed = file.relative_to(SOURCE).parts[0] == "document" or file.name == "from_yaml.py"
        assert allowed or not takes_yaml(imported(file)), f"{file.relative_to(SOURCE)} imports yaml"


def test_modules_and_functions_stay_small():
    """Of the whole package; a docstring is no part of a function's length, decorators aren't either."""
    for file in sorted(SOURCE.rglob("*.py")):
        text = file.read_text("utf-8")
        lines = len(text.splitlines())
        assert lines <= MOST_LINES, f"{file.relative_to(SOURCE)} has {lines} lines: it is asking to be two"
        long = long_functions(text, MOST_LINES_OF_A_FUNCTION)
        assert not long, f"{file.relative_to(SOURCE)}: {long}"


def test_packages_list_their_public_names():
    """What ``__all__`` lacks is private; what it has is there."""
    for file in sorted(SOURCE.rglob("__init__.py")):
        module, _ = module_of(file, SOURCE)
        assert not (missing := unlisted(file.read_text("utf-8"))), f"{module}: __all__ lacks {missing}"
        package = importlib.import_module(module)
        for name in getattr(package, "__all__", ()):
            assert hasattr(package, name), f"{module} has no {name}"


def test_the_root_has_what_it_says():
    """Each of its names is imported for the type checker from where it is found when it is used."""
    assert set(naftiko.__all__) == {*naftiko._HOME_OF, "__version__"}
    typed = {name.rpartition(".")[::2] for name in imports((SOURCE / "__init__.py").read_text("utf-8"), "naftiko")}
    assert {(home, name) for name, home in naftiko._HOME_OF.items()} <= typed


def test_no_drawer_for_everything():
    """No utils, helpers or common: a thing lives where its user lives, or has a name of its own."""
    for file in SOURCE.rglob("*.py"):
        assert file.stem not in {"utils", "util", "helpers", "helper", "common", "misc"}, file


def asked_of(kinds: set[str], files: Iterable[Path]) -> list[str]:
    """Return where instances of some classes are asked for."""
    return [
        f"{file.relative_to(SOURCE)}:{node.lineno}"
        for file in files
        for node in nodes_of(file)
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "isinstance"
        if kinds & {name.id for name in ast.walk(node.args[1]) if isinstance(name, ast.Name)}
    ]


def subclasses_of(room: Path, name: str) -> set[str]:
    """Return the classes of a room that have another one as their base."""
    classes = (node for file in room.rglob("*.py") for node in nodes_of(file))
    return {
        each.name
        for each in classes
        if isinstance(each, ast.ClassDef) and any(getattr(base, "id", "") == name for base in each.bases)
    }


def test_nobody_asks_an_action_of_which_kind_it_is():
    """What differs between calls, flows, functions and forwards is a method of theirs; a new kind changes nobody."""
    kinds = subclasses_of(SOURCE, "Action")
    assert len(kinds) >= 5
    assert asked_of(kinds, SOURCE.rglob("*.py")) == []


def test_nobody_asks_a_step_of_which_kind_it_is():
    kinds = subclasses_of(SOURCE / "document", "Step") | subclasses_of(SOURCE, "StepPlan")
    assert len(kinds) >= 6
    assert asked_of(kinds, SOURCE.rglob("*.py")) == []


def test_nobody_asks_our_credentials_of_which_kind_they_are():
    """What an adapter asks of its callers is another thing: that is for whoever serves it to know."""
    kinds = subclasses_of(SOURCE / "document", "Authentication") | subclasses_of(SOURCE / "engine", "Credential")
    assert len(kinds) >= 10
    own = set((SOURCE / "engine" / "authentication").rglob("*.py"))
    files = [file for room in ("document", "plan", "engine") for file in files_of(room) if file not in own]
    assert asked_of(kinds, files) == []


FORMS = [
    ("from naftiko.cli.call import call", "naftiko.cli.call.call"),
    ("import naftiko.cli.call", "naftiko.cli.call"),
    ("import naftiko.cli.call as x", "naftiko.cli.call"),
    ("from naftiko import cli", "naftiko.cli"),
    ("from naftiko import load", "naftiko.load"),
    ("import naftiko\nnaftiko.load('x')", "naftiko.load"),
    ("from ..cli import call", "naftiko.cli.call"),
    ("from .. import cli", "naftiko.cli"),
    ("from .texts import shown", "naftiko.plan.texts.shown"),
    ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from naftiko.cli import call", "naftiko.cli.call"),
    ("def f():\n    from naftiko.cli import call", "naftiko.cli.call"),
    ("async def f():\n    import naftiko.cli", "naftiko.cli"),
    ("import importlib\nimportlib.import_module('naftiko.cli.call')", "naftiko.cli.call"),
    ("from importlib import import_module\nimport_module('naftiko.cli')", "naftiko.cli"),
    ("import importlib\nimportlib.import_module(f'naftiko.cli.{name}')", "naftiko.cli"),
    ("import importlib\nimportlib.import_module(f'{__name__}.{name}')", "naftiko.plan.planted"),
    ("__import__('naftiko.cli')", "naftiko.cli"),
    ("from yaml.nodes import Node", "yaml.nodes.Node"),
    ("import yaml.nodes", "yaml.nodes"),
    ("import yaml as y", "yaml"),
]


@pytest.mark.parametrize(("text", "name"), FORMS)
def test_every_form_of_import_is_seen(text, name):
    found = imports(text, "naftiko.plan.planted")
    assert name in found
    assert bool(above(found, "plan")) == (not name.startswith(("naftiko.plan", "yaml")))
    assert takes_yaml(found) == name.startswith("yaml")


def test_an_import_of_a_package_is_relative_to_itself():
    assert imports("from .a import b", "naftiko.plan", is_package=True) == {"naftiko.plan.a.b"}


@pytest.mark.parametrize(
    "text", ["from naftiko import __version__", "import naftiko\nnaftiko.__version__", "import re"]
)
def test_the_version_may_be_taken_of_the_root(text):
    assert not above(imports(text, "naftiko.document.planted"), "document")


@pytest.mark.parametrize(
    ("lines", "is_long"), [(49, False), (50, True)], ids=["a function of 50 lines", "a function of 51"]
)
@pytest.mark.parametrize("head", ["def f():", "async def f():", "class A:\n  def f(self):"])
def test_a_long_function_is_seen(head, lines, is_long):
    text = head + "".join(f"\n      x = {line}" for line in range(lines))
    assert bool(long_functions(text, 50)) == is_long
    documented = head + '\n      """One\n\n      two."""' + text.removeprefix(head)
    assert bool(long_functions(documented, 50)) == is_long


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("def made(): ...", {"made"}),
        ("class Made: ...\n__all__ = ['Made']", set()),
        ("MADE = 1\n_private = 2\n__all__ = []", {"MADE"}),
        ("MADE: int = 1", {"MADE"}),
        ("if True:\n    def made(): ...", {"made"}),
        ("import re\ndef _private(): ...", set()),
    ],
)
def test_a_public_name_that_is_not_listed_is_seen(text, missing):
    assert unlisted(text) == missing


def test_no_two_test_modules_have_one_name():
    """Tests are no packages: of two modules of a name only one is found in a run of all."""
    found: dict[str, list[str]] = {}
    for path in Path(__file__).parent.rglob("test_*.py"):
        found.setdefault(path.name, []).append(str(path))
    assert [places for places in found.values() if len(places) > 1] == []
