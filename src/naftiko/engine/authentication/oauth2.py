"""OAuth 2: what a token endpoint gives for a client's credentials or for another token, or a token of the file itself.

The grants are client credentials and refresh tokens (RFC 6749, 4.4 and 6) and the exchange of tokens (RFC 8693).

The client is `clientId` and `clientSecret` of the file. Where it has none, it is NAMESPACE_CLIENT_ID and
NAMESPACE_CLIENT_SECRET (the consumes namespace in capitals, anything but letters and digits as `_`), then
OAUTH_CLIENT_ID and OAUTH_CLIENT_SECRET; id and secret come from the same pair. With a token of another kind the secret
may be missing: a public client has none.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final

import httpx

from naftiko.document.model import OAuth2Authentication
from naftiko.document.model.authentication import CLIENT_CREDENTIALS, GRANT_TYPES, REFRESH_TOKEN, TOKEN_EXCHANGE
from naftiko.engine.authentication.access_token import AccessToken, Grant, TokenKeeper
from naftiko.engine.authentication.bearer import BearerCredential
from naftiko.engine.authentication.scheme import Credential, Means, Proof
from naftiko.engine.authentication.server_metadata import ServerMetadata, discover
from naftiko.engine.authentication.token_endpoint import OAuth2Client, request_token
from naftiko.engine.request import Draft
from naftiko.ground.errors import MissingVariable, NotExecutable, UpstreamError
from naftiko.plan.addresses import wrong_url

if TYPE_CHECKING:
    from naftiko.engine.shared_state import SharedState

_ANY_CLIENT: Final = "OAUTH"
_TOKEN_TYPES: Final = "urn:ietf:params:oauth:token-type:"  # noqa: S105  # a namespace
_ACCESS_TOKEN: Final = "access_token"  # noqa: S105  # a kind of token
_WORD_STARTS: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[^A-Za-z0-9]+")


def oauth2_credential(means: Means) -> Credential:
    """Return the credential of an ``oauth2`` block; a ``token`` without a ``clientId`` is the access token itself."""
    secrets = means.api.secrets
    has_token = "token" in secrets and "client_id" not in secrets
    return BearerCredential(means) if has_token else OAuth2Credential(means)


def client_variables(namespace: str) -> list[tuple[str, str]]:
    """Return the pairs of variables that may hold the client of a consumes namespace, the first wins."""
    own = _WORD_STARTS.sub("_", namespace).strip("_").upper()
    return [(f"{prefix}_CLIENT_ID", f"{prefix}_CLIENT_SECRET") for prefix in (own, _ANY_CLIENT) if prefix]


class OAuth2Credential(Credential):
    """``Authorization: Bearer TOKEN`` with a token that a token endpoint gave for the client's credentials."""

    def __init__(self, means: Means) -> None:
        super().__init__(means)
        self._keeper = TokenKeeper(margin=self._authentication.safety_margin)
        self._discovered: tuple[str, ServerMetadata] | None = None
        self._rotated = ("", "")
        self._refused = ""

    def move(self, means: Means) -> None:
        """Go on with other means, of another namespace perhaps."""
        super().move(means)
        self.optional = tuple(name for pair in client_variables(means.api.namespace) for name in pair)

    async def prove(self, draft: Draft) -> Proof:
        """Return the header; ask for a token where none holds."""
        del draft
        endpoint, issuer = self._server()
        client, form = self._client(), self._form()

        async def grant() -> AccessToken:
            return await self._grant(client, form, endpoint, issuer)

        if self._shared is not None and not self._refreshes:  # a refresh token is good once, for who has it
            told = endpoint, issuer, client.id, client.secret, *(f"{name}={form[name]}" for name in sorted(form))
            return await self._proof(partial(self._shared_grant, self._shared, told, grant))
        return await self._proof(grant)

    async def _proof(self, grant: Grant) -> Proof:
        return Proof(headers=[("Authorization", f"Bearer {await self._keeper.token(grant)}")])

    async def _shared_grant(self, shared: SharedState, told: Sequence[str], grant: Grant) -> AccessToken:
        from naftiko.engine.authentication.shared_token import SharedToken  # noqa: PLC0415  # only where they are shared

        return await SharedToken(shared, *told).granted(grant, self._refused)

    async def retry(self, request: httpx.Request, response: httpx.Response) -> bool:  # noqa: ARG002  # a credential's shape
        """Give the refused token up; a second try makes sense with another one."""
        sent = request.headers.get("Authorization", "")
        self._refused = sent.removeprefix("Bearer ")
        return self._keeper.refused(self._refused)

    async def _grant(self, client: OAuth2Client, form: Mapping[str, str], endpoint: str, issuer: str) -> AccessToken:
        known = self._discovered
        if known is None or known[0] != (endpoint or issuer):
            server = ServerMetadata(endpoint) if endpoint else await discover(issuer, self._ask)
            _checked(server.token_endpoint, "token endpoint")
        else:
            server = known[1]
        self._discovered = None  # what fails is looked up anew
        token, method = await request_token(server, client, form, self._ask)
        if self._refreshes and token.refresh:  # what was used is gone (RFC 6749, 6)
            self._rotated = (self._secret("refresh_token"), token.refresh)
            self._learn(token.refresh)
        self._discovered = (endpoint or issuer, ServerMetadata(server.token_endpoint, frozenset({method})))
        return token

    async def _ask(self, request: httpx.Request) -> httpx.Response:
        """Send a request that is not the caller's; an error says so, since they know nothing of it."""
        try:
            return await self._fetch(request)
        except UpstreamError as error:
            raise type(error)(f"no access token: {error.detail}", hint=error.hint) from None

    def _client(self) -> OAuth2Client:
        """Return the client.

        Raises:
            MissingVariable: none is given, or its secret isn't.
        """
        variables = self._scope.variables
        pairs = client_variables(self._api.namespace)
        name, secret = self._secret("client_id"), self._secret("client_secret")
        if not name:
            pairs = [pair for pair in pairs if variables.get(pair[0])][:1] or pairs[:1]
            name = variables.get(pairs[0][0]) or ""
        if not secret:
            secret = next((found for pair in pairs if (found := variables.get(pair[1]))), "")
        if not name or not (secret or self._authentication.grant != CLIENT_CREDENTIALS):
            missing = [variable for variable, value in zip(pairs[0], (name, secret), strict=True) if not value]
            raise MissingVariable(missing, hint=self._advice())
        return OAuth2Client(name, secret)

    def _advice(self) -> str:
        names = " or ".join(f"{name} and {secret}" for name, secret in client_variables(self._api.namespace))
        return f"set {names} in the environment of the server"

    @property
    def _authentication(self) -> OAuth2Authentication:
        return self._kind(OAuth2Authentication)

    @property
    def _refreshes(self) -> bool:
        return self._authentication.grant == REFRESH_TOKEN

    def _form(self) -> dict[str, str]:
        """Return what is asked of the token endpoint, but for the client."""
        form = {"grant_type": "client_credentials"}
        if self._refreshes:
            given = self._secret("refresh_token")
            replaced, current = self._rotated
            form = {"grant_type": "refresh_token", "refresh_token": current if replaced == given else given}
        elif self._authentication.grant == TOKEN_EXCHANGE:
            form = self._exchange()
        wanted = {
            "scope": " ".join(self._authentication.scopes),
            "audience": self._secret("audience"),
            "resource": self._secret("resource"),
        }
        return form | {name: value for name, value in wanted.items() if value}

    def _exchange(self) -> dict[str, str]:
        """Return what a token is exchanged by (RFC 8693 chapter 2.1)."""
        actor = self._secret("actor_token")
        kinds = {
            "subject_token_type": self._secret("subject_token_type") or _ACCESS_TOKEN,
            "actor_token_type": (self._secret("actor_token_type") or _ACCESS_TOKEN) if actor else "",
            "requested_token_type": self._secret("requested_token_type"),
        }
        return {
            "grant_type": f"{GRANT_TYPES}token-exchange",
            "subject_token": self._secret("subject_token"),
            **({"actor_token": actor} if actor else {}),
            **{name: kind if ":" in kind else f"{_TOKEN_TYPES}{kind}" for name, kind in kinds.items() if kind},
        }

    def _server(self) -> tuple[str, str]:
        """Return the token endpoint and the authorization server, one of which may be ``""``.

        Raises:
            NotExecutable: neither is there.
        """
        endpoint, issuer = self._secret("token_endpoint").strip(), self._secret("authorization_server_uri").strip()
        if not endpoint and not issuer:
            raise NotExecutable(
                f"the oauth2 authentication of `{self._api.namespace}` says nowhere who gives a token",
                hint="give it a tokenEndpoint or an authorizationServerUri",
            )
        return (
            (_checked(endpoint, "tokenEndpoint"), "") if endpoint else ("", _checked(issuer, "authorizationServerUri"))
        )


def _checked(url: str, what: str) -> str:
    """Return a URL that can be called.

    Raises:
        NotExecutable: it can't.
    """
    if wrong_url(url):
        raise NotExecutable(f"the {what} of an oauth2 authentication is no http or https URL")
    return url
