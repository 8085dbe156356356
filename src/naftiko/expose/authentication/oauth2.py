"""OAuth 2: a resource server that takes access tokens (RFC 6750), and says where they come from (RFC 9728)."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Final, Protocol
from urllib.parse import SplitResult, urlsplit

from naftiko.document.model import OAuth2Authentication
from naftiko.engine.authentication import Fetch
from naftiko.expose.authentication.authorization_server import AuthorizationServer, send
from naftiko.expose.authentication.introspection import Introspection, IntrospectionClient
from naftiko.expose.authentication.scheme import (
    METADATA_PATH,
    REALM,
    Credentials,
    Denied,
    Headers,
    Principal,
    Refusal,
    SchemeGuard,
    challenge,
    incomplete,
    unavailable,
)
from naftiko.expose.authentication.single_flight import RETRY_AFTER
from naftiko.expose.authentication.tokens import (
    AuthorizationServerDown,
    Expectation,
    InvalidToken,
    algorithm_and_kid,
    check_claims,
    granted_scopes,
    verified_claims,
)
from naftiko.expression.scope import Scope
from naftiko.expression.template import Value


class SignedTokens:
    """The tokens of an authorization server that publishes its keys."""

    def __init__(self, server: AuthorizationServer) -> None:
        self._server = server

    async def claims(self, token: str, address: str = "") -> Mapping[str, Any]:
        """Return the claims of a token that one of the server's keys signed; a key that isn't there may be a new one.

        Raises:
            InvalidToken: none did.
            AuthorizationServerDown: the keys can't be had.
        """
        del address
        algorithm, kid = algorithm_and_kid(token)
        keys = (await self._server.keys()).named(algorithm, kid)
        if not keys:
            rotated = await self._server.rotated_keys()
            keys = rotated.named(algorithm, kid) or rotated.unnamed(algorithm)
        return verified_claims(token, keys)


CLIENT_ID: Final = "INTROSPECTION_CLIENT_ID"
CLIENT_SECRET: Final = "INTROSPECTION_CLIENT_SECRET"  # noqa: S105  # the name of a variable


class Tokens(Protocol):
    """Whoever knows what a token says."""

    async def claims(self, token: str, address: str = "") -> Mapping[str, Any]:
        """Return a token's claims, known to be the authorization server's own; whether they fit is not checked.

        Args:
            token: the token.
            address: the caller's; one of them doesn't keep the others from being checked.

        Raises:
            InvalidToken: it is none of the authorization server's.
            AuthorizationServerDown: that can't be known.
        """
        ...


class OAuth2Guard(SchemeGuard):
    """``Authorization: Bearer TOKEN``, a token of the file's authorization server that is meant for this resource.

    With ``tokenValidation: introspection`` the server is asked about each token; the client that asks is the
    authentication's ``clientId`` and ``clientSecret``, else the variables ``INTROSPECTION_CLIENT_ID`` and
    ``INTROSPECTION_CLIENT_SECRET``. Otherwise tokens are JWTs, verified with the server's keys.

    Args:
        authentication: the scopes, and how tokens are validated.
        secrets: the values of the authentication's keys.
        scope: where variables are.
        resource_path: where the adapter is, if that isn't the path of ``resource``: its metadata is served there too.
        other_paths: where else it is; a ``resource`` that is one of these is another one beside this.
        fetch: sends a request to the authorization server.
        clock: seconds, never going backwards.
        wall_clock: seconds since 1970, which tokens are dated in.
    """

    def __init__(
        self,
        authentication: OAuth2Authentication,
        secrets: Mapping[str, Value],
        scope: Scope,
        *,
        resource_path: str | None = None,
        other_paths: tuple[str, ...] = (),
        fetch: Fetch = send,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(secrets, scope)
        self._scopes = authentication.scopes
        self._introspects = (authentication.token_validation or "jwks").lower() == "introspection"
        self._resource_path = resource_path
        self._other_paths = other_paths
        self._fetch = fetch
        self._clock = clock
        self._wall_clock = wall_clock
        self._known: tuple[tuple[str, IntrospectionClient | None], Tokens] | None = None

    async def _identify(self, request: Credentials) -> Principal:
        expected = self._expectation()
        tokens = self._tokens(expected.issuer)
        token = self._authorization(request, "Bearer")
        try:
            claims = await tokens.claims(_as_text(token), request.address)
            check_claims(claims, expected, self._wall_clock())
        except InvalidToken as invalid:
            raise self._invalid(invalid.description) from None
        except AuthorizationServerDown as down:
            retry = (("Retry-After", str(int(RETRY_AFTER))),)
            raise Denied(unavailable(down.detail, "authorization-server-unavailable", retry)) from None
        self._check_scopes(claims)
        subject = claims.get("sub")
        return Principal("oauth2", subject if isinstance(subject, str) else None, claims)

    def _expectation(self) -> Expectation:
        """Return what tokens must say.

        Raises:
            Denied: the file doesn't; a token of anybody's, or for anybody, would be let in.
        """
        issuer, audience = self._text("authorization_server_uri"), self._text("audience")
        if not issuer:
            raise incomplete("authorizationServerUri")
        meant_for = audience or self._text("resource")
        if not meant_for:
            raise incomplete("resource")
        own = self._resource()
        # Clients ask for a token for the resource that its metadata names, which is this very one (RFC 8707).
        audiences = (meant_for,) if audience or own is None else (meant_for, own.geturl())
        return Expectation(issuer, audiences, whole=not self._introspects, named_audience=bool(audience))

    def _tokens(self, issuer: str) -> Tokens:
        """Return what knows the tokens of an issuer; made anew where a variable of it has changed."""
        made_for = (issuer, self._client() if self._introspects else None)
        if self._known is None or self._known[0] != made_for:
            server = AuthorizationServer(issuer, self._fetch, self._clock)
            client = made_for[1]
            tokens: Tokens = SignedTokens(server)
            if client is not None:
                tokens = Introspection(server, client, self._clock, self._wall_clock)
            self._known = made_for, tokens
        return self._known[1]

    def _client(self) -> IntrospectionClient:
        variables = self._scope.variables
        return IntrospectionClient(
            self._text("client_id") or variables.value(CLIENT_ID),
            self._text("client_secret") or variables.value(CLIENT_SECRET),
        )

    def _check_scopes(self, claims: Mapping[str, Any]) -> None:
        granted = granted_scopes(claims)
        missing = next((scope for scope in self._scopes if scope not in granted), None)
        if missing is not None:
            description = f"Required scope '{missing}' not present in token"
            headers = self._bearer({"error": "insufficient_scope", "error_description": description})
            raise Denied(Refusal(HTTPStatus.FORBIDDEN, headers, description, "insufficient-scope"))

    def _invalid(self, description: str) -> Denied:
        headers = self._bearer({"error": "invalid_token", "error_description": description})
        return self._denied(f"the access token is not valid: {description}", "invalid-token", headers)

    def _challenges(self) -> Headers:
        """Return the challenge without an error: who brings no token made none (RFC 6750 chapter 3.1)."""
        return self._bearer({})

    def _bearer(self, error: Mapping[str, str]) -> Headers:
        fields = {"realm": REALM, **error}
        if self._scopes:
            fields["scope"] = " ".join(self._scopes)
        resource = self._resource()
        if resource is not None:
            fields["resource_metadata"] = resource._replace(path=_metadata_path(resource), fragment="").geturl()
        return (challenge("Bearer", fields),)

    def _resource(self) -> SplitResult | None:
        """Return the URL of the resource that is guarded; ``None`` where it is none, and so can't have metadata."""
        try:
            resource = urlsplit(self._text("resource"))
        except ValueError:
            return None
        return self._here(resource) if resource.scheme in ("http", "https") and resource.netloc else None

    def _here(self, declared: SplitResult) -> SplitResult:
        """Return the resource of this path, beside the one that the file declares for another path of the adapter."""
        here, path = self._resource_path, declared.path.rstrip("/")
        if here is None:
            return declared
        known = sorted((here, *self._other_paths), key=len, reverse=True)  # `/one/mcp` ends in `/mcp`, too
        declared_at = next((one for one in known if path.endswith(one)), known[-1])
        if declared_at == here:
            return declared
        return declared._replace(path=path.removesuffix(declared_at) + here)

    def metadata_paths(self) -> frozenset[str]:
        """Return where the metadata is served: at the root, too, for clients that look nowhere else.

        Raises:
            MissingVariable: the resource has a variable without a value.
        """
        resource = self._resource()
        if resource is None:
            return frozenset()
        paths = {METADATA_PATH, _metadata_path(resource)}
        if self._resource_path is not None:
            paths.add(METADATA_PATH + self._resource_path.rstrip("/"))
        return frozenset(paths)

    def metadata(self) -> dict[str, Any] | None:
        """Return the metadata of the resource (RFC 9728 chapter 2); ``None`` where the file names no resource.

        Raises:
            MissingVariable: it has a variable without a value.
        """
        resource, issuer = self._resource(), self._text("authorization_server_uri")
        if resource is None or not issuer:
            return None
        scopes = {"scopes_supported": list(self._scopes)} if self._scopes else {}
        return {
            "resource": resource.geturl(),
            "authorization_servers": [issuer],
            **scopes,
            "bearer_methods_supported": ["header"],
        }


def _as_text(token: bytes) -> str:
    try:
        return token.decode("ascii")
    except UnicodeDecodeError:
        raise InvalidToken("Token validation failed") from None


def _metadata_path(resource: SplitResult) -> str:
    return METADATA_PATH + resource.path.rstrip("/")
