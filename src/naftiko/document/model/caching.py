"""What a REST answer says of how long, and by whom, it may be kept (SEMANTICS 6.5, RFC 9111 chapter 5.2.2)."""

from __future__ import annotations

from typing import Literal

from naftiko.document.model.base import Model


class HttpCache(Model):
    """The cache headers of an exposed operation; times are seconds.

    Attributes:
        etag: whether the answer gets an ``ETag``; where nothing is said, it does.
        propagate: whether what the upstream's answer says counts where the file says nothing.
    """

    max_age: int | None = None
    s_max_age: int | None = None
    scope: Literal["public", "private"] | None = None
    no_store: bool = False
    no_cache: bool = False
    must_revalidate: bool = False
    immutable: bool = False
    stale_while_revalidate: int | None = None
    vary: tuple[str, ...] = ()
    etag: bool | None = None
    propagate: bool = False
