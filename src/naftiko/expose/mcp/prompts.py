"""Prompts: messages with ``{{argument}}`` in them, inline or from a file (SEMANTICS 7)."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from mcp.server.context import ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp_types import INTERNAL_ERROR, INVALID_PARAMS, GetPromptRequestParams, PaginatedRequestParams

from naftiko.document.model import McpPrompt, PromptArgument
from naftiko.document.suggest import did_you_mean
from naftiko.engine.reach import OutOfReach, is_there
from naftiko.expose.mcp import revisions
from naftiko.expose.mcp.sources import McpSource
from naftiko.expression.text import as_text
from naftiko.observe import sanitize as neutral

_log = logging.getLogger(__name__)
_PLACEHOLDER: Final = re.compile(r"\{\{\s*([\w.$-]+)\s*\}\}")
_LARGEST_FILE: Final = 1024 * 1024


def substitute(text: str, values: Mapping[str, str]) -> str:
    """Fill ``{{name}}`` in one pass: values are not filled again, and an unknown name stays as it is."""
    return _PLACEHOLDER.sub(lambda found: values.get(found[1], found[0]), text)


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt; its text is in ``model.template``, or in ``file``, unless that is ``refused`` for a reason."""

    model: McpPrompt
    name: str
    file: Path | None
    refused: str = ""

    def declaration(self) -> dict[str, Any]:
        """Return it as it is listed, in wire form."""
        said = {"name": self.name, "title": self.model.label, "description": self.model.description}
        shown: dict[str, Any] = {name: value for name, value in said.items() if value}
        arguments = [_argument(argument) for argument in self.model.arguments if argument.name]
        if arguments:
            shown["arguments"] = arguments
        declared: dict[str, Any] = neutral.declared(shown)
        return declared

    def values(self, given: Mapping[str, str]) -> dict[str, str]:
        """Return the arguments' values, defaults filled in; an optional one that is absent is empty text.

        Raises:
            MCPError: -32602, required ones are missing.
        """
        values = dict(given)
        missing: list[str] = []
        for argument in self.model.arguments:
            if argument.name and argument.name not in values:
                if argument.default is not None:
                    values[argument.name] = as_text(argument.default)
                elif argument.required:
                    missing.append(argument.name)
                else:
                    values[argument.name] = ""
        if missing:
            named = ", ".join(f"`{name}`" for name in missing)
            raise MCPError(INVALID_PARAMS, f"The prompt `{self.name}` needs {named}", {"missing": missing})
        return values

    async def messages(self, values: Mapping[str, str]) -> list[dict[str, Any]]:
        """Return its messages with the values filled in, in wire form; a file is one message of the user.

        Raises:
            MCPError: the file can't be read.
        """
        if self.refused:
            raise MCPError(INTERNAL_ERROR, f"The file of the prompt `{self.name}` lies where it may not be read")
        if self.file is not None:
            text = await asyncio.to_thread(self._read, self.file)
            return [_message("user", substitute(neutral.prose(text), values))]
        said = [(message.role, neutral.prose(message.content)) for message in self.model.template]
        return [_message(role, substitute(text, values)) for role, text in said]

    def _read(self, file: Path) -> str:
        try:
            if file.resolve(strict=True) != file:  # it was a file of its own when it was found
                raise MCPError(INTERNAL_ERROR, f"The file of the prompt `{self.name}` has become a link")
            if file.stat().st_size > _LARGEST_FILE:
                raise MCPError(INTERNAL_ERROR, f"The file of the prompt `{self.name}` is larger than 1 MiB")
            return file.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            _log.warning("the prompt `%s` can't be read: %s", self.name, error)
            raise MCPError(INTERNAL_ERROR, f"The file of the prompt `{self.name}` can't be read") from None


def _argument(argument: PromptArgument) -> dict[str, Any]:
    said = {"name": argument.name, "title": argument.label, "description": argument.description}
    shown: dict[str, Any] = {name: value for name, value in said.items() if value}
    return {**shown, "required": argument.required and argument.default is None}


def _message(role: str, text: str) -> dict[str, Any]:
    return {"role": role, "content": {"type": "text", "text": text}}


def prompt_of(source: McpSource, model: McpPrompt, name: str) -> Prompt:
    """Return a prompt as it is served; what is wrong with its file is logged."""
    try:
        file = source.file(model.location) if model.location else None
    except OutOfReach as error:
        _log.warning("the prompt `%s` has no text: %s", name, error)
        return Prompt(model, name, None, str(error))
    if file is not None and not (is_there(file) and file.is_file()):
        _log.warning("the prompt `%s` has no text: %s does not exist", name, file)
    return Prompt(model, name, file)


class PromptBook:
    """The prompts of a server, in the order of its adapters; of two with the same name the first one is served."""

    def __init__(self, sources: Sequence[McpSource]) -> None:
        self._prompts: dict[str, Prompt] = {}
        for source in sources:
            for model in source.model.prompts:
                if model.name:
                    name = neutral.prose(source.prefix + model.name)
                    self._prompts.setdefault(name, prompt_of(source, model, name))

    def __bool__(self) -> bool:
        return bool(self._prompts)

    def find(self, name: str) -> Prompt | None:
        """Return a prompt by its name."""
        return self._prompts.get(name)

    async def list(self, _context: ServerRequestContext[Any, Any], _params: PaginatedRequestParams) -> dict[str, Any]:
        """Answer prompts/list."""
        return revisions.complete(prompts=self.listed())

    def listed(self) -> Sequence[dict[str, Any]]:
        """Return the list of the prompts, in wire form."""
        return [prompt.declaration() for prompt in self._prompts.values()]

    async def get(self, _context: ServerRequestContext[Any, Any], params: GetPromptRequestParams) -> dict[str, Any]:
        """Answer prompts/get.

        Raises:
            MCPError: there is no such prompt, or a required argument is missing.
        """
        prompt = self._prompts.get(params.name)
        if prompt is None:
            hint = did_you_mean(params.name, self._prompts)
            raise MCPError(INVALID_PARAMS, f"Unknown prompt: {params.name}{f' ({hint})' if hint else ''}")
        messages = await prompt.messages(prompt.values(params.arguments or {}))
        said = {"description": neutral.prose(prompt.model.description)} if prompt.model.description else {}
        return revisions.complete(**said, messages=messages)
