"""Say which operation a ``call``, or which function a ``ref``, means (SEMANTICS 1.4 and 4.1)."""

from __future__ import annotations

from typing import Generic, TypeVar

from naftiko.document.findings import Findings, Reporter
from naftiko.document.model import Model
from naftiko.expression.references import Names
from naftiko.link.callables import Callables, DeclaredCallable, FoundCallable
from naftiko.link.namesakes import Namesakes

ThingT = TypeVar("ThingT")
_ORDINALS = {1: "1st", 2: "2nd", 3: "3rd"}


class Unresolved(Exception):  # it is caught here, never shown
    """A text that means nothing, or nobody can say which of several.

    Attributes:
        reason: why.
        hint: what to do.
        ambiguous: whether several things have the name.
    """

    def __init__(self, reason: str, hint: str, *, ambiguous: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.hint = hint
        self.ambiguous = ambiguous


class Resolver(Generic[ThingT]):
    """Resolves the texts of one key.

    Args:
        key: ``call`` or ``ref``.
        callables: what can be named.
        namesakes: which of several of one name is meant where.
        findings: where other spellings are told.
    """

    def __init__(
        self, key: str, callables: Callables[ThingT], namesakes: Namesakes[ThingT], findings: Findings
    ) -> None:
        self._key = key
        self._callables = callables
        self._namesakes = namesakes
        self._findings = findings

    def resolve(self, text: str, model: Model) -> ThingT:
        """Return what a text in a unit, step or function means.

        Raises:
            Unresolved: nothing, or nobody can say which.
        """
        found = self._callables.find(text)
        if found is None:
            raise Unresolved(*self._callables.why_not(text))
        here = self._findings.at(model.at(self._key))
        if found.meant:
            tell_misspelt(here, text.strip(), found.meant)
        if len(found.things) == 1:
            return found.things[0].thing
        choice = self._namesakes.chosen(model)
        if choice is None:
            raise self._ambiguous(found)
        if choice.by_order:
            here.warning(
                "ambiguous-call",
                f"nothing but the order says which of {len(found.things)} is meant: this is the "
                f"{_ORDINALS.get(choice.nth, f'{choice.nth}th')} `{found.things[0].key}`, taken as "
                f"{_shown(choice.declared)}",
                hint=_advice(found),
            )
        return choice.declared.thing

    @staticmethod
    def _ambiguous(found: FoundCallable[ThingT]) -> Unresolved:
        shown = " or ".join(_shown(each) for each in found.things)
        return Unresolved(
            f"`{found.things[0].key}` stands {len(found.things)} times, and nothing says which is meant: {shown}",
            _advice(found),
            ambiguous=True,
        )


def tell_misspelt(here: Reporter, text: str, meant: str) -> None:
    """Tell a name that is certain although it is not written as it is declared."""
    here.warning(
        "misspelt-name",
        f"nothing is declared as `{text}`; `{meant}` is the only thing that it can mean, and is used",
        hint=f"write `{meant}`",
    )


def tell_misspelt_names(here: Reporter, names: Names) -> None:
    """Tell the names of inputs and steps that are certain although they are not written as they are declared."""
    for written, meant in names.misspelt.items():
        tell_misspelt(here, written, meant)


def _shown(declared: DeclaredCallable[ThingT]) -> str:
    """Return what tells a thing from its namesakes."""
    origin = declared.origin
    if origin.method is not None:
        return f"{origin.method} {origin.path or '/'}"
    return f"`{origin.description or declared.key}`"


def _advice(found: FoundCallable[ThingT]) -> str:
    """Say how to name one of several directly, where their resources have names of their own."""
    resources = [each.origin.resource for each in found.things]
    first = found.things[0]
    if None in resources or len(set(resources)) < len(resources):
        return "give each a name of its own"
    return "write " + " or ".join(f"`{first.namespace}.{resource}.{first.name}`" for resource in resources)
