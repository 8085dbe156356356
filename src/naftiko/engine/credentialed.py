"""The credential of one consumed API while it runs: added to requests, made anew when it is refused (SEMANTICS 4.5)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Final, TypeAlias

import httpx

from naftiko.engine.authentication import Credential, credential
from naftiko.engine.authentication.carried import Carried, carried, clear
from naftiko.engine.authentication.identity import Identity
from naftiko.engine.authentication.scheme import Means
from naftiko.engine.process_pool.wire import Shared
from naftiko.engine.request import Draft
from naftiko.expression.scope import Scope, Variables
from naftiko.observe.redaction import Redactor, credential_text
from naftiko.plan.unit import ApiPlan

if TYPE_CHECKING:
    from naftiko.engine.shared_state import SharedState

Renew: TypeAlias = Callable[[Iterable[str]], Awaitable[bool]]
"""Reads variables anew; tells whether one has another value since."""
SIGNED: Final = "naftiko.signed"
"""The extension of a request that carries a signature of ours; those that follow a redirect have it too."""


class Credentialed(Shared):
    """What of an API has to do with its credential; the API itself sends.

    Attributes:
        plan: the API.
    """

    def __init__(
        self,
        plan: ApiPlan,
        variables: Variables,
        redactor: Redactor,
        renew: Renew | None,
        tokens: SharedState | None,
    ) -> None:
        super().__init__()
        self._tokens = tokens
        self.plan = plan
        self._variables = variables
        self._redactor = redactor
        self._renew = renew
        self._unchanging: Carried | None = None
        self._credential: Credential | None = credential(self._means())
        optional = () if self._credential is None else self._credential.optional
        self._identity = Identity(plan, variables, optional)
        for _, name in plan.credentials:
            redactor.veil.carry(name)
        self._signs = self._credential is not None and self._credential.is_signature
        self._sign = self._signed_anew if self._signs else None
        self._refusals = frozenset[int]() if self._credential is None else self._credential.refusals
        self._in_path = any(place == "path" for place, _ in plan.credentials)
        self._fields = frozenset(name for place, name in plan.credentials if place == "body")

    def _means(self) -> Means:
        scope = Scope({}, self._variables)
        return Means(self.plan, scope, self._fetch, self._redactor.learn_credential, self._tokens, self._log_in)

    async def _fetch(self, request: httpx.Request) -> httpx.Response:
        """Send what a credential asks, such as for a token."""
        raise NotImplementedError

    async def _log_in(self) -> httpx.Response:
        """Make the call that gives a token."""
        raise NotImplementedError

    def _go_on_as(self, before: Credentialed) -> None:
        """Go on with the credential of the same API, as it was before its file was loaded anew."""
        if self._credential is not None and before._credential is not None:
            self._credential = before._credential
            self._credential.move(self._means())
            self._unchanging = before._unchanging

    async def authorize(self, made: Draft, mapped: Collection[str] = (), *, replace: bool = False) -> bool:
        """Add the credential; return whether one was added.

        What a call maps explicitly wins (SEMANTICS 4.5), unless ``replace`` says that ours does.

        Args:
            made: the request.
            mapped: the names of fields that the file maps.
            replace: whether ours wins over what the request has.
        """
        if self._credential is None:
            return False
        ours = self._unchanging
        if ours is None:
            if replace and self._signs:
                clear(made, self.plan.credentials)
            ours = await self._carried(self._credential, made)
        if ours.fields and made.streamed is not None:
            await made.content()
        return ours.put(made, mapped, replace=replace)

    async def _carried(self, credential: Credential, made: Draft) -> Carried:
        """Return what the credential adds; what never changes is kept."""
        ours = carried(await credential.prove(made))
        if credential.is_fixed:
            self._unchanging = ours
        # Each call's signature is another: the veil gets it with the call.
        learn = self._redactor.learn if credential.is_signature else self._redactor.learn_credential
        for _, value in (*ours.headers, *ours.cookies):
            learn(credential_text(value), lasting=False)
        return ours

    async def _signed_anew(self, request: httpx.Request) -> None:
        """Prove who we are for the URL that a redirect leads to, if it is us who did before."""
        if SIGNED not in request.extensions:
            return
        await request.aread()
        made = Draft.of(request)
        await self.authorize(made, replace=True)
        made.into(request)

    def _own(self, request: httpx.Request) -> Sequence[str]:
        """Return the credentials that one request alone carries."""
        return self._credential.proofs(request) if self._credential is not None and self._signs else ()

    async def _can_do_better(self, request: httpx.Request, response: httpx.Response) -> bool:
        """After a 401 to our credential: tell whether a second try makes sense.

        A secret may have been rotated: the variables are read anew (SEMANTICS 2).
        """
        self._unchanging = None
        is_another = await self.renew()
        return self._credential is not None and (await self._credential.retry(request, response) or is_another)

    async def renew(self) -> bool:
        """Read the variables anew; tell whether one that every call needs has another value since."""
        ours = () if self._credential is None else self._credential.optional
        is_another = self._renew is not None and await self._renew((*self.plan.variables, *ours))
        if is_another:
            self._unchanging = None
            self._identity.forget()
        return is_another
