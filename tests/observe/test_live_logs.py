"""Levels that are changed while the process runs, and logs that are watched live."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from collections import deque

import pytest

from naftiko.observe.access import AccessLog
from naftiko.observe.logs import loggers, set_level
from naftiko.observe.redaction import Redactor
from naftiko.observe.requests import RequestRecord
from naftiko.observe.watching import Watch

LIMIT = 30


@pytest.fixture
def logger():
    made = logging.getLogger("naftiko.tests.live")
    made.setLevel(logging.INFO)
    yield made
    made.setLevel(logging.NOTSET)


def test_levels_are_shown_and_set(logger):
    found = loggers()
    assert found["ROOT"]["configuredLevel"] == found["ROOT"]["effectiveLevel"]
    assert found[logger.name] == {"configuredLevel": "INFO", "effectiveLevel": "INFO"}
    for level in ("TRACE", "debug", "WARN", "ERROR", "OFF"):
        set_level(logger.name, level)
        assert loggers()[logger.name]["effectiveLevel"] == level.upper()
    assert not logger.isEnabledFor(logging.CRITICAL)
    child = logging.getLogger(f"{logger.name}.child")
    assert loggers()[child.name] == {"configuredLevel": None, "effectiveLevel": "OFF"}
    json.dumps(loggers())


@pytest.mark.parametrize(("name", "level"), [("naftiko", "LOUD"), ("", "INFO"), ("a\nb", "INFO"), ("x" * 300, "INFO")])
def test_what_is_no_level_and_no_name(name, level):
    with pytest.raises(ValueError, match=r"is no level|can't be the name"):
        set_level(name, level)


def test_names_are_bounded():
    names = (f"naftiko.made-up.{at}" for at in range(10_000))
    with pytest.raises(ValueError, match="can't be the name"):
        deque((set_level(name, "INFO") for name in names), maxlen=0)
    for name in [name for name in logging.root.manager.loggerDict if name.startswith("naftiko.made-up")]:
        del logging.root.manager.loggerDict[name]


async def taken(watching, count):
    found = []
    async with asyncio.timeout(LIMIT):
        async for entry in watching:
            found.append(entry)
            if len(found) == count:
                return found
    return found


async def test_a_watcher_gets_what_it_wants_without_secrets(logger):
    redactor = Redactor()
    redactor.learn("s3cret-value")
    with Watch([redactor], logger="naftiko.tests", level="WARN") as watching:
        logger.info("not this one")
        logging.getLogger("naftiko.testsuite").warning("nor this one")
        logger.warning("it is %s", "s3cret-value\x1b[2J")
        threading.Thread(target=logger.error, args=("of another thread",)).start()
        first, second = await taken(watching, 2)
    assert (first["level"], first["logger"], first["message"]) == (
        "warning",
        logger.name,
        "it is ***\N{REPLACEMENT CHARACTER}[2J",
    )
    assert (second["level"], second["message"]) == ("error", "of another thread")


async def test_what_a_slow_watcher_misses_is_counted(logger):
    with Watch([], logger=logger.name, most=5) as watching:
        for at in range(12):
            logger.info("line %d", at)
        found = await taken(watching, 5)
    assert [entry.get("dropped") for entry in found] == [7, None, None, None, None]
    assert [entry["message"] for entry in found] == [f"line {at}" for at in range(7, 12)]
    assert watching.dropped == 7


async def test_requests_are_seen_too_and_an_end_is_an_end(logger, capfd):
    logging.getLogger("naftiko.access").setLevel(logging.INFO)
    record = RequestRecord("id-1", client="127.0.0.1")
    with Watch([], level="INFO") as watching:
        AccessLog("json", []).tell(record)
        [entry] = await taken(watching, 1)
        assert (entry["logger"], entry["request_id"], entry["status"]) == ("naftiko.access", "id-1", 499)
        rest = asyncio.create_task(taken(watching, 1))
        await asyncio.sleep(0)
        watching.close()
        assert await rest == []
    before = list(logging.getLogger().handlers)
    logger.info("nobody watches")
    assert logging.getLogger().handlers == before
    logging.getLogger("naftiko.access").setLevel(logging.NOTSET)
