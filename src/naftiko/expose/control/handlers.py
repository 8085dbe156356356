"""What each route of a control adapter answers."""

from __future__ import annotations

import asyncio
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from naftiko import __version__
from naftiko.document.writing import as_yaml
from naftiko.expose.control import contract, merging
from naftiko.expose.control.contract import STARTED, Processes
from naftiko.expose.http.replies import Refused, Reply, json_object
from naftiko.observe import levels

OK = int(HTTPStatus.OK)
_UNAVAILABLE = int(HTTPStatus.SERVICE_UNAVAILABLE)
_NOT_FOUND = int(HTTPStatus.NOT_FOUND)
_CONFLICT = int(HTTPStatus.CONFLICT)
LEVELS: Final = tuple(levels.LEVELS)
STATES: Final = ("up", "drain", "down")
_BAD = int(HTTPStatus.BAD_REQUEST)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that is let in.

    Attributes:
        processes: what is operated.
        files: the capabilities that it may see by this route.
        own: the control adapters among them: ``type``, ``namespace``, ``port``, ``state``.
        name: what the path names, if it names anything.
        query: the last value of each name.
        body: of a method that has one.
        metrics_prefix: what the names of metrics begin with.
    """

    processes: Processes
    files: Sequence[str]
    own: Sequence[Mapping[str, Any]]
    name: str
    query: Mapping[str, str]
    body: bytes
    metrics_prefix: str

    async def answers(self, question: str, **given: Any) -> list[Any]:
        """Return the answers of the processes that answer.

        Raises:
            Refused: none does.
        """
        answers = await self.processes.ask(question, **given)
        found = merging.heard(answers)
        if not found:
            said = "; ".join(dict.fromkeys(each.reason for each in merging.silent(answers)))
            detail = said or "no process serves yet"
            raise Refused(_UNAVAILABLE, "no-answer", detail, (("retry-after", "1"),))
        return found

    def text(self) -> str | None:
        """Return the body as text; ``None`` for an empty one.

        Raises:
            Refused: it is no text.
        """
        try:
            return self.body.decode("utf-8-sig") if self.body.strip() else None
        except UnicodeDecodeError:
            raise Refused(_BAD, "invalid-body", "the body is not UTF-8") from None


async def live(asked: Asked) -> Reply:
    """Tell that this process answers."""
    del asked
    return Reply(OK, {"status": "UP"})


async def ready(asked: Asked) -> Reply:
    """Tell whether every adapter that callers have is served by every process."""
    answers = await asked.processes.ask(contract.ADAPTERS, files=asked.files)
    found = merging.adapters(merging.heard(answers))
    unheard = merging.silent(answers)
    is_ready = bool(answers) and not unheard and all(each["state"] == STARTED for each in found)
    said: dict[str, Any] = {"status": "UP" if is_ready else "DEGRADED", "adapters": _shown(asked, found)}
    if unheard:
        said["reason"] = "; ".join(dict.fromkeys(each.reason for each in unheard))
    return Reply(OK if is_ready else _UNAVAILABLE, said)


def _shown(asked: Asked, found: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return adapters as they are shown: those of callers, and the control adapters after them."""
    several = len(asked.files) > 1
    hidden = () if several else ("file",)
    return [
        {name: value for name, value in each.items() if name not in hidden and value not in (None, "")}
        for each in (*found, *asked.own)
    ]


async def status(asked: Asked) -> Reply:
    """Tell what runs, for how long, and in which state."""
    about = await asked.answers(contract.ABOUT, files=asked.files)
    adapters = merging.adapters(await asked.answers(contract.ADAPTERS, files=asked.files))
    first = about[0]
    capabilities = first["capabilities"]
    said: dict[str, Any] = {
        "capability": capabilities[0] if capabilities else {},
        "engine": {
            "version": __version__,
            "java": None,
            "native": False,
            "name": "naftiko",
            "python": platform.python_version(),
        },
        "uptime": merging.duration(max(each["uptime"] for each in about)),
        "otel": first["otel"],
        "adapters": _shown(asked, adapters),
    }
    if len(capabilities) > 1:
        said["capabilities"] = capabilities
    circuits = merging.circuits([each["circuits"] for each in about])
    if circuits:
        said["circuits"] = circuits
    limits = merging.limits([each["limits"] for each in about])
    if limits:
        said["limits"] = limits
    shared = merging.shared([each["shared"] for each in about])
    if shared:
        said["shared"] = shared
    return Reply(OK, said)


async def configuration(asked: Asked) -> Reply:
    """Show the documents that are served, imports joined, no value of a variable among them."""
    form = asked.query.get("format", "yaml")
    if form not in ("yaml", "json"):
        raise Refused(_BAD, "invalid-input", f"`format` is yaml or json, not `{form[:40]}`")
    documents = (await asked.answers(contract.DOCUMENTS, files=asked.files))[-1]
    if form == "json":
        return Reply(OK, documents[0] if len(documents) == 1 else documents)
    return Reply(OK, as_yaml(documents).encode(), "application/yaml")


async def validate(asked: Asked) -> Reply:
    """Check what a file would be in place of the one that is served."""
    return Reply(OK, (await asked.answers(contract.VALIDATE, files=asked.files, text=asked.text()))[0])


async def reload(asked: Asked) -> Reply:
    """Read the files again, or take another text for the one file that there is."""
    text = asked.text()
    if text is not None and len(asked.files) != 1:
        detail = f"a body is the new text of one capability, and {len(asked.files)} are operated here"
        return Reply(_CONFLICT, {"status": "rejected", "reason": detail})
    answers = await asked.answers(contract.RELOAD, files=asked.files, text=text)
    refused = next((each for each in answers if each["status"] != "applied"), None)
    return Reply(OK, answers[0]) if refused is None else Reply(_CONFLICT, refused)


async def dependencies(asked: Asked) -> Reply:
    """Tell which consumed APIs can be reached, and work; none of them makes the capability less ready."""
    answers = await asked.answers(contract.DEPENDENCIES, files=asked.files)
    about = await asked.answers(contract.ABOUT, files=asked.files)
    circuits = merging.circuits([each["circuits"] for each in about])
    found = [
        merging.with_circuits(each, circuits)
        for each in merging.by_name(answers, lambda one, other: one["state"] != "UP" and other["state"] == "UP")
    ]
    is_up = all(each["state"] == "UP" for each in found) and all(each["state"] == "closed" for each in circuits)
    return Reply(OK, {"status": "UP" if is_up else "DEGRADED", "dependencies": found})


async def metrics(asked: Asked) -> Reply:
    """Write the figures of all processes, added up, as Prometheus reads them."""
    found = [each for each in await asked.answers(contract.FIGURES) if each is not None]
    if not found:
        return Reply(_UNAVAILABLE, {"error": "nothing is measured: telemetry is off"})
    from naftiko.observe.exposition import CONTENT_TYPE, added, exposition  # noqa: PLC0415  # only where there are some

    return Reply(OK, exposition(added(found), asked.metrics_prefix).encode(), CONTENT_TYPE)


async def traces(asked: Asked) -> Reply:
    """List the last traces of all processes."""
    given = {"operation": asked.query.get("operation") or None, "status": asked.query.get("status") or None}
    found = [each for each in await asked.answers(contract.TRACES, **given) if each is not None]
    return Reply(OK, merging.traces(found)) if found else _untraced()


async def trace(asked: Asked) -> Reply:
    """Show one trace with its spans."""
    if not any(each is not None for each in await asked.answers(contract.TRACES, operation=None, status=None)):
        return _untraced()
    found = [each for each in await asked.answers(contract.TRACE, id=asked.name) if each is not None]
    if not found:
        return Reply(_NOT_FOUND, {"error": f"Trace not found: {asked.name}"})
    return Reply(OK, merging.trace(found))


def _untraced() -> Reply:
    return Reply(_UNAVAILABLE, {"error": "nothing is traced: telemetry is off"})


async def loggers(asked: Asked) -> Reply:
    """List the loggers with their levels."""
    found: dict[str, Any] = {}
    for answer in await asked.answers(contract.LOGGERS):
        found |= answer
    return Reply(OK, {"loggers": dict(sorted(found.items(), key=lambda each: (each[0] != "ROOT", each[0])))})


async def logger(asked: Asked) -> Reply:
    """Show the levels of one logger."""
    found = (await asked.answers(contract.LOGGERS))[0]
    if asked.name not in found:
        raise Refused(_NOT_FOUND, "not-found", f"there is no logger `{asked.name[:100]}`; GET /logs lists them")
    return Reply(OK, found[asked.name])


async def set_level(asked: Asked) -> Reply:
    """Change the level of a logger, until the process ends."""
    level = json_object(asked.body).get("level")
    if level not in LEVELS:
        raise Refused(_BAD, "invalid-input", f"`level` must be one of {', '.join(LEVELS)}")
    if len(asked.name) > _LONGEST_NAME or not asked.name.isprintable():
        raise Refused(_BAD, "invalid-input", "this can't be the name of a logger")
    await asked.answers(contract.SET_LEVEL, logger=asked.name, level=level)
    return Reply(int(HTTPStatus.NO_CONTENT))


_LONGEST_NAME = 200


async def lifecycle(asked: Asked) -> Reply:
    """Tell which adapters take calls."""
    return Reply(OK, _lives(await asked.answers(contract.LIFECYCLE, files=asked.files)))


async def steer(asked: Asked) -> Reply:
    """Let an adapter, or all of them, take calls or take none."""
    state = json_object(asked.body).get("state")
    if state not in STATES:
        raise Refused(_BAD, "invalid-input", f"`state` must be one of {', '.join(STATES)}")
    answers = await asked.answers(contract.STEER, files=asked.files, namespace=asked.name or None, state=state)
    if not any(answers):
        raise Refused(_NOT_FOUND, "not-found", f"there is no adapter `{asked.name[:100]}`; GET /lifecycle lists them")
    if (
        state == "drain"
        and not asked.name
        and all(each["isWhole"] for each in await asked.answers(contract.ABOUT, files=asked.files))
    ):
        leaving = asyncio.create_task(_leave(asked))
        _LEAVING.add(leaving)
        leaving.add_done_callback(_LEAVING.discard)
    return Reply(OK, _lives(answers))


_LEAVING: Final[set[asyncio.Task[None]]] = set()
"""Those who wait for the last call, so that nobody forgets them."""
_LOOK_SECONDS: Final = 0.1


async def _leave(asked: Asked) -> None:
    """End the processes when all calls are finished, unless somebody changed their mind."""
    while True:
        answers = merging.heard(await asked.processes.ask(contract.LIFECYCLE, files=asked.files))
        states = {each["state"] for answer in answers for each in answer}
        if "up" in states:
            return
        if "drain" not in states:
            await asked.processes.stop()
            return
        await asyncio.sleep(_LOOK_SECONDS)


def _lives(answers: Sequence[Sequence[Mapping[str, Any]]]) -> dict[str, Any]:
    order = ("up", "down", "drain")
    found = merging.by_name(answers, lambda one, other: order.index(one["state"]) > order.index(other["state"]))
    states = [each["state"] for each in found]
    whole = "drain" if "drain" in states else "up" if "up" in states or not states else "down"
    return {"state": whole, "adapters": found}


async def scripting(asked: Asked) -> Reply:
    """Show or change what scripts may do."""
    change = json_object(asked.body) if asked.body else None
    found = [each for each in await asked.answers(contract.SCRIPTING, files=asked.files, change=change) if each]
    if not found:
        raise Refused(_NOT_FOUND, "not-found", "no script runs here")
    failed = next((each for each in found if "error" in each), None)
    if failed is not None:
        return Reply(_BAD, failed)
    return Reply(OK, {**found[0], "stats": merging.stats([each["stats"] for each in found])})
