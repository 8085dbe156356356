"""Write a document as it is understood: one spelling of everything, what was imported in its place."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import yaml

from naftiko.document.model import Authentication, CapabilityDocument, Model

HIDDEN: Final = "***"
_PLACES: Final = frozenset({"node", "entries"})
_ROOT_KEY: Final = "naftiko"


def as_data(document: CapabilityDocument, shown: Callable[[str], str]) -> dict[str, Any]:
    """Return a document as plain data, under the keys that a file has.

    Args:
        document: the canonical model.
        shown: returns a text as it may be shown. What an authentication keeps secret is never given to it.
    """
    data = _data(document, shown)
    version = data.pop("version", None)
    return {_ROOT_KEY: version, **data} if version else data


def as_yaml(documents: Sequence[Mapping[str, Any]]) -> str:
    """Return documents as a YAML stream."""
    text: str = yaml.safe_dump_all(documents, allow_unicode=True, sort_keys=False, width=120)
    return text


def _data(value: Any, shown: Callable[[str], str]) -> Any:
    if isinstance(value, Model):
        return _mapping(value, shown)
    if isinstance(value, str):
        return shown(value)
    if isinstance(value, Mapping):
        return {str(key): _data(inner, shown) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_data(inner, shown) for inner in value]
    return value if value is None or isinstance(value, bool | int | float) else str(value)


def _mapping(model: Model, shown: Callable[[str], str]) -> dict[str, Any]:
    secrets = model.secrets() if isinstance(model, Authentication) else {}
    found: dict[str, Any] = {}
    for name, field in type(model).model_fields.items():
        value = getattr(model, name)
        is_usual = value == field.get_default(call_default_factory=True)
        if name in _PLACES or value is None or (is_usual and name != "type"):
            continue
        if name in secrets:
            data: Any = HIDDEN
        elif any(key.startswith(f"{name}.") for key in secrets):
            data = dict.fromkeys(value, HIDDEN)
        else:
            data = _data(value, shown)
        found[field.alias or name] = data
    return found
