"""How much of a stream is taken for one call (docs/streams.md)."""

from __future__ import annotations

from pydantic import Field

from naftiko.document.model.base import Model, Seconds


class Collect(Model):
    """The end of a stream, whatever its upstream says.

    Attributes:
        until: a condition on an item, which is the last one then.
        limit: how many items.
        timeout: seconds, from the request on.
        bytes_: of the items together, such as ``5MiB``.
        as_: what an item of server-sent events is: its ``data``, or the ``event`` with its name and id.
    """

    until: str | None = None
    limit: int | None = None
    timeout: Seconds = None
    bytes_: str | None = Field(default=None, alias="bytes")
    as_: str | None = None
