"""Items without what the file redacts (SEMANTICS 5.11)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

from naftiko.engine.streaming.items import Item, Source
from naftiko.expression.jsonpath import JSONPath
from naftiko.expression.jsonpath.hiding import hide

_EVENT: Final = {"event", "id", "data"}


def hiding(source: Source, paths: Sequence[JSONPath]) -> Source:
    """Return a source whose items are redacted as they come; the source itself where nothing is."""
    return _Hiding(source, paths) if paths else source


class _Hiding:
    def __init__(self, source: Source, paths: Sequence[JSONPath]) -> None:
        self._source = source
        self._paths = tuple(paths)
        gathered = getattr(source, "gathered", None)
        if gathered is not None:
            self.gathered = gathered
        send = getattr(source, "send", None)
        if send is not None:
            self.send = send

    async def __aiter__(self) -> AsyncIterator[Item]:
        async for item in self._source:
            item.value = hide(_readable(item.value), self._paths)
            yield item

    async def aclose(self) -> None:
        """Leave the stream."""
        await self._source.aclose()


def _readable(value: Any) -> Any:
    """Return an item without a text: no path looks into one, so nothing of it is shown."""
    if isinstance(value, str):
        return None
    if isinstance(value, dict) and value.keys() == _EVENT and isinstance(value["data"], str):
        return {**value, "data": None}
    return value
