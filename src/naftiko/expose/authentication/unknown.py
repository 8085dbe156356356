"""A scheme that this runtime doesn't know."""

from __future__ import annotations

from naftiko.expose.authentication.scheme import Credentials, Guard, Principal, Refusal, unavailable


class ClosedGuard(Guard):
    """Lets nobody in: an adapter that asks for authentication is never served without.

    Args:
        scheme: the word of the file.
    """

    def __init__(self, scheme: str | None) -> None:
        named = f"the authentication `{scheme}`" if scheme else "an authentication without a type"
        detail = f"this adapter asks for {named}, which can't be checked here; nobody is let in"
        self._refusal = unavailable(detail, "unknown-authentication")

    async def identify(self, request: Credentials) -> Principal | Refusal:  # noqa: ARG002  # nothing in it matters
        """Refuse."""
        return self._refusal
