"""What can be wrong with a token, and with who knows about it."""

from __future__ import annotations


class InvalidToken(Exception):
    """A token that lets nobody in (RFC 6750 chapter 3.1).

    Attributes:
        description: why, for the caller; it holds nothing of the token.
    """

    def __init__(self, description: str) -> None:
        super().__init__(description)
        self.description = description


class AuthorizationServerDown(Exception):
    """The authorization server doesn't answer usefully: nobody knows whether the token is good.

    Attributes:
        detail: what it did, for the caller.
    """

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail
