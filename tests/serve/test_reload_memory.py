"""What was served goes with the last of its requests: nothing holds an app, or a plan, that another one has succeeded."""

from __future__ import annotations

import asyncio
import gc
import weakref

from front import FILE

from naftiko import load
from naftiko.serve.addresses import listeners
from naftiko.serve.apps import AppOptions, app_of


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
