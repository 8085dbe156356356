"""What runs in the store as one step: nobody sees it half done, and its clock is the one for all processes."""

from __future__ import annotations

import hashlib


class Script:
    """A Lua script.

    Args:
        text: what it does. What is stored may have been written by anybody: it is a number, or as if it weren't there.

    Attributes:
        text: the same.
        digest: by which the store knows it once it has run.
    """

    __slots__ = ("digest", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.digest = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
