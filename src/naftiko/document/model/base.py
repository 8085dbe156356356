"""What every model has: its place in the file, and how its fields are written in YAML."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Self, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, Field, SkipValidation
from pydantic.alias_generators import to_camel
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode


@dataclass(frozen=True, slots=True)
class Named:
    """Marks a tuple of models that a file writes as a list, or as a map from name to thing.

    Attributes:
        key: the field that the map's key becomes.
    """

    key: str = "name"


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """Marks a field whose model follows from a key of the mapping, such as ``type``: the registry of its kinds.

    Attributes:
        by: the key that decides.
        models: its values, in lower case and without ``-`` and ``_``, with their models.
        default: the model when the key is missing.
        unknown: the model for any other value, which is then reported.
        by_key: keys that only one kind has, with its value: they say what it is where ``by`` is missing, the first
            of them that is there.
    """

    by: str
    models: dict[str, type[Model]]
    default: type[Model]
    unknown: type[Model]
    by_key: dict[str, str] = field(default_factory=dict)

    def add(self, model: type[Model], words: Iterable[str], telling: Iterable[str] = ()) -> None:
        """Add a kind, for all files that are read from now on.

        Args:
            model: its model.
            words: the values of ``by`` that mean it; the first is the one to be written, the others are spellings of
                it. Case, ``-`` and ``_`` don't matter.
            telling: keys that only this kind has, so that they say what it is where ``by`` is missing.

        Raises:
            ValueError: there is no word, or one means another kind already.
        """
        folded = [self.folded(word) for word in words]
        taken = next((word for word in folded if self.models.get(word, model) is not model), None)
        if not folded or taken is not None:
            raise ValueError(f"`{self.by}: {taken}` is taken already" if folded else f"a kind needs a `{self.by}`")
        self.models.update(dict.fromkeys(folded, model))
        for key in telling:
            self.by_key.setdefault(key, folded[0])

    @staticmethod
    def folded(word: str) -> str:
        """Return a value of ``by`` as ``models`` has it."""
        return word.lower().replace("-", "").replace("_", "")

    @property
    def first_names(self) -> list[str]:
        """The value of each model that is to be written; the others are spellings of it."""
        names: dict[type[Model], str] = {}
        for name, model in self.models.items():
            names.setdefault(model, name)
        return list(names.values())


@dataclass(frozen=True, slots=True)
class Canonical:
    """Marks a field that only the canonical form has: no file writes its key, a dialect makes it of others."""


@dataclass(frozen=True, slots=True)
class PortNumber:
    """Marks a port: a number, or the text that the file has instead, which may be a template."""


@dataclass(frozen=True, slots=True)
class Duration:
    """Marks a duration: text such as ``500ms``, which is read as seconds."""


def _key(field: str) -> str:
    """Return the file's key of a field: ``base_uri`` is ``baseUri``, ``with_`` is ``with``."""
    return to_camel(field.rstrip("_"))


class Model(BaseModel):
    """A mapping of the file. ``node`` is where it came from.

    Attributes:
        open_ended: whether further keys are nobody's mistake, as in a thing of an unknown kind.
        key_spellings: other spellings of its keys: each key with a text of them, in lower case and without punctuation.
            A key that stands here is found however it is written, ``client_id`` as ``clientId``.
        entries: its keys and values as the dialects leave them, merge keys expanded.
    """

    open_ended: ClassVar[bool] = False
    key_spellings: ClassVar[Mapping[str, str]] = {}

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        arbitrary_types_allowed=True,
        defer_build=True,
        alias_generator=_key,
        validate_by_name=True,
        validate_by_alias=False,
        revalidate_instances="never",
    )

    node: Annotated[Node | None, SkipValidation] = Field(default=None, exclude=True, repr=False)
    entries: Annotated[Mapping[str, tuple[Node, Node]], SkipValidation] = Field(default={}, exclude=True, repr=False)

    def without_place(self, **changes: Any) -> Self:
        """Return a copy that keeps no nodes, for what lives as long as the process: nodes are most of a file's memory.

        Args:
            changes: fields to replace.
        """
        return self.model_copy(update={"node": None, "entries": {}, **changes})

    def at(self, *path: str | int) -> Node | None:
        """Return the node at a key path inside this mapping, or the nearest one above it.

        The first key is a canonical one, wherever a dialect has it; a key as the file has it is found too.
        """
        node = self.node
        if path and path[0] in self.entries:
            node, path = self.entries[str(path[0])][1], path[1:]
        for key in path:
            below = _child(node, key)
            if below is None:
                return node
            node = below
        return node


def _child(node: Node | None, key: str | int) -> Node | None:
    if isinstance(node, MappingNode):
        for key_node, value in node.value:
            if isinstance(key_node, ScalarNode) and key_node.value == key:
                return value  # type: ignore[no-any-return]  # yaml's nodes are untyped
    if isinstance(node, SequenceNode) and isinstance(key, int) and key < len(node.value):
        return node.value[key]  # type: ignore[no-any-return]  # yaml's nodes are untyped
    return None


Port: TypeAlias = Annotated[int | str | None, PortNumber()]
"""A port of the file; text is a template that makes one, or what can't be one. ``None``: the file has none."""

Seconds: TypeAlias = Annotated[float | None, Duration()]
"""A duration of the file, in seconds."""

ModelT = TypeVar("ModelT", bound=Model)

NamedTuple: TypeAlias = Annotated[tuple[ModelT, ...], Named()]
"""A list of named things, or a map from name to thing (SEMANTICS 1.3)."""


class Import(Model):
    """A thing that another file defines (SEMANTICS 1.5).

    Attributes:
        source: the file, relative to the importing one (``from``, or ``location``).
        namespace: the namespace there (``import``); ``None``: the only one.
        alias: the namespace here (``as``).
    """

    source: str | None = Field(default=None, alias="from")
    namespace: str | None = Field(default=None, alias="import")
    alias: str | None = Field(default=None, alias="as")
    description: str | None = None
