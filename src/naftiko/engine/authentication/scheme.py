"""What every outbound kind is: it sees the request that it proves, and says what to add to it."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, TypeVar

import httpx

from naftiko.document.model.authentication import Authentication, Filled
from naftiko.engine.request import Draft
from naftiko.expression.scope import Scope, StandIn
from naftiko.expression.text import as_text, sendable
from naftiko.observe.redaction import credential_text
from naftiko.plan.unit import ApiPlan

if TYPE_CHECKING:
    from naftiko.engine.shared_state import SharedState

Learn: TypeAlias = Callable[[str], None]
"""Takes note of a secret, which is hidden from then on."""
Fetch: TypeAlias = Callable[[httpx.Request], Awaitable[httpx.Response]]
"""Sends a request through the API's transport and returns the answer, read; raises what ``transport.fetch`` does."""
KindT = TypeVar("KindT", bound=Authentication)
LogIn: TypeAlias = Callable[[], Awaitable[httpx.Response]]
"""Makes the call that gives a token, as another API's operation; returns the answer, read; raises as ``Fetch``."""
Pairs: TypeAlias = Sequence[tuple[str, str]]
"""Names and values, as they are meant: not yet encoded."""


def _nothing(_: str) -> None:
    """Take no note."""


@dataclass(frozen=True, slots=True)
class Means:
    """What a credential is made with.

    Attributes:
        api: the API, with the compiled values of its authentication's keys.
        scope: where variables are; they are read at each request, so that a rotated secret is the new one.
        fetch: sends a request of the credential's own, such as one for a token; it carries no credential.
        learn: told of each secret as it is used.
        shared: where tokens are known to other processes; ``None``: nowhere.
        log_in: makes the call of ``api.login``.
    """

    api: ApiPlan
    scope: Scope
    fetch: Fetch
    learn: Learn = _nothing
    shared: SharedState | None = None
    log_in: LogIn | None = None


@dataclass(frozen=True, slots=True)
class Proof:
    """What a credential adds to a request. What the file maps itself stays, whatever is said here (SEMANTICS 4.5).

    Attributes:
        fields: of a body that is a JSON object or a form; none of a body that is passed on while it comes.
    """

    headers: Pairs = ()
    query: Pairs = ()
    cookies: Pairs = ()
    fields: Pairs = ()


class Credential:
    """Proves to one API who we are: made once, and used by all calls to it at once.

    A kind says in ``prove`` what it adds. One that holds for any request is ``is_fixed``, and is asked once; one that
    is made of the request itself is ``is_signature``; one that is neither, such as a token, is asked for each request.

    Attributes:
        is_fixed: whether it is made of variables alone, so that it is the same for every request until one is refused.
        is_signature: whether it holds for one request only: it is made anew for the URL that a redirect leads to, and
            it is hidden in the answer to its own request alone.
        refusals: the statuses with which the API refuses it.
        optional: variables that it reads beside those of its keys, where they are set; another value of one is another
            credential.
    """

    is_fixed: bool = False
    is_signature: bool = False
    refusals: frozenset[int] = frozenset({401})
    optional: tuple[str, ...] = ()

    def __init__(self, means: Means) -> None:
        self.move(means)

    def move(self, means: Means) -> None:
        """Go on with other means: the file was loaded anew, and what is known (a token, a challenge) still holds."""
        self._api = means.api
        self._scope = means.scope
        self._fetch = means.fetch
        self._learn = means.learn
        self._shared = means.shared
        self._log_in = means.log_in

    async def prove(self, draft: Draft) -> Proof:
        """Return what to add to a request.

        Args:
            draft: the request as it is sent, but for what is added: its ``method``, its ``full_url()``, its
                ``sent_headers()``, and its body: ``await draft.content()`` is the bytes of it. Where
                ``draft.streamed`` is set, the body is passed on while it comes: asking for its content keeps all of
                it in memory first, so a kind that can do without doesn't ask. The draft may be changed; what is
                added is better returned, since then what the file maps wins, and logs and answers hide it.

        Raises:
            MissingVariable: a variable of the credential has no value.
            UnusableVariable: a value of it can't be sent.
            UpstreamError: a token can't be had.
            CallError: the body can't be read, or is larger than the limit.
        """
        raise NotImplementedError

    def path(self) -> Pairs:
        """Return the values of placeholders of the path that it fills; by default none.

        Raises:
            MissingVariable: a variable of the credential has no value.
        """
        return ()

    def tls(self) -> ssl.SSLContext | None:
        """Return the context of the connections to the API, such as one with a client certificate; asked once.

        By default ``None``: the platform's.

        Raises:
            MissingVariable: a variable of the credential has no value.
            CallError: what the file names can't be used.
        """
        return None

    async def retry(self, request: httpx.Request, response: httpx.Response) -> bool:
        """After a 401: learn from it (a challenge, a stale token); return whether a second try makes sense.

        The second try asks ``prove`` anew. By default there is none: the same credential would be refused again.
        """
        del request, response
        return False

    def proofs(self, request: httpx.Request) -> Sequence[str]:
        """Return the texts that only this request carries, to hide them in its answer; asked of a signature alone."""
        headers, query = request.headers, request.url.params
        found = [
            headers.get(name, "") if place == "header" else query.get(name, "")
            for place, name in self._api.credentials
            if place in {"header", "query"}
        ]
        return [credential_text(text) for text in found if text]

    def _secret(self, key: str) -> str:
        """Return the value of one of the authentication's keys, ``""`` where the file has none.

        Args:
            key: the name of the field, ``headers.NAME`` for a text of a map.

        Raises:
            MissingVariable: a variable of it has no value.
            UnusableVariable: it holds a control character.
        """
        value = self._api.secrets.get(key)
        if value is None:
            return ""
        name = f"`{key}` in the authentication of `{self._api.namespace}`"
        text = sendable(name, as_text(value(self._scope)), one_line=not self._mark(key).has_lines)
        if self._mark(key).hides(text) and not isinstance(text, StandIn):
            self._learn(text)
        return text

    def _kind(self, model: type[KindT]) -> KindT:
        """Return the authentication, which is of this kind."""
        authentication = self._api.authentication
        if not isinstance(authentication, model):
            raise TypeError(f"{type(self).__name__} needs its authentication")
        return authentication

    def _mark(self, key: str) -> Filled:
        """Return what is said of a key; of an authentication that isn't known all is secret."""
        authentication = self._api.authentication
        return Filled(is_secret=True) if authentication is None else authentication.mark(key)
