"""Serve the first capability against a stand-in Koyeb: no account, no network.

Run it from the project's root with ``make demo``, then try what it prints.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from examples.koyeb import stand_in_koyeb
from naftiko.cli import main

CAPABILITY = Path(__file__).parent.parent / "capabilities" / "koyeb-instances.yaml"
TOKEN = "demo-token"  # noqa: S105  # the stand-in's own


def run() -> None:
    """Start the stand-in, then serve until Ctrl-C."""
    os.environ["KOYEB_API_KEY"] = TOKEN
    with stand_in_koyeb(token=TOKEN) as koyeb:
        sys.stdout.write(
            f"a stand-in Koyeb answers at {koyeb.url}; try\n"
            "  curl 'http://127.0.0.1:8080/v1/v1/instances?limit=2&statuses=HEALTHY'\n"
            f"  naftiko call {CAPABILITY.relative_to(Path.cwd())} list-instances limit=2"
            f" --base-uri koyeb-instances={koyeb.url} --var KOYEB_API_KEY={TOKEN}\n\n"
        )
        sys.stdout.flush()
        main(["serve", str(CAPABILITY), "--base-uri", f"koyeb-instances={koyeb.url}", *sys.argv[1:]])


if __name__ == "__main__":
    run()
