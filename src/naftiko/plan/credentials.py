"""The credential that a file declares: its values, where it travels, and whether it can be done (SEMANTICS 4.5)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Final

from naftiko.document.findings import Findings
from naftiko.document.model import Authentication
from naftiko.document.model.authentication import Unusable
from naftiko.document.suggest import fold
from naftiko.expression.references import Constant, Names, Structure, Variable
from naftiko.expression.template import TemplateError, Value, has_placeholder, parse
from naftiko.plan.addresses import wrong_url
from naftiko.plan.base import BasePart, BaseUri
from naftiko.plan.body import BodyKind, BodyTemplate
from naftiko.plan.operation import Operation

_BODILESS: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_WITH_FIELDS: Final = frozenset({BodyKind.JSON, BodyKind.JSON_TEXT, BodyKind.FORM, BodyKind.MULTIPART})


def compile_secrets(
    authentication: Authentication | None, names: Names, findings: Findings
) -> tuple[dict[str, Value], tuple[str, ...]]:
    """Compile the values of an authentication's keys; a bare bind name is the bind's value, with a warning.

    Returns:
        the values by key (``headers.NAME`` for those of an API key's map), and the variables they need.
    """
    if authentication is None:
        return {}, ()
    inside = replace(names, inputs=frozenset(), steps=(), variables={}, used={}, missing={})
    compiled: dict[str, Value] = {}
    for key, text in authentication.texts().items():
        if authentication.mark(key).may_be_bare and not has_placeholder(text) and inside.variable(text):
            findings.at(authentication.place_of(key)).warning(
                "bare-bind",
                f"`{text}` is the name of a bind; its value is used",
                hint=f'write `{key.rpartition(".")[2]}: "{{{{{text}}}}}"`',
            )
            text = f"{{{{{text}}}}}"  # noqa: PLW2901  # the same text, as it was meant
        try:
            has_lines = authentication.mark(key).has_lines
            template = parse(text, lambda name: _variable(name, inside, one_line=not has_lines))  # noqa: B023  # at once
        except TemplateError as error:
            findings.at(authentication.place_of(key)).error("broken-template", f"`{key}`: {error}")
            continue
        compiled[key] = template.lone.value if template.lone else template.render
    return compiled, tuple(inside.variables)


def _variable(name: str, names: Names, *, one_line: bool) -> Value:
    """In authentication every placeholder is a variable: callers don't choose our credentials."""
    variable = names.variable(name) or name
    names.variables[variable] = None
    return Variable(variable, one_line=one_line)


def unusable(authentication: Authentication | None, compiled: Mapping[str, Value]) -> Unusable | None:
    """Return why an authentication can't be done to a consumed API, or ``None`` where it can.

    Args:
        authentication: the authentication.
        compiled: the values of its keys; one that is a broken template is not among them.
    """
    if authentication is None:
        return None
    return authentication.unusable(compiled) or _wrong_address(authentication)


def _wrong_address(authentication: Authentication) -> Unusable | None:
    for key, written in authentication.addresses().items():
        text = written.strip()
        known = text and not has_placeholder(text) and not text.isidentifier()  # the bare name of a variable is none
        why = wrong_url(text) if known else ""
        if why:
            return Unusable("incomplete-authentication", f"has no URL as its `{key}`: {why}", key)
    return None


def unusable_by_callers(authentication: Authentication | None, compiled: Mapping[str, Value]) -> Unusable | None:
    """Return why an adapter's authentication can't be asked of its callers, or ``None`` where it can."""
    if authentication is None:
        return None
    return authentication.unusable_by_callers(compiled)


def unplaced(places: Iterable[tuple[str, str]], base: BaseUri, operation: Operation) -> str:
    """Return why a credential has no place in an operation's requests, or ``""``; completes "it can't be called: …"."""
    for place, name in places:
        if place == "path" and not any(True for _ in path_names(name, base, operation)):
            return f"its path has no `{{{name}}}`, which the credential of `{operation.namespace}` is to fill"
        if place == "body" and operation.body is not None and not _has_fields(operation.body):
            return f"its body has no fields, and the credential of `{operation.namespace}` is to be one (`{name}`)"
        if place == "body" and operation.method in _BODILESS and not _declares_body(operation):
            whose = f"the credential of `{operation.namespace}`"
            return f"a {operation.method} has no body, and {whose} is to be in it (`{name}`)"
    return ""


def path_value(name: str, authentication: Authentication | None, secrets: Mapping[str, Value]) -> Value:
    """Return the value of the credential that fills a placeholder, which its name is folded for."""
    if "value" in secrets or authentication is None:
        return secrets["value"]
    paths = [[fold(own) for place, own in part.places() if place == "path"] for part in authentication.parts()]
    return secrets[f"{next(at for at, names in enumerate(paths) if fold(name) in names)}.value"]


def _has_fields(body: BodyTemplate) -> bool:
    """Tell whether a block may be an object or a form; of some only a call shows it."""
    value = body.value
    inside = value.template if isinstance(value, Structure) else value.value if isinstance(value, Constant) else {}
    return body.kind in _WITH_FIELDS and (body.kind is not BodyKind.JSON or isinstance(inside, dict))


def path_names(name: str, base: BaseUri, operation: Operation | None) -> Iterator[str]:
    """Yield the placeholders of a base URI and of a path that a credential fills: by its name, folded."""
    own = operation.path.names if operation is not None else ()
    for found in (*(part.name for part in base.parts if isinstance(part, BasePart)), *own):
        if fold(found) == fold(name):
            yield found


def _declares_body(operation: Operation) -> bool:
    return operation.body is not None or any(parameter.location == "body" for parameter in operation.parameters)
