"""Tokens that an operation of another API gives, such as its login (SEMANTICS 4.5)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from naftiko.document.model.authentication import AUTHENTICATIONS, Acquire, Authentication, Unusable, given
from naftiko.document.suggest import fold
from naftiko.ground.http import is_token

_BEARER: Final = "bearer"
_PLACEMENTS: Final = (_BEARER, "header", "query", "cookie", "body")


class CustomTokenAuthentication(Authentication):
    """A token that another operation gives, kept until it ends or is refused.

    Attributes:
        placement: ``bearer`` (the default), ``header``, ``query``, ``cookie`` or ``body``.
        header_name: of ``header``.
        param_name: of the parameter, the cookie or the field.
        safety_margin: seconds before the token's end from which on it is renewed.
    """

    kind = "customtoken"
    called = "a custom-token authentication"
    spellings = ("tokenlogin", "logintoken", "login")
    key_spellings = {  # noqa: RUF012  # a constant
        "placement": "in location",
        "headerName": "header",
        "paramName": "param name cookiename fieldname",
        "safetyMargin": "margin expirymargin",
    }

    type: str | None = "custom-token"
    acquire: Acquire | None = None
    placement: str | None = None
    header_name: str | None = None
    param_name: str | None = None
    safety_margin: int | None = None

    @property
    def placed(self) -> str:
        """Where the token is placed."""
        return fold(self.placement or _BEARER)

    @property
    def name(self) -> str:
        """The name under which the token is sent."""
        if self.placed == _BEARER:
            return "Authorization"
        return (self.header_name if self.placed == "header" else self.param_name) or ""

    def places(self) -> tuple[tuple[str, str], ...]:
        """The one place of the token."""
        if self.placed in {_BEARER, "header"}:
            return (("header", self.name.lower()),)
        return ((self.placed, self.name),)

    def login(self) -> Acquire | None:
        """The call that gives the token."""
        return self.acquire

    def fault(self) -> Unusable | None:
        """A placement that there is none of, too."""
        if self.placed not in _PLACEMENTS:
            reason = f"places its token in `{self.placement}`, which is none of {', '.join(_PLACEMENTS)}"
            return Unusable("unknown-placement", reason, "placement")
        if self.placed in {"header", "cookie"} and given(self.name) and not is_token(self.name):
            return Unusable(
                "unknown-placement", f"has `{self.name}` for a name, which no header and no cookie can have"
            )
        return super().fault()

    def lacking(self) -> Iterator[str]:
        """The call, the token's place in its answer, and the name under which the token is sent."""
        acquire = self.acquire or Acquire()
        if not given(acquire.call):
            yield "`acquire.call`"
        if not given(acquire.token_field):
            yield "`acquire.tokenField`"
        if not given(self.name):
            yield "`headerName`" if self.placed == "header" else "`paramName`"


AUTHENTICATIONS.add(CustomTokenAuthentication, (CustomTokenAuthentication.kind, *CustomTokenAuthentication.spellings))
