"""What an operation wants from its caller (SEMANTICS 4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from naftiko.document.suggest import fold
from naftiko.expression.path import PathTemplate
from naftiko.expression.references import Names
from naftiko.expression.styles import Style
from naftiko.plan.body import BodyTemplate, names_alone, names_in_text
from naftiko.plan.body_place import BodyPlace
from naftiko.plan.parameter import Parameter


@dataclass(frozen=True, slots=True)
class Slot:
    """A value that a call of the operation wants from its caller.

    Attributes:
        name: the parameter's name, which is the ``with`` key and the name of the caller's input.
        location: where it ends up: ``path``, ``query``, ``header``, ``cookie`` or ``body``.
        whole_body: whether it is the whole body.
        lone: whether it is the only field of the body, and the whole body where it holds an object or array as text.
        in_json: whether it is a value in a JSON body, where null is one too.
        takes_bytes: whether bytes can stand in its place as they are.
        style: how it is written in the query, if the file says that.
        is_own_body: whether it is the body that a tool gives to an operation that declares none.
        argument: the argument's name.
        known: whether the file says if a request can do without it, so that ``required`` is what it says.
    """

    name: str
    location: str
    type: str | None
    description: str | None
    required: bool
    schema: dict[str, Any]
    whole_body: bool = False
    known: bool = True
    lone: bool = False
    in_json: bool = False
    takes_bytes: bool = False
    style: Style | None = None
    is_own_body: bool = False
    argument: str = ""

    @property
    def key(self) -> str:
        """The argument's name."""
        return self.argument or self.name


class Slots:
    """Collects what an operation wants from its caller, each name once."""

    def __init__(self, declared: list[Parameter], in_body: BodyPlace) -> None:
        self._declared = declared
        self._in_body = in_body
        self._slots: dict[str, Slot] = {}

    def collect(self, path: PathTemplate, body: BodyTemplate | None, names: Names) -> tuple[Slot, ...]:
        """Return what the operation's path, parameters and body want, in this order."""
        wanted = dict.fromkeys(names.used)
        by_fold = {fold(parameter.name): parameter for parameter in self._declared if parameter.location == "path"}
        for name in path.names:
            declared = by_fold.get(fold(name))
            argument = declared.name if declared else name
            if argument in wanted or (declared and declared.asked):
                self._add(argument, "path", declared, required=True)
        for parameter in self._declared:
            if parameter.asked:
                self._declare(parameter)
        for name in path.query_names:
            if name in wanted:
                self._add(name, "query", None, required=False)
        in_body = set(body.names) if body else set()
        in_text = names_in_text(body) if body else frozenset()
        alone = names_alone(body) if body else frozenset()
        for name in wanted:
            known = name in in_body and name not in in_text
            place = "body" if name in in_body else "query"
            self._add(name, place, None, required=False, known=known, is_value=name in alone)
        return tuple(self._slots.values())

    def _declare(self, parameter: Parameter) -> None:
        self._add(parameter.argument, parameter.location, parameter, required=parameter.required)

    def _add(
        self,
        argument: str,
        location: str,
        parameter: Parameter | None,
        *,
        required: bool,
        known: bool = True,
        is_value: bool = True,
    ) -> None:
        if argument in self._slots:
            return
        kind = parameter.type if parameter else ("string" if location in {"path", "query"} else None)
        in_body = self._in_body
        self._slots[argument] = Slot(
            name=parameter.name if parameter else argument,
            location=location,
            type=kind,
            description=parameter.description if parameter else None,
            required=required,
            schema=parameter.schema if parameter else ({"type": kind} if kind else {}),
            whole_body=location == "body" and in_body.whole is not None and in_body.whole.argument == argument,
            known=known,
            lone=location == "body" and in_body.lone is not None and in_body.lone.argument == argument,
            in_json=location == "body" and in_body.is_json and is_value,
            takes_bytes=location == "body" and argument in in_body.byte_arguments,
            style=parameter.style if parameter and location in {"query", "cookie"} else None,
            argument=argument,
        )
