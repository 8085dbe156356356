"""The public file with WebSockets: each of its units is called, against a stand-in."""

from __future__ import annotations

import pytest
from corpus_run import capability_files

import naftiko
from naftiko.engine.settings import Settings
from naftiko.testing import StandInUpstream
from public_files import CORPUS

pytestmark = pytest.mark.corpus


async def talk(conversation):
    asked = await conversation.receive()
    await conversation.send({"method": asked["channel"], "success": True})
    await conversation.close()


async def test_each_unit_of_krakens_streams_is_executed():
    [path] = [each for each in capability_files(CORPUS) if each.name == "spot-websocket-v2-streams.yaml"]
    upstream = StandInUpstream()
    upstream.talk("/v2/", talk)
    with upstream:
        base = f"{upstream.url.replace('http', 'ws')}/v2"
        settings = Settings(environment={"KRAKEN_WS_TOKEN": "t-4711-kraken"}, base_uris={"*": base})
        loaded = naftiko.load(path, settings=settings)
        assert len(loaded.units) == 24
        for unit in loaded.units:
            answer = (await unit.run({"channel": "ticker", "params": {"symbol": ["BTC/USD"]}})).value
            reply = {"method": "ticker", "success": True}
            assert answer == (reply if "publish" in (unit.call or "") else [reply]), unit.name
        assert {request.headers["authorization"] for request in upstream.requests} == {"Bearer t-4711-kraken"}
        await loaded.aclose()
