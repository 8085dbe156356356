"""``naftiko trust``: remember a file as it is, with what it may use."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import click

from naftiko.cli.check import load_usable
from naftiko.cli.diagnostics.excerpt import harmless
from naftiko.cli.files import find_files
from naftiko.cli.options import check_names, shared_options
from naftiko.cli.terminal import say
from naftiko.cli.trusted import TrustStore, Use, lines_of
from naftiko.engine.settings import Settings


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="FILE|DIRECTORY|GLOB...")
@click.option("--forget", is_flag=True, help="Trust the files no longer.")
@shared_options
def trust(settings: Settings, /, paths: Sequence[str], *, forget: bool) -> None:
    """Remember capability files as they are, with what they use.

    Shows which variables go to which host and which files are read. `serve` then says so no more; where a file has
    changed since, it asks on a terminal, and elsewhere warns; with --strict it refuses to start.
    """
    files = find_files(paths).files
    store = TrustStore.read()
    if forget:
        _written(store, lambda: store.forget(files))
        return
    uses: list[Use] = []
    for path in files:
        capability = load_usable(path, settings)
        check_names([capability], settings)
        use = Use.of(capability)
        uses.append(use)
        say(harmless(str(path)))
        for line in lines_of(use.reach):
            say(f"  {harmless(line)}")
    _written(store, lambda: store.trust(uses))
    say(f"trusted, as {'it is' if len(files) == 1 else 'they are'} now: {store.path}", err=True)


def _written(store: TrustStore, write: Callable[[], None]) -> None:
    try:
        write()
    except OSError as error:
        raise click.ClickException(f"{store.path}: {(error.strerror or 'can not be written').lower()}") from error
