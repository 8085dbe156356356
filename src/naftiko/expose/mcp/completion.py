"""Completion of prompt and template arguments, where the declaration gives the values (``enum``)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from mcp.server.context import ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS, CompleteRequestParams, PromptReference

from naftiko.expose.mcp import revisions
from naftiko.expose.mcp.prompts import PromptBook
from naftiko.expose.mcp.resources import ResourceBook
from naftiko.expression.text import as_text

MOST_VALUES: Final = 100
"""Values of one answer, as the protocol limits it."""


class Completer:
    """Answers completion/complete."""

    def __init__(self, prompts: PromptBook, resources: ResourceBook) -> None:
        self._prompts = prompts
        self._resources = resources

    async def complete(self, _context: ServerRequestContext[Any, Any], params: CompleteRequestParams) -> dict[str, Any]:
        """Return the declared values that begin with what was typed, case aside; none where none are declared.

        Raises:
            MCPError: -32602, there is no such prompt or template.
        """
        reference, name = params.ref, params.argument.name
        if isinstance(reference, PromptReference):
            known = self._of_prompt(reference.name, name)
        else:
            known = self._of_template(reference.uri, name)
        typed = params.argument.value.casefold()
        fitting = [value for value in known if value.casefold().startswith(typed)]
        completion = {
            "values": fitting[:MOST_VALUES],
            "total": len(fitting),
            "hasMore": len(fitting) > MOST_VALUES,
        }
        return revisions.complete(completion=completion)

    def _of_prompt(self, prompt_name: str, argument_name: str) -> list[str]:
        prompt = self._prompts.find(prompt_name)
        if prompt is None:
            raise MCPError(INVALID_PARAMS, f"Unknown prompt: {prompt_name}")
        for argument in prompt.model.arguments:
            if argument.name == argument_name:
                return _texts(argument.enum or ())
        return []

    def _of_template(self, uri: str, argument_name: str) -> list[str]:
        for found in self._resources.templates:
            if found.template.text == uri:
                given = found.unit.plan.inputs.find(argument_name)
                return _texts(given.schema.get("enum") or ()) if given else []
        raise MCPError(INVALID_PARAMS, f"Unknown resource template: {uri}")


def _texts(values: Sequence[Any]) -> list[str]:
    return [as_text(value) for value in values]
