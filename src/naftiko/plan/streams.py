"""An operation whose answer is a stream of items, and how much of it is taken (docs/streams.md)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from naftiko.expression import jsonpath
from naftiko.expression.conditions import holds, is_true

SSE: Final = "sse"
NDJSON: Final = "ndjson"
JSON_SEQ: Final = "json-seq"
WEBSOCKET: Final = "websocket"
MAX_ITEMS: Final = 1000
MAX_BYTES: Final = 5 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Until:
    """What tells the last item of a stream.

    Attributes:
        text: as the file has it.
        path: finds what is there and true; of a comparison, something where it holds.
        compares: whether it is a comparison.
    """

    text: str
    path: jsonpath.JSONPath
    compares: bool

    def holds(self, item: Any) -> bool:
        """Tell whether an item, as its upstream sends it, is the last one."""
        return holds(self.path, item) if self.compares else is_true(self.path(item))


@dataclass(frozen=True, slots=True)
class Collect:
    """Where a stream ends, whatever its upstream says; ``None``: the file doesn't say it.

    Attributes:
        until: what tells the last item.
        limit: how many items.
        seconds: from the request on.
        size: bytes of the items together.
    """

    until: Until | None = None
    limit: int | None = None
    seconds: float | None = None
    size: int | None = None


@dataclass(frozen=True, slots=True)
class Streaming:
    """A stream.

    Attributes:
        format: ``sse``, ``ndjson``, ``json-seq``, or what else opens streams.
        collect: where it ends.
        gathers: whether all of it is something else than the list of its items.
        as_event: whether an item of server-sent events is the event with its name and id, and not its data alone.
    """

    format: str
    collect: Collect = field(default_factory=Collect)
    as_event: bool = False
    gathers: bool = False

    def described(self) -> dict[str, Any]:
        """Return it as ``inspect`` shows it, without what is not said."""
        collect = self.collect
        said = {
            "format": self.format,
            "until": None if collect.until is None else collect.until.text,
            "items": collect.limit,
            "seconds": collect.seconds,
            "bytes": collect.size,
            "as": "event" if self.as_event else None,
        }
        return {key: value for key, value in said.items() if value is not None}
