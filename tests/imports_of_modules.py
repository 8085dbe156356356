"""What a module imports, in whatever form it is written, and what a package says is its own."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

PACKAGE = "naftiko"


def imports(text: str, module: str, *, is_package: bool = False) -> set[str]:
    """Return the dotted names that a module imports.

    An import for the type checker alone, or inside a function, is an import: whoever needs a type of a room depends on
    it as whoever calls it. ``from package import name`` gives ``package.name``, a module or what a module has. A
    relative import is resolved. ``import_module("package.name")`` and ``__import__`` count with a literal, and with
    the literal beginning of an f-string; ``{__name__}`` in it is the module itself. Of ``import naftiko`` each name
    that is taken of it counts: ``naftiko.load``.

    Args:
        text: of the module.
        module: its dotted name.
        is_package: whether it is the ``__init__`` of that name.
    """
    tree = ast.parse(text)
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            source = _absolute(node, module, is_package=is_package)
            found |= {f"{source}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.Call) and node.args and _name(node.func) in {"import_module", "__import__"}:
            found |= set(_literal(node.args[0], module))
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == PACKAGE:
            found.add(f"{PACKAGE}.{node.attr}")
    return found


def _absolute(node: ast.ImportFrom, module: str, *, is_package: bool) -> str:
    if not node.level:
        return node.module or ""
    parts = module.split(".")
    base = parts[: len(parts) - node.level + is_package]
    return ".".join([*base, node.module] if node.module else base)


def _name(called: ast.expr) -> str:
    return called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")


def _literal(argument: ast.expr, module: str) -> Iterator[str]:
    """Yield the name that a call imports, or the part of it that is certain."""
    if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
        yield argument.value
    if isinstance(argument, ast.JoinedStr):
        text = ""
        for part in argument.values:
            if isinstance(part, ast.Constant):
                text += str(part.value)
            elif isinstance(part, ast.FormattedValue) and _name(part.value) == "__name__":
                text += module
            else:
                break
        yield text.rstrip(".")


def rooms_of(names: set[str], root_names: frozenset[str] = frozenset()) -> set[str]:
    """Return the first parts of those names that are the package's own, without ``root_names`` of its root."""
    own = {name.split(".")[1] for name in names if name.startswith(f"{PACKAGE}.")}
    return own - root_names


def module_of(file: Path, source: Path) -> tuple[str, bool]:
    """Return the dotted name of a file under ``source``, the package's folder, and whether it is a package's own."""
    parts = [PACKAGE, *file.relative_to(source).with_suffix("").parts]
    is_package = parts[-1] == "__init__"
    return ".".join(parts[:-1] if is_package else parts), is_package


def long_functions(text: str, most: int) -> list[str]:
    """Return the functions with more lines than ``most``; docstring and decorators don't count."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            first = node.body[0]
            has_docstring = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
            documented = (first.end_lineno or 0) - first.lineno + 1 if has_docstring else 0
            lines = (node.end_lineno or 0) - node.lineno + 1 - documented
            if lines > most:
                found.append(f"{node.name} ({lines} lines)")
    return found


def unlisted(text: str) -> set[str]:
    """Return the public names that a package makes and ``__all__`` lacks.

    A name that it only imports is not to be imported from it unless it is listed, which mypy holds.
    """
    tree = ast.parse(text)
    listed: set[str] = set()
    made: set[str] = set()
    for node in _top_level(tree.body):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            made.add(node.name)
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = {target.id for target in targets if isinstance(target, ast.Name)}
            if "__all__" in names and node.value is not None:
                listed = set(ast.literal_eval(node.value))
            made |= names
    return {name for name in made if not name.startswith("_")} - listed


def _top_level(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    for node in body:
        if isinstance(node, ast.If):
            yield from _top_level([*node.body, *node.orelse])
        else:
            yield node
