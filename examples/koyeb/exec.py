"""Koyeb's exec: a WebSocket whose first frame names a command, and whose answers are what that prints."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final

from examples.koyeb.account import INSTANCES, Instance
from naftiko.testing.conversation import Conversation

_INVALID: Final = 3
_NOT_FOUND: Final = 5
_COMMAND_NOT_FOUND: Final = 127
_FAILED: Final = 2
_BETWEEN: Final = 0.05
"""Seconds between the lines of a command that never ends."""


async def execute(conversation: Conversation) -> None:
    """Answer the first frame, and those that follow where a command reads them.

    ``echo WORDS``, ``hostname``, ``true``, ``false``, ``cat`` (its standard input), ``seq N`` (a frame a line), ``ls
    NAMES`` (writes to both streams and fails), ``yes WORD`` (never ends) and ``reboot`` (the connection is cut) are
    there; every other command ends with the exit code 127.
    """
    frame = await conversation.receive()
    given = frame.get("body") if isinstance(frame, dict) else None
    body: dict[str, Any] = given if isinstance(given, dict) else {}
    command = body.get("command")
    if not isinstance(command, list) or not command or not all(isinstance(word, str) for word in command):
        await _fail(conversation, _INVALID, "command: is mandatory in the first frame")
        return
    instance = _instance(frame)
    if instance is None:
        await _fail(conversation, _NOT_FOUND, "Instance not found")
        return
    async for reply in _replies(conversation, instance, command, body):
        await conversation.send({"result": reply})
    await conversation.close()


def _instance(frame: Mapping[str, Any]) -> Instance | None:
    wanted = "service_id" if frame.get("id_type") == "SERVICE_ID" else "id"
    return next((each for each in INSTANCES if getattr(each, wanted) == frame.get("id")), None)


async def _fail(conversation: Conversation, code: int, message: str) -> None:
    await conversation.send({"error": {"code": code, "message": message, "details": []}})
    await conversation.close()


async def _replies(
    conversation: Conversation, instance: Instance, command: Sequence[str], body: Mapping[str, Any]
) -> AsyncIterator[dict[str, Any]]:
    """Yield what a command prints, and its end."""
    match command:
        case ["cat"]:
            async for piece in _standard_input(conversation, body):
                yield {"stdout": {"data": piece}}
            yield {"exited": True, "exit_code": 0}
        case ["yes", *words]:
            while True:
                yield _output("stdout", " ".join(words or ["y"]) + "\n")
                await asyncio.sleep(_BETWEEN)
        case ["reboot"]:
            yield _output("stdout", "going down\n")
            conversation.cut()
        case _:
            printed, code = _printed(instance, command)
            for stream, text in printed:
                yield _output(stream, text)
            yield {"exited": True, "exit_code": code}


def _printed(instance: Instance, command: Sequence[str]) -> tuple[list[tuple[str, str]], int]:
    """Return what a command that ends prints, each piece with its stream, and its exit code."""
    match command:
        case ["echo", *words]:
            return [("stdout", " ".join(words) + "\n")], 0
        case ["hostname"]:
            return [("stdout", f"{instance.id}\n")], 0
        case ["true"] | ["false"]:
            return [], int(command[0] == "false")
        case ["seq", count]:
            return [("stdout", f"{number}\n") for number in range(1, int(count) + 1)], 0
        case ["ls", *names]:
            missing = [("stderr", f"ls: {name}: No such file or directory\n") for name in names]
            return [("stdout", "app\n"), *missing], _FAILED if names else 0
    return [("stderr", f"sh: {command[0]}: not found\n")], _COMMAND_NOT_FOUND


async def _standard_input(conversation: Conversation, body: Mapping[str, Any]) -> AsyncIterator[str]:
    given: Any = body
    while True:
        stdin = given.get("stdin") or {}
        if stdin.get("data"):
            yield stdin["data"]
        if stdin.get("close"):
            return
        frame = await conversation.receive()
        given = frame.get("body") or {}


def _output(stream: str, text: str) -> dict[str, Any]:
    return {stream: {"data": base64.b64encode(text.encode()).decode()}}
