"""What the system says about a process: processor time, memory, descriptors, the garbage collector.

The names are those of every Prometheus client (https://prometheus.io/docs/instrumenting/writing_clientlibs/).
"""

from __future__ import annotations

import gc
import os
import platform
import time
from pathlib import Path
from typing import Final

from naftiko.observe.figures import FamilySnapshot, HistogramValue, Merge, MetricsSnapshot

_STAT: Final = Path("/proc/self/stat")
_STARTED: Final = 19
"""The place of the start time in ``/proc/self/stat`` behind the name (proc(5): field 22)."""
_MEMORY: Final = 20
"""That of the virtual size in bytes, and behind it that of the resident size in pages."""
_BEGAN: Final = time.time()


def process_figures() -> MetricsSnapshot:
    """Return the figures of this process; what the system doesn't tell is left out."""
    times = os.times()
    figures = {
        "process_cpu_seconds_total": _one("counter", "User and system CPU time spent, in seconds", sum(times[:2])),
        "process_start_time_seconds": _one("gauge", "Start of the process since the epoch, in seconds", _BEGAN, "min"),
        **_of_linux(),
        "python_info": _info(),
    }
    collections: FamilySnapshot = {"type": "counter", "help": "Runs of the garbage collector", "samples": []}
    collected: FamilySnapshot = {"type": "counter", "help": "Objects that it collected", "samples": []}
    for generation, stats in enumerate(gc.get_stats()):
        labels = {"generation": str(generation)}
        collections["samples"].append((labels, stats["collections"]))
        collected["samples"].append((labels, stats["collected"]))
    figures["python_gc_collections_total"] = collections
    figures["python_gc_objects_collected_total"] = collected
    return figures


def _of_linux() -> MetricsSnapshot:
    try:
        fields = _STAT.read_text("ascii", "replace").rpartition(")")[2].split()
        opened = len(os.listdir("/proc/self/fd"))  # noqa: PTH208  # no paths are made of them
        import resource  # noqa: PLC0415  # of Unix alone

        most = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        booted = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
        started = booted + int(fields[_STARTED]) / os.sysconf("SC_CLK_TCK")
        virtual, resident = int(fields[_MEMORY]), int(fields[_MEMORY + 1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ImportError, AttributeError, ValueError, IndexError):
        return {}
    return {
        "process_start_time_seconds": _one("gauge", "Start of the process since the epoch, in seconds", started, "min"),
        "process_virtual_memory_bytes": _one("gauge", "Virtual memory, in bytes", virtual),
        "process_resident_memory_bytes": _one("gauge", "Resident memory, in bytes", resident),
        "process_open_fds": _one("gauge", "Open file descriptors", opened),
        "process_max_fds": _one("gauge", "The most file descriptors that may be open", most),
    }


def _info() -> FamilySnapshot:
    labels = {"implementation": platform.python_implementation(), "version": platform.python_version()}
    return {"type": "gauge", "help": "The Python that runs it", "merge": "max", "samples": [(labels, 1)]}


def _one(kind: str, help_: str, value: float, merge: Merge = "sum") -> FamilySnapshot:
    samples: list[tuple[dict[str, str], float | HistogramValue]] = [({}, value)]
    return {"type": kind, "help": help_, "merge": merge, "samples": samples}
