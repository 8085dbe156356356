"""A token that an operation of another API gives, such as its login: kept as a token of OAuth is (SEMANTICS 4.5)."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import httpx

from naftiko.document.model import CustomTokenAuthentication
from naftiko.engine.authentication.access_token import AccessToken, TokenKeeper
from naftiko.engine.authentication.scheme import Credential, Means, Proof
from naftiko.engine.authentication.token_endpoint import life_of
from naftiko.engine.mock import description
from naftiko.engine.request import Draft
from naftiko.ground.errors import NotExecutable, UpstreamBroken, UpstreamError, UpstreamRefused

_REFUSED = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})


class CustomTokenCredential(Credential):
    """``Authorization: Bearer TOKEN``, or the token where the file says that it belongs."""

    def __init__(self, means: Means) -> None:
        super().__init__(means)
        self._keeper = TokenKeeper(margin=self._kind(CustomTokenAuthentication).safety_margin)
        self._last = ""

    async def prove(self, draft: Draft) -> Proof:
        """Return the token, where it is placed; the call that gives it is made where none holds."""
        del draft
        kind = self._kind(CustomTokenAuthentication)
        token = self._last = await self._keeper.token(self._acquire)
        self._learn(token)
        if kind.placed == "bearer":
            return Proof(headers=[("Authorization", f"Bearer {token}")])
        pairs = [(kind.name, token)]
        if kind.placed == "query":
            return Proof(query=pairs)
        if kind.placed == "cookie":
            return Proof(cookies=pairs)
        return Proof(fields=pairs) if kind.placed == "body" else Proof(headers=pairs)

    async def retry(self, request: httpx.Request, response: httpx.Response) -> bool:  # noqa: ARG002  # a credential's shape
        """Give the refused token up; a second try makes sense with another one."""
        kind = self._kind(CustomTokenAuthentication)
        sent = request.headers.get(kind.name, "") if kind.placed in {"bearer", "header"} else self._last
        return self._keeper.refused(sent.removeprefix("Bearer ") if kind.placed == "bearer" else sent)

    async def _acquire(self) -> AccessToken:
        """Make the call.

        Raises:
            UpstreamError: it gives no token; nothing of its answer is told, which may be secret.
        """
        login = self._api.login
        if login is None or self._log_in is None:
            raise NotExecutable(f"nothing gives the token of `{self._api.namespace}`")
        name = login.call.operation.key
        try:
            response = await self._log_in()
        except UpstreamError as error:
            raise type(error)(f"no token from `{name}`: {error.detail}", hint=error.hint) from None
        if description(response) is not None:  # it was described, not sent
            return AccessToken("mock-token")
        status = response.status_code
        if not response.is_success:
            kind = UpstreamRefused if status in _REFUSED else UpstreamError
            raise kind(f"no token: `{name}` answered {status}", hint=f"check the arguments of `{name}` in `acquire`")
        document = _document(response, name)
        token = login.token(document)
        if not isinstance(token, str) or not token.isprintable() or not token.strip():
            raise UpstreamBroken(f"no token: the answer of `{name}` has none where `tokenField` says")
        return AccessToken(token.strip(), None if login.expires is None else life_of(login.expires(document)))


def _document(response: httpx.Response, name: str) -> Any:
    try:
        return response.json()
    except (ValueError, RecursionError):
        raise UpstreamBroken(f"no token: the answer of `{name}` is no JSON") from None
