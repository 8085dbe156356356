"""``naftiko call``: run one operation or tool from the command line, read a resource, or fill in a prompt."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from naftiko.cli.acts import Acts
from naftiko.cli.answers import dump, write_answer, write_error, write_explained, write_items, write_request
from naftiko.cli.arguments import Arguments, parse_arguments
from naftiko.cli.check import load_usable
from naftiko.cli.diagnostics.excerpt import harmless
from naftiko.cli.options import check_names, environment_option, shared_options, warn
from naftiko.cli.terminal import say
from naftiko.cli.units import NamedPrompt, NamedUnit, find
from naftiko.engine.capability import Capability, Unit
from naftiko.engine.explain import explain, planned
from naftiko.engine.mock import described
from naftiko.engine.run import AS_IT_COMES, PLAIN
from naftiko.engine.sending import NOTE
from naftiko.engine.settings import Settings
from naftiko.engine.streaming.answering import StreamedItems
from naftiko.engine.transport.environment import environment_faults
from naftiko.expose.registry import for_callers
from naftiko.expression.scope import Scope, StandIn
from naftiko.ground.errors import CallError, InputError
from naftiko.plan.streamed import is_streamed

_EXIT_USAGE = 2


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("unit")
@click.argument("inputs", nargs=-1, metavar="[NAME=VALUE | NAME:=JSON | NAME=@FILE]...")
@click.option(
    "--adapter",
    type=click.Choice([kind.kind for kind in for_callers() if kind.runs]),
    help="Where to look for UNIT; default: both.",
)
@click.option("--dry-run", is_flag=True, help="Show the request, secrets hidden, and send nothing.")
@click.option("--explain", "explained", is_flag=True, help="Show for each output which expression gave it.")
@environment_option(
    "--mock", is_flag=True, variable="NAFTIKO_MOCK", help="Send nothing; answer with the request instead."
)
@environment_option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "raw"]),
    default="text",
    show_default=True,
    variable="NAFTIKO_CALL_FORMAT",
    help="text: indented JSON; json: one line of JSON; raw: the bytes of the answer.",
)
@shared_options
def call(
    settings: Settings,
    /,
    file: Path,
    unit: str,
    inputs: tuple[str, ...],
    form: str,
    **flags: Any,
) -> None:
    """Run one operation or tool, read a resource, or fill in a prompt.

    UNIT is a name, a method and path such as "GET /v1/instances", or the URI of a resource; "resource NAME" and
    "prompt NAME" where a tool has the same name. Values are read as the type that the input declares; NAME:=JSON takes
    any JSON, NAME=@FILE the text of a file, or its bytes where the input stands for bytes. A name that stands several
    times is a list.

    Exit code: 0 if there is an answer, 1 if the call failed, 2 if UNIT or the inputs are wrong.
    """
    dry = flags["dry_run"]
    acts = Acts() if flags["explained"] and not dry else None
    capability = load_usable(file, replace(settings, mock=dry or flags["mock"], observer=acts or settings.observer))
    check_names([capability], settings)
    named = find(capability, unit, flags["adapter"], [each.partition("=")[0].removesuffix(":") for each in inputs])
    if isinstance(named, NamedUnit):
        given = parse_arguments(inputs, named.unit)
        given.values = {**named.values, **given.values}
        given.text.update(named.values)
        if not dry and not flags["mock"]:
            for fault in environment_faults():
                warn(fault)
        work = _show_request if dry else _explain if flags["explained"] else _answer
        try:
            asyncio.run(_run(work, capability, named.unit, given, form))
        finally:
            if acts is not None:
                acts.write(capability.variables.redactor)
        return
    from naftiko.expose.mcp.sdk import import_server  # noqa: PLC0415  # the SDK takes a third of a second to import

    import_server()
    from naftiko.cli.showing import show_files, show_prompt  # noqa: PLC0415  # likewise

    if isinstance(named, NamedPrompt):
        show_prompt(capability, named, inputs, form)
    elif inputs:
        raise click.UsageError(f"`{named.resource.name}` is read from files; it takes no inputs")
    else:
        show_files(capability, named, form)


_Work = Callable[[Capability, Unit, dict[str, Any], Arguments, str], Awaitable[None]]


async def _run(work: _Work, capability: Capability, unit: Unit, given: Arguments, form: str) -> None:
    """Do the work; a call that fails is told on stderr."""
    async with capability:
        _learn_secrets(capability)
        try:
            values = unit.plan.inputs.spread(given.values)
            can_run = unit.plan.action is not None  # what can't says why, whatever its inputs are
            checked = unit.plan.inputs.check(values, text=frozenset(given.text)) if can_run else {}
            await work(capability, unit, checked, given, form)
        except CallError as error:
            write_error(error, capability.variables.redactor, form)
            sys.exit(_EXIT_USAGE if isinstance(error, InputError) else 1)


async def _answer(capability: Capability, unit: Unit, checked: dict[str, Any], given: Arguments, form: str) -> None:
    action = unit.plan.action
    streams = action is not None and is_streamed(action)
    answer = await unit.run_checked(checked, given.body, finish=AS_IT_COMES if streams else PLAIN)
    if isinstance(answer.stream, StreamedItems):
        note = await write_items(answer.stream, form)
        answer.headers = [*answer.headers, *([(NOTE, note)] if note else [])]
    else:
        write_answer(answer, form)
    for note in (value for name, value in answer.headers if name == NOTE):
        say(f"note: {harmless(capability.variables.redactor.redact(note))}", err=True)


async def _explain(capability: Capability, unit: Unit, checked: dict[str, Any], given: Arguments, form: str) -> None:
    write_explained(await explain(capability.engine, unit.plan, checked, given.body), form)


async def _show_request(
    capability: Capability, unit: Unit, checked: dict[str, Any], given: Arguments, form: str
) -> None:
    """Show what would be sent; a variable without a value stands as its name."""
    action = unit.plan.action
    if action is not None and action.has_steps:
        steps = await planned(capability.engine, unit.plan, checked)
        if form == "text":
            for step, request in steps.items():
                for each in request if isinstance(request, list) else [request]:
                    say(f"# step {step}")
                    write_request(each)
        else:
            say(dump({"steps": steps}, form))
    else:
        request = described(
            await capability.engine.request(unit.plan, checked, given.body), capability.variables.redactor
        )
        if form == "text":
            write_request(request)
        else:
            say(dump(request, form))
    missing = _missing(capability, unit)
    if missing:
        say(f"note: without a value: {', '.join(missing)}; a call would fail", err=True)


def _missing(capability: Capability, unit: Unit) -> list[str]:
    """Return the variables that this unit's calls need and that have no value."""
    needed: dict[str, None] = {}
    action = unit.plan.action
    for _, call in () if action is None else action.calls:
        operation = call.operation
        needed.update(dict.fromkeys((*capability.plan.apis[operation.api].variables, *operation.variables)))
    return [name for name in needed if capability.variables.get(name) is None]


def _learn_secrets(capability: Capability) -> None:
    """Hide the values of all credentials, those that stand in the file or on the command line too."""
    scope = Scope({}, capability.engine.variables)
    for api in capability.plan.apis.values():
        for key, secret in api.secrets.items():
            if api.authentication is not None and (mark := api.authentication.mark(key)).is_secret:
                try:
                    value = secret(scope)
                except CallError:  # a variable without a value has none to hide
                    continue
                if not isinstance(value, StandIn) and mark.hides(str(value)):
                    capability.variables.redactor.learn(str(value))
