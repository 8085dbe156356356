"""``naftiko inspect``: what a capability exposes, and what it calls."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from naftiko.cli.answers import dump
from naftiko.cli.check import load_usable, note_errors
from naftiko.cli.description import describe, variables
from naftiko.cli.diagnostics import wants_colour
from naftiko.cli.diagnostics.excerpt import harmless
from naftiko.cli.options import check_names, environment_option, shared_options
from naftiko.engine.settings import Settings
from naftiko.expose.registry import KINDS
from naftiko.expression.text import compact_json
from naftiko.observe import sanitize as neutral

_DESCRIPTION_WIDTH = 100
_LEVELS = {
    "operation": "the operation",
    "resource": "its resource",
    "api": "its API",
    "operator": "the operator",
    "unit": "its own",
    "adapter": "its adapter",
}
_READ_AS = {"prompt": "the text of"}
"""What is read of the location of a thing, where that is not its files."""


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@environment_option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    variable="NAFTIKO_INSPECT_FORMAT",
    help="How to write it.",
)
@click.option("--variables", "with_variables", is_flag=True, help="Show the variables that are needed instead.")
@shared_options
def inspect(settings: Settings, /, file: Path, form: str, *, with_variables: bool) -> None:
    """Show what a capability exposes, and what it calls.

    Every route, tool and resource with its inputs and the request it makes, the prompts, the adapters, and the consumed
    APIs. Secrets and values of variables are never shown.
    """
    capability = load_usable(file, settings)
    check_names([capability], settings)
    data: Any = variables(capability) if with_variables else describe(capability)
    if form == "json":
        click.echo(dump(data, "text"))
        return
    writer = _Writer(colour=wants_colour(sys.stdout))
    said = neutral.shown(data)
    lines = writer.variables(said) if with_variables else writer.capability(said)
    click.echo("\n".join(lines), color=True)
    note_errors(capability)


class _Writer:
    """Writes what ``description`` says as text."""

    def __init__(self, *, colour: bool) -> None:
        self._colour = colour

    def capability(self, data: dict[str, Any]) -> Iterator[str]:
        yield self._bold(harmless(data["label"]))
        if data["description"]:
            yield f"  {_one_line(data['description'])}"
        for api in data["consumes"]:
            base = api["baseUri"] or "no base URI: give one with --base-uri"
            how = api["authentication"] or "no authentication"
            yield ""
            yield f"consumes {self._bold(harmless(api['namespace']))}  {harmless(base)}  ({how})"
        yield from self._uses(data["uses"])
        for adapter in data["exposes"]:
            yield ""
            yield f"exposes {self._bold(harmless(adapter['namespace'] or adapter['type']))}  {_where(adapter)}"
            for unit in adapter["units"]:
                yield from self._unit(unit)
            for noun in KINDS[adapter["type"]].nouns:
                for thing in adapter.get(f"{noun}s", ()):
                    yield from self._thing(noun, thing if isinstance(thing, dict) else {"name": thing})

    def _uses(self, uses: dict[str, Any]) -> Iterator[str]:
        for variable in uses["variables"]:
            source = f" ({variable['source']})" if variable["source"] else ""
            yield ""
            targets = harmless(", ".join(variable["targets"]))
            yield f"uses {self._bold(harmless(variable['name']))}{harmless(source)}  → {targets}"
        for file in uses["files"]:
            where = f"  {self._red('outside of its directory')}" if file["outside"] else ""
            why = f"  {self._red('not read:')} {harmless(file['refused'])}" if file["refused"] else ""
            yield ""
            yield f"reads {self._bold(harmless(file['path']))}  ({harmless(file['for'])}){where}{why}"

    def _unit(self, unit: dict[str, Any]) -> Iterator[str]:
        route = f"{unit['method']} {unit['path']}" if unit["method"] else unit["path"] or ""
        title = f"{route}  {unit['name']}" if route else unit["name"]
        alias = f"  (shown as {unit['alias']})" if unit["alias"] != unit["name"] else ""
        yield from self._title(f"{self._bold(harmless(title))}{alias}", unit["description"])
        cache = unit.get("cache")
        if cache:
            tags = [word for word in ("etag", "propagate") if cache[word]]
            said = [cache["control"], *(f"vary {name}" for name in cache.get("vary", ())), *tags]
            yield f"    callers may keep it: {harmless(', '.join(filter(None, said)))}"
        yield from self._call(unit)

    def _thing(self, noun: str, thing: dict[str, Any]) -> Iterator[str]:
        """Write what an adapter exposes beside its units: where it comes from, and what it takes."""
        name, uri = thing["name"] or "", thing.get("uri")
        shown = name if uri in {None, name} else f"{uri}  {name}"
        yield from self._title(f"{noun} {self._bold(harmless(shown))}", thing.get("description"))
        if thing.get("location"):
            yield f"    -> {_READ_AS.get(noun, 'files of')} {harmless(thing['location'])}"
        elif "upstream" in thing:
            yield from self._call(thing)
        arguments = thing.get("arguments", ())
        yield from _table(
            [(harmless(each["name"] or ""), "required" if each["required"] else "optional") for each in arguments],
            [each["description"] for each in arguments],
        )
        tools = thing.get("tools", ())
        yield from _table(
            [(harmless(each["name"]), "read" if each["instruction"] else each["mode"]) for each in tools],
            [each["instruction"] or f"{each['namespace']}/{each['action']}" for each in tools],
        )

    @staticmethod
    def _title(title: str, description: str | None) -> Iterator[str]:
        yield ""
        yield f"  {title}"
        if description:
            yield f"    {_one_line(description)}"

    def _call(self, unit: dict[str, Any]) -> Iterator[str]:
        if not unit["executable"]:
            yield f"    {self._red('not executable:')} {harmless(unit['reason'])}"
        for request in unit["upstream"]:
            step = f"{request['step']}: " if "step" in request else ""
            yield f"    -> {harmless(step)}{request['method']} {harmless(request['url'])}"
            if "stream" in request:
                said = ", ".join(f"{key} {value}" for key, value in request["stream"].items())
                yield f"         stream: {harmless(said)}"
            if "redact" in request:
                yield f"         redacted: {harmless(', '.join(request['redact']))}"
            yield from self._policies(request.get("policies", ()))
        if "redact" in unit:
            yield f"      redacted: {harmless(', '.join(unit['redact']))}"
        if unit["executable"] and not unit["upstream"]:
            yield "    -> nothing: the answer is made of the file (a mock)"
        if "limits" in unit:
            values = {key: value for key, value in unit["limits"].items() if key not in ("from", "scope")}
            level = _LEVELS.get(unit["limits"]["from"], unit["limits"]["from"])
            said = ", ".join(f"{key} {value}" for key, value in values.items())
            yield f"      limits of a caller (of {level}): {harmless(said)}"
        yield from self._inputs(unit["inputs"])

    @staticmethod
    def _policies(policies: Sequence[dict[str, Any]]) -> Iterator[str]:
        for each in policies:
            values = {key: value for key, value in each.items() if key not in ("policy", "from")}
            said = ", ".join(f"{key} {compact_json(value).strip(chr(34))}" for key, value in values.items())
            level = _LEVELS.get(each["from"], each["from"])
            yield f"         {each['policy']} (of {level}): {harmless(said)}"

    @staticmethod
    def _inputs(inputs: list[dict[str, Any]]) -> Iterator[str]:
        rows = [
            (
                harmless(given["alias"] if given["alias"] == given["name"] else f"{given['name']} ({given['alias']})"),
                given["in"],
                given["type"] or "any",
                "required" if given["required"] else "optional",
            )
            for given in inputs
        ]
        yield from _table(rows, [given["description"] for given in inputs])

    def variables(self, data: list[dict[str, Any]]) -> Iterator[str]:
        if not data:
            yield "no variables are needed"
        width = max((len(variable["name"]) for variable in data), default=0)
        for variable in data:
            state = "set    " if variable["set"] else self._red("missing")
            needed = ", ".join(variable["neededBy"])
            advice = "" if variable["set"] else f"; {variable['hint']}"
            yield f"{variable['name'].ljust(width)}  {state}  needed by {harmless(needed)}{harmless(advice)}"

    def _bold(self, text: str) -> str:
        return click.style(text, bold=True) if self._colour else text

    def _red(self, text: str) -> str:
        return click.style(text, fg="red") if self._colour else text


def _table(rows: Sequence[tuple[str, ...]], descriptions: Sequence[str | None]) -> Iterator[str]:
    """Yield aligned lines, each with its description."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row, description in zip(rows, descriptions, strict=True):
        cells = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield f"      {cells}  {_one_line(description or '')}".rstrip()


def _where(adapter: dict[str, Any]) -> str:
    if adapter["transport"] == "stdio":
        place = "stdio"
    else:
        place = f"{adapter['address']}:{adapter['port'] if adapter['port'] is not None else 'any port'}"
    guard = f", {adapter['authentication']}" if adapter["authentication"] else ""
    return f"{adapter['type']} at {harmless(place)}{guard}"


def _one_line(text: str) -> str:
    line = harmless(" ".join(text.split()))
    return line if len(line) <= _DESCRIPTION_WIDTH else f"{line[: _DESCRIPTION_WIDTH - 1]}…"
