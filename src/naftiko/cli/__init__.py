"""The command line: one module a command.

``main`` is cheap: ``naftiko --version`` and ``naftiko --help`` import no YAML, no model and no server.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence

from naftiko import __version__

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit: 0 good, 1 not good, 2 not understood."""
    _open_streams()
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given == ["--version"]:  # not worth the import of click, which takes longer than all the rest
        sys.stdout.write(f"naftiko {__version__}\n")
        sys.exit(0)
    # What is imported stays: to look for garbage among it takes a tenth of a start. `Application` turns it on again.
    gc.disable()
    from naftiko.cli.application import application  # noqa: PLC0415  # see above

    application.main(given, prog_name="naftiko")


def _open_streams() -> None:
    """Put nothing in the place of standard streams that are closed: what is opened next would be taken for them."""
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            opened = os.open(os.devnull, os.O_RDWR)  # the lowest number that is free
            if getattr(sys, name) is None:
                setattr(sys, name, os.fdopen(opened, mode, encoding="utf-8", closefd=False))
