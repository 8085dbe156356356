"""What all tests share: property tests that don't depend on how fast the machine is, and take their share of it."""

from __future__ import annotations

import contextlib
import functools
import gc
import os
import ssl
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from typing import Any

# What pytest makes of a module's asserts is kept, as Python keeps what it compiles, also where PYTHONDONTWRITEBYTECODE
# says otherwise: made anew in each of four workers, it takes half a minute of a processor, Hypothesis alone eight seconds.
sys.dont_write_bytecode = False

import httpx._transports.default  # noqa: E402  # what is said above is for these, too
import httpx2._transports.default  # noqa: E402
import pytest  # noqa: E402
from httpx._config import DEFAULT_TIMEOUT_CONFIG  # noqa: E402
from hypothesis import HealthCheck, settings  # noqa: E402

from left_out import LEFT_OUT  # noqa: E402
from public_files import FILES  # noqa: E402

settings.register_profile("any machine", deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")
UNTRACED = ("hypothesis", "corpus", "conformance")
"""Marks of tests that do the same thing very often: tracing for the coverage would only slow them down."""

CASE = pytest.StashKey[int]()

TRACED_CASES = 20
"""How many cases of a test are traced."""

OF_TRUST = ("SSL_CERT_FILE", "SSL_CERT_DIR")
"""What says to clients that other authorities are trusted."""

for kind in ("connect", "read", "write", "pool"):  # clients that say nothing else wait as long as a busy machine needs
    setattr(DEFAULT_TIMEOUT_CONFIG, kind, 60.0)


def _share_trust(transports: Any) -> None:
    """Read the authorities that are trusted once: a client that reads them for itself takes 40 ms of a processor."""
    make = transports.create_ssl_context

    @functools.cache
    def usual(trust_env: bool, *_: str | None) -> ssl.SSLContext:
        return make(trust_env=trust_env)

    def create_ssl_context(verify: Any = True, cert: Any = None, trust_env: bool = True) -> ssl.SSLContext:
        if verify is True and cert is None:
            return usual(trust_env, *(os.environ.get(name) for name in OF_TRUST if trust_env))
        return make(verify, cert, trust_env)

    transports.create_ssl_context = create_ssl_context


for client in (httpx._transports.default, httpx2._transports.default):
    _share_trust(client)


def pytest_make_parametrize_id(val: object) -> str | None:
    """Name bytes by what is readable of them: what a compressor makes holds the time, and workers must agree on names."""
    if not isinstance(val, bytes) or (val.isascii() and val.decode("ascii").isprintable()):
        return None
    return "bytes"


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what needs the public capability files where there are none, or fail where they are required."""
    if FILES.missing and item.get_closest_marker("corpus"):
        if FILES.required:
            pytest.fail(FILES.missing, pytrace=False)
        pytest.skip(FILES.missing)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Number the cases of each test."""
    cases: Counter[str] = Counter()
    for item in items:
        test = item.nodeid.partition("[")[0]
        item.stash[CASE] = cases[test]
        cases[test] += 1


def pytest_deselected(items: list[pytest.Item]) -> None:
    """Remember what is left out, for who counts all."""
    for item in items:
        item.config.stash.setdefault(LEFT_OUT, []).append(item.nodeid)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[object]:
    """Collect no garbage meanwhile: thirteen thousand tests are made, and all of them stay.

    They are not frozen: Hypothesis asks who refers to what it registers, and frozen objects don't tell.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Trace for the coverage what shows something: no repetitions, and the processes of a test's first case alone.

    A test of many cases shows with a few of them which lines it reaches; the others take half of the time untraced.
    """
    repeats = item.stash[CASE] >= TRACED_CASES or any(item.get_closest_marker(mark) for mark in UNTRACED)
    with contextlib.ExitStack() as stack:
        if repeats:
            stack.enter_context(_untraced())
        if repeats or item.stash[CASE]:
            stack.enter_context(_untraced_processes())
        return (yield)


@contextlib.contextmanager
def _untraced() -> Iterator[None]:
    here, threads = sys.gettrace(), threading.gettrace()
    sys.settrace(None)
    threading.settrace(None)
    try:
        yield
    finally:
        threading.settrace(threads)
        sys.settrace(here)


@contextlib.contextmanager
def _untraced_processes() -> Iterator[None]:
    kept = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("COVERAGE_")}
    try:
        yield
    finally:
        os.environ.update(kept)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Add up the figures that the runs over the corpus recorded, part by part; say aloud that there was no corpus."""
    if FILES.missing:
        terminalreporter.write_line(f"corpus: NOT CHECKED: {FILES.missing}", yellow=True)
    figures: dict[str, Counter[str]] = {}
    for reports in terminalreporter.stats.values():
        for report in reports:
            for name, counts in getattr(report, "user_properties", ()) if getattr(report, "when", "") == "call" else ():
                figures.setdefault(name, Counter()).update(counts)
    for name, counts in figures.items():
        terminalreporter.write_line(f"{name}: {dict(counts)}")
