"""Serve the stand-in for Koyeb until it is interrupted."""

from __future__ import annotations

import contextlib
import signal
import threading

import click

from examples.koyeb.api import stand_in_koyeb


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=8099, show_default=True, help="The port; 0: a free one.")
@click.option("--token", default="demo", show_default=True, help="The bearer token to ask for; empty: none.")
def main(host: str, port: int, token: str) -> None:
    """Serve a stand-in for Koyeb's instances API, with the same data in every run."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with contextlib.ExitStack() as stack:
        try:
            koyeb = stack.enter_context(stand_in_koyeb(token or None, host=host, port=port))
        except OSError as exc:
            raise click.ClickException(f"can't listen on {host}:{port}: {exc.strerror}; choose another --port") from exc
        click.echo(f"Koyeb stand-in on {koyeb.url}")
        stop.wait()


if __name__ == "__main__":
    main()
