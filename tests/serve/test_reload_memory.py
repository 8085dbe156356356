"""What was served goes with the last of its requests: nothing holds an app, or a plan, that another one has succeeded."""

from __future__ import annotations

import asyncio
import gc
import weakref

from front import FILE

from naftiko import load
from naftiko.engine.memory import Budget
from naftiko.expose.http.streams import OpenStreams
from naftiko.serve.addresses import listeners
from naftiko.serve.apps import AppOptions, app_of
from naftiko.serve.live import LiveApp
from naftiko.serve.server import _Finishing


def test_nothing_holds_what_others_have_succeeded(tmp_path):
    path = tmp_path / "served.yaml"
    path.write_text(FILE)
    gone: list[weakref.ref] = []

    async def main() -> int:
        served: list = []
        for _ in range(5):
            capability = load(path)
            apps = [app_of(each, AppOptions()) for each in listeners([capability])]
            for at, app in enumerate(apps):
                await app.start()
                if served:
                    app.succeed(served[1][at])
                    await served[1][at].aclose()
            if served:
                await served[0].aclose()
                gone.append(weakref.ref(served[0]))
                gone.extend(map(weakref.ref, served[1]))
            served = [capability, apps]
        del capability, apps, app
        await asyncio.sleep(0)
        gc.collect()
        held = [each() for each in gone if each() is not None]
        await asyncio.gather(*(app.aclose() for app in served[1]))
        await served[0].aclose()
        return len(held)

    assert len(gone) == 0
    assert asyncio.run(main()) == 0
    assert len(gone) == 4 * 3


class App(LiveApp):
    async def __call__(self, scope, receive, send):
        """Answer nothing."""

    async def start(self):
        """Start nothing."""

    def succeed(self, before):
        """Take over nothing."""

    async def aclose(self):
        """Stop nothing."""


def test_a_server_that_runs_does_not_hold_the_app_that_it_began_with():
    """Which holds, by way of what it has handed on, each one that came later."""

    async def main() -> object:
        said: asyncio.Queue = asyncio.Queue()
        told: asyncio.Queue = asyncio.Queue()
        finishing = _Finishing(App(), asyncio.Event(), OpenStreams(), Budget(0), draining=False)
        running = asyncio.create_task(finishing({"type": "lifespan"}, said.get, told.put))
        await said.put({"type": "lifespan.startup"})
        await told.get()
        first = weakref.ref(finishing.served.app)
        await finishing.change(App())
        gc.collect()
        held = first()
        await said.put({"type": "lifespan.shutdown"})
        await running
        return held

    assert asyncio.run(main()) is None
