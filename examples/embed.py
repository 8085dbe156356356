"""Use a capability from Python: look at it, build a request, run it, mount it in an ASGI app of your own.

python -m examples.embed
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import naftiko
from examples.koyeb import stand_in_koyeb

CAPABILITY = Path(__file__).parent.parent / "capabilities" / "koyeb-instances.yaml"


async def run() -> None:
    """Load, inspect, build, run."""
    with stand_in_koyeb(token="secret") as koyeb:  # noqa: S106  # the stand-in's own
        capability = naftiko.load(
            CAPABILITY, variables={"KOYEB_API_KEY": "secret"}, base_uris={"koyeb-instances": koyeb.url}
        )
        async with capability:
            for unit in capability.units:
                inputs = ", ".join(given.name for given in unit.inputs)
                sys.stdout.write(f"{unit.adapter:4} {unit.name}({inputs})\n")
            unit = next(unit for unit in capability.units if unit.name == "list-instances")
            request = unit.request({"limit": "2", "statuses": ["HEALTHY"]})
            sys.stdout.write(f"\n{request.method} {request.url}\n")
            answer = await unit.run({"limit": "2", "statuses": ["HEALTHY"]})
            sys.stdout.write(f"{answer.status} {answer.value['count']} instances\n")


if __name__ == "__main__":
    asyncio.run(run())
