"""The request side of the corpus oracle: what one call must send upstream (contract, chapter 4)."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from oracle_document import TEMPLATE, Scope
from oracle_references import ABSENT, as_text, bare, exact, fill, read_json
from oracle_slots import (
    Slot,
    body_template,
    carries_authentication,
    clean_path,
    key_place,
    passes_body,
    placeholder_name,
    slots,
)
from oracle_units import ExpectedUnit, Plan, implicit_name
from oracle_wire import Pairs, Unsendable, fill_path, query_pairs, url

CLIENT_HEADERS = frozenset(
    ["accept", "accept-encoding", "user-agent", "connection", "content-type", "content-length", "host"]
)
"""Headers that an HTTP client may send on its own: their absence can't be asked for."""

FORMS = ("form", "formUrlEncoded")


class MissingVariable(Exception):
    """A variable from outside that the call needs has no value; the text is its placeholder."""


@dataclass(frozen=True)
class Json:
    """A JSON body, to be compared as a value whose numbers are what is written."""

    value: Any

    def __post_init__(self) -> None:
        """Take every number by its digits."""
        object.__setattr__(self, "value", exact(self.value))


@dataclass(frozen=True)
class ExpectedRequest:
    """What goes upstream.

    ``url`` is fully encoded. ``headers`` must be present, ``absent_headers`` (lower case) must not. ``body`` is
    ``None``, bytes or a JSON value; ``media_type`` what Content-Type must say of it, ``None`` where it is open.
    """

    method: str
    url: str
    headers: list[tuple[str, str]]
    absent_headers: list[str]
    body: bytes | Json | None
    media_type: str | None = None


class Call:
    """One call of one unit: gives slots, placeholders and variables their values."""

    def __init__(self, unit: ExpectedUnit, inputs: Mapping[str, Any], variables: Mapping[str, str]) -> None:
        if unit.plan is None:
            raise ValueError(f"{unit.name} is not one call: {unit.reason or unit.kind}")
        self.unit = unit
        self.plan: Plan = unit.plan
        self.operation = unit.plan.operation
        self.inputs = inputs
        self.variables = variables
        self.slots = slots(self.operation, self.plan.with_)

    def input(self, name: str) -> Any:
        """Return a caller's input; null is as good as absent."""
        value = self.inputs.get(name, self.plan.constants.get(name))
        return ABSENT if value is None else value

    def variable(self, scope: Scope) -> Callable[[str], str]:
        """Return the look-up of a scope's variables, by their name and by the bind's source key."""

        def look(placeholder: str) -> str:
            _, dot, rest = placeholder.partition(".")
            name = (
                rest if dot and scope.names_variable(placeholder) and placeholder not in scope.sources else placeholder
            )
            for key in (name, scope.sources.get(name)):
                if key is not None and key in self.variables:
                    return self.variables[key]
            raise MissingVariable(placeholder)

        return look

    def value(self, slot: Slot) -> Any:
        """Return what fills a slot: ``with``, a fixed value, or the caller's input of that name."""
        if slot.name in self.plan.with_:
            return self.mapped(slot.name)
        if carries_authentication(self.operation, slot):
            return ABSENT
        if slot.fixed is not None:
            # A bare bind name is the variable, as in a credential (contract, chapter 2).
            is_bind = slot.fixed in self.operation.scope.sources if isinstance(slot.fixed, str) else False
            return self.placeholder(slot.fixed) if is_bind else fill(slot.fixed, self.placeholder)
        return self.input(implicit_name(slot, self.plan.place))

    def mapped(self, key: str) -> Any:
        """Return the value of a ``with`` entry."""
        value = self.plan.context.evaluate(self.plan.with_[key], self.input, self.variable(self.plan.context.scope))
        return ABSENT if value is None else value

    def placeholder(self, name: str) -> Any:
        """Return the value of a placeholder that stands in the consumed operation (path, body, fixed value)."""
        scope, plain = self.operation.scope, bare(name)
        if scope.names_variable(name):
            return self.variable(scope)(name)
        wheres = ("path", "body", "variable", "field", "query", "header", "value")
        for slot in sorted(self.slots, key=lambda one: wheres.index(one.where) if one.where in wheres else 9):
            if slot.name == plain and slot.where != "value" and slot.fixed is None:
                return self.value(slot)
        if plain in self.plan.with_:
            return self.mapped(plain)
        value = self.input(plain)
        known = plain in self.plan.context.declared or any(
            slot.name == plain and slot.where != "value" for slot in self.slots
        )
        return value if value is not ABSENT or known else self.variable(scope)(name)

    def path_placeholder(self, name: str) -> Any:
        """Return the value of a placeholder of the path."""
        slot = next((one for one in self.slots if one.where == "path" and placeholder_name(one.name) == name), None)
        return self.placeholder(name) if slot is None else self.value(slot)

    def secret(self, value: Any) -> str:
        """Fill a credential; a bare bind name stands for the variable (contract, chapter 2)."""
        scope, plain = self.operation.scope, str(value)
        look = self.variable(scope)
        return look(plain) if plain in scope.sources else TEMPLATE.sub(lambda hit: str(look(hit[1])), plain)

    def credentials(self) -> tuple[list[tuple[str, str]], Pairs]:
        """Return the headers and query pairs of the consumes entry's authentication.

        Digest, oauth2 and signatures need an exchange of their own: nothing is expected of them here.
        """
        authentication = self.operation.authentication
        kind = authentication.get("type")
        if kind == "bearer":
            return [("Authorization", f"Bearer {self.secret(authentication.get('token'))}")], []
        if kind == "basic":
            pair = f"{self.secret(authentication.get('username'))}:{self.secret(authentication.get('password'))}"
            return [("Authorization", f"Basic {base64.b64encode(pair.encode()).decode()}")], []
        if kind != "apikey":
            return [], []
        if isinstance(authentication.get("headers"), dict):
            return [(str(name), self.secret(value)) for name, value in authentication["headers"].items()], []
        place, name = key_place(authentication)
        value = self.secret(authentication.get("value"))
        return ([], query_pairs(name, value)) if place == "query" else ([(name, value)], [])

    def headers_and_query(self) -> tuple[list[tuple[str, str]], list[str], Pairs]:
        """Return the headers that must be there, those that must not, and the query pairs beside the path's own."""
        headers: list[tuple[str, str]] = []
        empty: set[str] = set()
        pairs: Pairs = []
        for slot in self.slots:
            if slot.where not in ("header", "query", "cookie"):
                continue
            value = self.value(slot)
            if value is ABSENT:
                empty |= {slot.name.lower()} if slot.where == "header" else set()
            elif slot.where == "query":
                pairs += query_pairs(slot.name, value)
            elif slot.where == "cookie":
                headers.append(("Cookie", f"{slot.name}={as_text(value)}"))
            else:
                # Choice: an array in a header is one comma-separated value (RFC 9110, 5.3).
                flat = ",".join(map(as_text, value)) if isinstance(value, list) else as_text(value)
                headers.append((slot.name, flat))
        given = {name.lower() for name, _ in headers}
        own_headers, own_pairs = self.credentials()
        headers += [(name, value) for name, value in own_headers if name.lower() not in given]
        pairs += [pair for pair in own_pairs if pair[0] not in {name for name, _ in pairs}]
        if not self.operation.authentication:
            empty.add("authorization")
        absent = empty - {name.lower() for name, _ in headers} - CLIENT_HEADERS
        return headers, sorted(absent), pairs

    def body(self) -> tuple[bytes | Json | None, str | None]:
        """Return the body and its media type."""
        template = body_template(self.operation)
        fields = {slot.name: self.value(slot) for slot in self.slots if slot.where == "field"}
        fields = {name: value for name, value in fields.items() if value is not ABSENT}
        whole = next((self.value(slot) for slot in self.slots if slot.where == "body"), ABSENT)
        lone = next((slot.name for slot in self.slots if slot.lone), None)
        if lone is not None and isinstance(_as_json(fields.get(lone)), (dict, list)) and isinstance(fields[lone], str):
            whole = fields.pop(lone)
        if template is not None:
            block = self.operation.body
            kind = block.get("type", "json") if isinstance(block, dict) else "raw"
            if kind in FORMS:
                return self.form(template), "application/x-www-form-urlencoded"
            if kind not in ("json", "raw"):
                raise Unsendable(f"the oracle knows no body of type {kind}")
            if isinstance(template, str) and not TEMPLATE.fullmatch(template.strip()):
                return self.raw(template)
            whole = fill(template, self.placeholder)
        elif whole is ABSENT and passes_body(self.operation):
            whole = self.input("body")
        if isinstance(whole, str):
            whole = _as_json(whole)
        if fields and whole is ABSENT:
            whole = fields
        elif fields and isinstance(whole, dict):
            whole = {**whole, **fields}
        return (None, None) if whole is ABSENT else (Json(whole), "application/json")

    def form(self, template: Any) -> bytes:
        """Return a form body; an absent value is left out, an array repeats its key."""
        filled = fill(template, self.placeholder)
        if not isinstance(filled, dict):
            return as_text(filled).encode()
        rows = [(key, one) for key, value in filled.items() for one in (value if isinstance(value, list) else [value])]
        return urlencode([(key, as_text(value)) for key, value in rows]).encode()

    def raw(self, template: str) -> tuple[bytes | Json, str | None]:
        """Fill a raw text body with escaping by position; text that is JSON gives JSON.

        Choice: in quotes a value is text, outside it keeps its type; a key whose only placeholder is absent is left
        out, as in a body by structure. ``{x}`` is a placeholder too where x is a ``with`` key of this call.
        """
        for key in self.plan.with_:
            template = re.sub(rf"(?<!\{{)\{{{re.escape(key)}\}}(?!\}})", f"{{{{{key}}}}}", template)
        try:
            parsed = read_json(_mark(template))
        except ValueError:
            return TEMPLATE.sub(lambda hit: _plain(self.placeholder(hit[1])), template).encode(), None
        filled = fill(_by_position(parsed, self.placeholder), self.placeholder)
        return Json(filled), "application/json"

    def request(self, base_uri: str) -> ExpectedRequest:
        """Put the request together."""
        plain, mark, rest = clean_path(self.operation.path).partition("?")
        ends = "".join(f"/{{{slot.name}}}" for slot in self.slots if slot.lost)
        path, own_pairs = fill_path(f"{plain.rstrip('/') if ends else plain}{ends}{mark}{rest}", self.path_placeholder)
        headers, absent, pairs = self.headers_and_query()
        body, media_type = self.body()
        content_type = next((value for name, value in headers if name.lower() == "content-type"), None)
        return ExpectedRequest(
            self.operation.method,
            url(base_uri, path, [*own_pairs, *pairs]),
            headers,
            absent,
            body,
            content_type if content_type and body is not None else media_type,
        )


def _plain(value: Any) -> str:
    return "" if value is ABSENT else as_text(value)


def _as_json(value: Any) -> Any:
    try:
        return read_json(value)
    except (ValueError, TypeError):
        return value


def _mark(template: str) -> str:
    """Make every placeholder of a raw JSON text a JSON string that says whether it stood in quotes."""
    out, quoted, index = [], False, 0
    while index < len(template):
        hit = TEMPLATE.match(template, index)
        if hit:
            out.append(f"\\u0001{hit[1]}\\u0002" if quoted else f'"{{{{{hit[1]}}}}}"')
            index = hit.end()
            continue
        step = 2 if quoted and template[index] == "\\" else 1
        quoted ^= template[index] == '"'
        out.append(template[index : index + step])
        index += step
    return "".join(out)


def _by_position(value: Any, look: Callable[[str], Any]) -> Any:
    """Fill the placeholders that stood in quotes, as text; leave the others to :func:`fill`."""
    if isinstance(value, dict):
        filled = {key: _by_position(part, look) for key, part in value.items()}
        return {key: part for key, part in filled.items() if part is not ABSENT}
    if isinstance(value, list):
        return [part for part in (_by_position(one, look) for one in value) if part is not ABSENT]
    if not isinstance(value, str) or "\x01" not in value:
        return value
    names = re.findall("\x01([^\x02]*)\x02", value)
    if all(look(name) is ABSENT for name in names):
        return ABSENT
    return re.sub("\x01([^\x02]*)\x02", lambda hit: _plain(look(hit[1])), value)
