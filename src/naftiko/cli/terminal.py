"""Write to the terminal; text of files and upstreams commands nothing there."""

from __future__ import annotations

import click

from naftiko.observe import sanitize as neutral


def say(text: str, *, err: bool = False, nl: bool = True) -> None:
    """Write lines for people; control characters and what hides text are shown as signs.

    Args:
        text: without styles of ours.
        err: whether to stderr.
        nl: whether to end the last line.
    """
    click.echo(neutral.lines(text), err=err, nl=nl)
