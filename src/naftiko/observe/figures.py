"""Counters, gauges and histograms of one process, whose number of series has a bound.

A family is a metric with its labels. Where a family would get more series than it may have, what is new is counted
under labels that all say ``other``: a host name or a status that outsiders choose must not fill the memory.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import Any, Final, Literal, NotRequired, TypeAlias, TypedDict

MOST_SERIES: Final = 2_000
"""Of one family."""
OTHER: Final = "other"
SECONDS: Final = (
    *(0.0025, 0.005, 0.01, 0.025, 0.05, 0.075),
    *(0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 30.0, 60.0),
)
"""Upper bounds of buckets, in seconds: those of OpenTelemetry for HTTP, with some below for what is answered here, and
some above 10, so that a quantile can be more than that."""

Labels: TypeAlias = tuple[tuple[str, str], ...]
"""Names and values."""
Merge: TypeAlias = Literal["sum", "max", "min"]
"""What several processes make together."""


class HistogramValue(TypedDict):
    """What a histogram has counted.

    Attributes:
        bounds: upper bounds of its buckets, ascending; the last bucket has none.
        counts: by bucket, one more than bounds, not accumulated.
        sum: of all that was observed.
    """

    bounds: list[float]
    counts: list[int]
    sum: float


class FamilySnapshot(TypedDict):
    """A family at a moment, as plain JSON data.

    ``@`` at the beginning of a name, or of a label's, stands for the prefix of the exposition and ``_``.

    Attributes:
        type: as Prometheus has it: ``counter``, ``gauge``, ``histogram``, or ``summary`` of count and sum alone.
        help: a sentence.
        merge: what several processes make together; the sum where there is none.
        samples: labels and value of each series.
    """

    type: str
    help: str
    merge: NotRequired[Merge]
    samples: list[tuple[dict[str, str], float | HistogramValue]]


MetricsSnapshot: TypeAlias = dict[str, FamilySnapshot]
"""All families by their names: plain data, which JSON and pickle take."""


class Histogram:
    """Counts seconds by buckets.

    Attributes:
        counts: by bucket, not accumulated.
        sum: of all that was observed.
    """

    __slots__ = ("_bounds", "counts", "sum")

    def __init__(self, bounds: tuple[float, ...] = SECONDS) -> None:
        self._bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def observe(self, seconds: float) -> None:
        """Count one."""
        self.counts[bisect_left(self._bounds, seconds)] += 1
        self.sum += seconds

    def value(self) -> HistogramValue:
        """Return what it has counted."""
        return {"bounds": [*self._bounds], "counts": [*self.counts], "sum": self.sum}


class Counter:
    """Counts.

    Attributes:
        value: the count.
    """

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0


class Family:
    """A metric with its series.

    Args:
        name: with ``@`` for the prefix.
        help_: a sentence.
        labels: their names, in the order of the values; ``@`` as in the name.
        most: how many series there may be.
    """

    __slots__ = ("_help", "_labels", "_most", "_series", "name", "type")

    def __init__(self, name: str, help_: str, kind: str, labels: tuple[str, ...], most: int = MOST_SERIES) -> None:
        self.name = name
        self.type = kind
        self._help = help_
        self._labels = labels
        self._most = most
        self._series: dict[tuple[str, ...], Any] = {}

    def _of(self, values: tuple[str, ...], make: type[Any]) -> Any:
        known = self._series.get(values)
        if known is None:
            if len(self._series) >= self._most:
                values = (OTHER,) * len(self._labels)
                known = self._series.get(values)
            if known is None:
                known = self._series[values] = make()
        return known

    def counter(self, *values: str) -> Counter:
        """Return the counter of labels."""
        made: Counter = self._of(values, Counter)
        return made

    def histogram(self, *values: str) -> Histogram:
        """Return the histogram of labels."""
        made: Histogram = self._of(values, Histogram)
        return made

    def snapshot(self) -> FamilySnapshot:
        """Return what it has; a label without a value is left out."""
        samples: list[tuple[dict[str, str], float | HistogramValue]] = []
        for values, known in self._series.items():
            labels = {name: value for name, value in zip(self._labels, values, strict=True) if value}
            samples.append((labels, known.value() if isinstance(known, Histogram) else known.value))
        return {"type": self.type, "help": self._help, "samples": samples}
