"""Link the calls that stand in for failed ones: ``fallback: {call: namespace.operation}`` (SEMANTICS 4.9).

The arguments of the failed call are what the other one's ``with`` may name, and what it gets where it names nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeAlias

from naftiko.document.findings import Findings
from naftiko.document.model import Fallback, Model
from naftiko.expression.references import Names
from naftiko.link.needs import Needs
from naftiko.link.resolving import Unresolved
from naftiko.plan.actions import Call
from naftiko.plan.operation import Operation

Link: TypeAlias = "Callable[[str, Mapping[str, Any], Model, Names, Needs], Call]"
"""Links one call, made with declared inputs."""


class FallbackLinker:
    """Links fallbacks, each once; one that can't be linked is told where it stands, and left out.

    Args:
        declared: by the key of the operation that fails.
        names: what names mean in the file.
        findings: where problems are told.
        cannot: what ``link`` raises.
    """

    def __init__(
        self,
        declared: Mapping[str, Fallback],
        names: Names,
        findings: Findings,
        cannot: type[Exception],
    ) -> None:
        self._declared = declared
        self._names = names
        self._findings = findings
        self._cannot = cannot
        self._linked: dict[str, Call | None] = {}

    def of(self, operation: Operation, link: Link) -> Call | None:
        """Return the call that stands in for a failed one of an operation; ``None`` for none."""
        model = self._declared.get(operation.key)
        if model is None or model.call is None:
            return None
        if operation.key not in self._linked:
            self._linked[operation.key] = self._link(operation, model, model.call, link)
        return self._linked[operation.key]

    def _link(self, operation: Operation, model: Fallback, text: str, link: Link) -> Call | None:
        known = frozenset(slot.key for slot in operation.slots)
        names = replace(self._names, inputs=known, open_inputs=False, used={}, missing={}, variables={}, free={})
        wants = Needs()
        try:
            call = link(text, model.with_, model, names, wants)
        except self._cannot as error:
            rule, hint = getattr(error, "rule", "unknown-call"), getattr(error, "hint", "")
            self._findings.at(model.at("call")).error(rule, f"the fallback: {error}", hint=hint)
            return None
        except Unresolved as error:
            self._findings.at(model.at("call")).error("unknown-call", f"the fallback: {error.reason}", hint=error.hint)
            return None
        why = self._unfit(operation, call, {want.name for want in wants.found if want.slot.required} - known)
        if why:
            self._findings.at(model.at("call")).error("bad-policy", f"`fallback`: {why}; it is left out")
        return None if why else call

    @staticmethod
    def _unfit(operation: Operation, call: Call, lacking: set[str]) -> str:
        """Return why a call can't stand in for another one, or ``""``."""
        other = call.operation
        if other.key == operation.key:
            return f"`{operation.key}` would stand in for itself"
        if other.raw_format != operation.raw_format:
            return f"`{other.key}` answers {other.raw_format}, and `{operation.key}` {operation.raw_format}"
        if lacking:
            named = " and ".join(f"`{name}`" for name in sorted(lacking))
            return f"`{other.key}` requires {named}, which `{operation.key}` has no value for: name it in `with`"
        return ""
