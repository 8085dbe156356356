"""Build the typed model from YAML nodes; everything wrong is reported, nothing wrong stops the rest.

A value that doesn't fit is told with its position and left out, so that one broken tool takes no other down
(SEMANTICS 1.4). Unknown keys are warnings.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from pydantic import ValidationError
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from naftiko.document.dialects import concerns_of
from naftiko.document.dialects.imports import is_import
from naftiko.document.findings import Findings
from naftiko.document.model import Import, Model
from naftiko.document.model.base import Choice
from naftiko.document.ports import LAST_PORT, report_port
from naftiko.document.reader import Entries, entries, is_null, plain, scalar, shown
from naftiko.document.shapes import Field, Kind, canonical_keys, shape
from naftiko.document.shell import meant
from naftiko.document.suggest import did_you_mean, nearest
from naftiko.document.unknown import report_unknown_key
from naftiko.ground.durations import seconds_of
from naftiko.ground.types import ABSENT

_WHOLE_NUMBER = re.compile(r"\s*-?[0-9]{1,30}\s*")
_TEMPLATE_HINT = 'quote a template: "{{name}}"'


class Builder:
    """Builds the models of one file."""

    def __init__(self, findings: Findings) -> None:
        self.findings = findings

    def from_entries(
        self, node: Node, found: Entries, model: type[Model], name: tuple[str, str] | None = None
    ) -> Model | None:
        """Build a model; ``name`` is a field and its value where the mapping stands under its name."""
        for key in canonical_keys(model) & found.keys():
            report_unknown_key(key, found.pop(key)[0], model, found, self.findings)
        for concern in concerns_of(model):
            concern(found, self.findings)
        fields = shape(model)
        values: dict[str, Any] = {"node": node, "entries": found}
        for key, (key_node, value) in found.items():
            field = fields.get(key)
            if field is None:
                report_unknown_key(key, key_node, model, found, self.findings)
            elif not is_null(value):
                read = _READERS[field.kind](self, value, field)
                if read is not ABSENT:
                    values[field.name] = read
        if name is not None and model is Import:
            values.setdefault("alias", name[1])
        elif name is not None:
            values[name[0]] = name[1]
        return self._construct(model, values, found)

    def _construct(self, model: type[Model], values: dict[str, Any], found: Entries) -> Model | None:
        try:
            return model.model_validate(values)
        except ValidationError as error:
            wrong = {str(detail["loc"][0]): detail["msg"] for detail in error.errors() if detail["loc"]}
        fields = {field.name: field.key for field in shape(model).values()}
        for name, reason in wrong.items():
            values.pop(name, None)
            node = found[fields[name]][1] if fields.get(name) in found else values["node"]
            self.findings.at(node).error("wrong-type", f"`{fields.get(name, name)}`: {reason}")
        try:
            return model.model_validate(values)
        except ValidationError:
            return None

    def wrong(self, node: Node, field: Field, expected: str) -> Any:
        """Report a value that doesn't fit; return ABSENT, which leaves it out."""
        template = isinstance(node, MappingNode) and expected in {"text", "a whole number", "a number"}
        self.findings.at(node).error(
            "wrong-type",
            f"`{field.key}` must be {expected}, not {shown(node)}",
            hint=_TEMPLATE_HINT if template else "",
        )
        return ABSENT

    def named(self, node: Node, field: Field) -> Any:
        """Read a list of named things, or a map from name to thing."""
        if isinstance(node, SequenceNode):
            things = [self._element(child, field) for child in node.value]
        elif isinstance(node, MappingNode):
            found = entries(node, self.findings)
            if self._is_one_thing(found, field):
                things = [self._element(node, field)]
            else:
                things = [self._entry(key, pair, field) for key, pair in found.items()]
        else:
            return self.wrong(node, field, "a list, or a mapping from names")
        return tuple(thing for thing in things if thing is not None)

    @staticmethod
    def _is_one_thing(found: Entries, field: Field) -> bool:
        """Tell a single thing from a map of things: its ``type`` is a word, not a thing of that name."""
        return (
            field.choice is not None and field.choice.by in found and isinstance(found[field.choice.by][1], ScalarNode)
        )

    def _element(self, node: Node, field: Field) -> Model | None:
        if isinstance(node, MappingNode):
            return self._built(node, field)
        if isinstance(node, ScalarNode) and not is_null(node) and field.named in shape(field.model):
            return self.from_entries(node, {}, field.model, (field.named, node.value))
        self.wrong(node, field, "a list of mappings")
        return None

    def _entry(self, key: str, pair: tuple[Node, Node], field: Field) -> Model | None:
        key_node, value = pair
        name = (field.named, key)
        if isinstance(value, MappingNode):
            return self._built(value, field, name)
        if is_null(value):
            return self.from_entries(key_node, {}, field.model, name)
        if isinstance(value, ScalarNode) and "type" in shape(field.model):
            # `properties: {name: string}`: the type alone
            type_entry: Entries = {"type": (key_node, value)}
            return self.from_entries(value, type_entry, field.model, name)
        self.wrong(value, field, "a mapping from names to mappings")
        return None

    def _built(self, node: MappingNode, field: Field, name: tuple[str, str] | None = None) -> Model | None:
        found = entries(node, self.findings)
        return self.from_entries(node, found, self._chosen(found, field), name)

    def _chosen(self, found: Entries, field: Field) -> type[Model]:
        if field.importable and is_import(found):
            return Import
        choice = field.choice
        if choice is None:
            return field.model
        decider = found[choice.by][1] if choice.by in found else None
        if not isinstance(decider, ScalarNode) or is_null(decider):
            return self._by_key(found, choice)
        model = choice.models.get(choice.folded(decider.value))
        if model is not None:
            return model
        near = nearest(decider.value, choice.models)
        key, kind = _said_by_key(found, choice)
        if near is not None and kind and choice.models[near] is choice.models[kind]:
            self.findings.at(decider).warning(
                "unknown-kind",
                f"`{choice.by}: {decider.value}` is not known here; what has `{key}` is read as `{kind}`",
                hint=f"did you mean `{near}`?",
            )
            return choice.models[kind]
        self.findings.at(decider).warning(
            "unknown-kind",
            f"`{choice.by}: {decider.value}` is not known here",
            hint=did_you_mean(decider.value, choice.models) or f"known: {', '.join(choice.first_names)}",
        )
        return choice.unknown

    def _by_key(self, found: Entries, choice: Choice) -> type[Model]:
        """Return the model of a thing without a ``type``: the one that a key of it says, with a warning."""
        key, kind = _said_by_key(found, choice)
        if not kind:
            return choice.default
        self.findings.at(found[key][0]).warning(
            "missing-type",
            f"`{choice.by}` is missing; what has `{key}` is read as `{kind}`",
            hint=f"add `type: {kind}`",
        )
        return choice.models[kind]

    def one(self, node: Node, field: Field) -> Any:
        """Read a mapping."""
        if not isinstance(node, MappingNode):
            return self.wrong(node, field, "a mapping")
        built = self._built(node, field)
        return ABSENT if built is None else built

    def many(self, node: Node, field: Field) -> Any:
        """Read a list of mappings; a single one is a list of one."""
        children = node.value if isinstance(node, SequenceNode) else [node]
        built = [self.one(child, field) for child in children]
        return tuple(thing for thing in built if thing is not ABSENT)

    def text(self, node: Node, field: Field) -> Any:
        """Read a scalar as it is written."""
        if not isinstance(node, ScalarNode):
            return self.wrong(node, field, "text")
        if field.words and node.value.lower() not in field.words:
            self.findings.at(node).error(
                "wrong-type",
                f"`{field.key}` must be {' or '.join(field.words)}, not {shown(node)}",
                hint=did_you_mean(node.value, field.words),
            )
            return ABSENT
        return node.value.lower() if field.words else node.value

    def boolean(self, node: Node, field: Field) -> Any:
        """Read ``true`` or ``false``, quoted too."""
        value = scalar(node, self.findings) if isinstance(node, ScalarNode) else None
        if isinstance(value, str):
            value = {"true": True, "false": False}.get(value.lower(), value)
        return value if isinstance(value, bool) else self.wrong(node, field, "true or false")

    def integer(self, node: Node, field: Field) -> Any:
        """Read a whole number, quoted too."""
        value = scalar(node, self.findings) if isinstance(node, ScalarNode) else None
        if isinstance(value, str) and _WHOLE_NUMBER.fullmatch(value):
            value = int(value)
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        return self.wrong(node, field, "a whole number")

    def port(self, node: Node, field: Field) -> Any:
        """Read a port, quoted too; a template is kept for whoever knows its variables, and so is what is no port."""
        text = node.value if isinstance(node, ScalarNode) else ""
        template = meant(text)
        if "{{" in text:
            return text
        if template is not None:
            self.findings.at(node).error("wrong-type", "`port` must be a number", hint=f'write "{template}"')
            return text
        number = self.integer(node, field)
        if number is ABSENT:  # told; the text keeps the adapter from the port that it would have without one
            return text
        if not 0 < number <= LAST_PORT:
            report_port(number, self.findings.at(node))
        return number

    def number(self, node: Node, field: Field) -> Any:
        """Read a number, quoted too."""
        unquoted = ScalarNode("", node.value) if isinstance(node, ScalarNode) else None
        value = scalar(unquoted, self.findings) if unquoted is not None else None
        if isinstance(value, int | float) and not isinstance(value, bool):
            return value
        return self.wrong(node, field, "a number")

    def duration(self, node: Node, field: Field) -> Any:
        """Read a duration; a number alone is refused, since it is seconds to one and milliseconds to another."""
        text = node.value if isinstance(node, ScalarNode) else ""
        seconds = seconds_of(text)
        if seconds is not None:
            return seconds
        if _WHOLE_NUMBER.fullmatch(text):
            self.findings.at(node).error(
                "wrong-type", f"`{field.key}: {text.strip()}` has no unit", hint=f"write `{text}ms` or `{text}s`"
            )
            return ABSENT
        return self.wrong(node, field, "a duration such as 500ms, 10s, 1m or PT10S")

    def free(self, node: Node, field: Field) -> Any:  # noqa: ARG002  # a reader's shape
        """Read anything."""
        return plain(node, self.findings)

    def free_list(self, node: Node, field: Field) -> Any:
        """Read a list of anything."""
        if isinstance(node, SequenceNode):
            return plain(node, self.findings)
        return self.wrong(node, field, "a list")

    def text_list(self, node: Node, field: Field) -> Any:
        """Read a list of texts; one text is a list of one."""
        children = node.value if isinstance(node, SequenceNode) else [node]
        texts = [self._list_text(child, field) for child in children]
        return tuple(text for text in texts if text is not ABSENT)

    def _list_text(self, node: Node, field: Field) -> Any:
        if isinstance(node, MappingNode):  # `outputParameters: [{name: x}]` of a lookup
            found = entries(node, self.findings)
            if "name" in found and isinstance(found["name"][1], ScalarNode):
                return found["name"][1].value
        return node.value if isinstance(node, ScalarNode) else self.wrong(node, field, "a list of texts")

    def text_map(self, node: Node, field: Field) -> Any:
        """Read a mapping to texts; a list of names maps each to itself."""
        if isinstance(node, SequenceNode):
            names = [child.value for child in node.value if isinstance(child, ScalarNode)]
            return {name: name for name in names}
        if not isinstance(node, MappingNode):
            return self.wrong(node, field, "a mapping")
        found = entries(node, self.findings)
        texts = {key: self.text(value, field) for key, (_, value) in found.items() if not is_null(value)}
        return {key: text for key, text in texts.items() if text is not ABSENT}

    def free_map(self, node: Node, field: Field) -> Any:
        """Read a mapping to anything."""
        if isinstance(node, MappingNode):
            return plain(node, self.findings)
        return self.wrong(node, field, "a mapping")


_Reader = Callable[[Builder, Node, Field], Any]

_READERS: dict[Kind, _Reader] = {
    Kind.TEXT: Builder.text,
    Kind.BOOLEAN: Builder.boolean,
    Kind.INTEGER: Builder.integer,
    Kind.NUMBER: Builder.number,
    Kind.PORT: Builder.port,
    Kind.DURATION: Builder.duration,
    Kind.FREE: Builder.free,
    Kind.FREE_LIST: Builder.free_list,
    Kind.TEXT_LIST: Builder.text_list,
    Kind.TEXT_MAP: Builder.text_map,
    Kind.FREE_MAP: Builder.free_map,
    Kind.MODEL: Builder.one,
    Kind.MODELS: Builder.many,
    Kind.NAMED: Builder.named,
}


def _said_by_key(found: Entries, choice: Choice) -> tuple[str, str]:
    """Return the key of a thing that says its kind, and the kind; two empty texts where none does."""
    key, kind = next(((key, kind) for key, kind in choice.by_key.items() if key in found), ("", ""))
    return ("", "") if kind == "lookup" and "call" in found else (key, kind)
