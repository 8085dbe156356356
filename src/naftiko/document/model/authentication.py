"""Authentication, of consumed APIs (ours to them) and of exposed adapters (callers to us).

A kind is a model: it has the keys of the kind, and says of them what loading a file has to know. What goes out is made
of it by a credential of the engine, which is registered together with it (``naftiko.engine.authentication``).
"""

from __future__ import annotations

import functools
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Final, TypeAlias, get_type_hints

from pydantic import Field
from pydantic.alias_generators import to_camel
from yaml.nodes import Node

from naftiko.document.findings import Reporter
from naftiko.document.model.base import Choice, Model
from naftiko.document.suggest import fold
from naftiko.ground.http import is_token

PLACEMENTS: Final = ("header", "query", "cookie", "body", "path")
DEFAULT_HEADER: Final = "X-API-Key"
CLIENT_CREDENTIALS: Final = "clientcredentials"
REFRESH_TOKEN: Final = "refreshtoken"  # noqa: S105  # a grant's name
TOKEN_EXCHANGE: Final = "tokenexchange"  # noqa: S105  # likewise
GRANT_TYPES: Final = "urn:ietf:params:oauth:grant-type:"
_TOKENS: Final = frozenset({"header", "cookie"})


@dataclass(frozen=True, slots=True)
class Filled:
    """Marks a text of an authentication that may be a template, or a map of such texts.

    Attributes:
        is_secret: whether nobody may see its value: it is hidden wherever it would show.
        may_be_bare: whether the bare name of a variable means the variable's value.
        has_lines: whether it may have several lines, as the text of a key has.
    """

    is_secret: bool = False
    may_be_bare: bool = True
    has_lines: bool = False

    def hides(self, text: str) -> bool:
        """Tell whether nobody may see a text; the path of a file of a key is none to hide."""
        return self.is_secret and (not self.has_lines or "-----BEGIN" in text or "{{" in text)


Secret: TypeAlias = Annotated[str | None, Filled(is_secret=True)]
"""A text that nobody may see."""
SecretLines: TypeAlias = Annotated[str | None, Filled(is_secret=True, has_lines=True)]
"""A text of several lines that nobody may see, such as a private key."""
Value: TypeAlias = Annotated[str | None, Filled()]
"""A text that may be a template, or the bare name of a variable."""
Verbatim: TypeAlias = Annotated[str | None, Filled(may_be_bare=False)]
"""A text that may be a template; without one it is what it says."""


@dataclass(frozen=True, slots=True)
class Unusable:
    """Why an authentication can't be done; nothing goes out without the credential that its file declares.

    Attributes:
        rule: that tells it: ``unknown-authentication``, ``incomplete-authentication`` or ``unknown-placement``.
        reason: completes "its authentication …".
        key: where it stands.
    """

    rule: str
    reason: str
    key: str = "type"

    def tell(self, here: Reporter, message: str, hint: str = "") -> None:
        """Report it."""
        if self.rule == "unknown-placement":
            here.error("unknown-placement", message, hint=hint)
        elif self.rule == "incomplete-authentication":
            here.error("incomplete-authentication", message, hint=hint)
        else:
            here.error("unknown-authentication", message, hint=hint)


class Acquire(Model):
    """The call that gives a token.

    Attributes:
        call: ``namespace.operation``, of another consumes entry.
        with_: its arguments, made of constants and variables.
        token_field: where the token is in its answer, a JSONPath.
        expires_in_field: where the seconds are that it lives, likewise.
    """

    call: str | None = None
    with_: dict[str, Any] = Field(default_factory=dict)
    token_field: str | None = None
    expires_in_field: str | None = None


class Authentication(Model):
    """What every kind has, and says of itself; each says what is else than here.

    Its keys are fields; what may be a template is a ``Value``, a ``Verbatim`` or a ``Secret``.

    Attributes:
        kind: the word of the kind, as ``type`` has it.
        spellings: other words for it, in lower case.
        called: what it is called in a sentence, such as ``a basic authentication``.
        asked_of_callers: whether an adapter can ask it of its callers.
    """

    kind: ClassVar[str] = ""
    spellings: ClassVar[tuple[str, ...]] = ()
    called: ClassVar[str] = "an authentication"
    asked_of_callers: ClassVar[bool] = False

    type: str | None = None

    def places(self) -> tuple[tuple[str, str], ...]:
        """Return where its credential travels: (one of ``PLACEMENTS``, name), header names in lower case."""
        return (("header", "authorization"),)

    def fault(self) -> Unusable | None:
        """Return what is wrong with what the file declares, or ``None``: by default whatever is ``lacking``."""
        lacks = next(self.lacking(), "")
        return Unusable("incomplete-authentication", f"has no {lacks}") if lacks else None

    def unusable(self, sound: Container[str]) -> Unusable | None:
        """Return why it can't be done, as far as the file says, or ``None`` where it can.

        Args:
            sound: the keys of ``texts`` whose templates are not broken.
        """
        broken = next((key for key in self.texts() if key not in sound), "")
        if broken:
            key = to_camel(broken.partition(".")[0])
            return Unusable("incomplete-authentication", f"has a broken template in `{key}`", key)
        return self.fault()

    def unusable_by_callers(self, sound: Container[str]) -> Unusable | None:
        """Return why an adapter can't ask it of its callers, or ``None`` where it can; as ``unusable``."""
        if not self.asked_of_callers:
            reason = f"is of the kind `{self.type}`, which callers can't be asked for"
            return Unusable("unknown-authentication", reason)
        return self.unusable(sound)

    def lacking(self) -> Iterator[str]:
        """Yield what is missing or empty; completes "it has no …"."""
        yield from ()

    def login(self) -> Acquire | None:
        """Return the call of another API that its credential is made of, or ``None``."""
        return None

    def parts(self) -> tuple[Authentication, ...]:
        """Return what it is made of: by default itself."""
        return (self,)

    def described(self) -> str:
        """Return what it is, as ``inspect`` has it."""
        return self.type or "unknown"

    def addresses(self) -> Mapping[str, str]:
        """Return the URLs, by key, that its credential asks for something: they see secrets too."""
        return {}

    def texts(self) -> dict[str, str]:
        """Return the texts that may be templates by field, ``headers.NAME`` for those of a map.

        A block of YAML text ends in a line end, which belongs to no credential.
        """
        found: dict[str, str] = {}
        for name in marks(type(self)):
            value: Any = getattr(self, name)
            if isinstance(value, str):
                found[name] = value.strip("\r\n")
            elif isinstance(value, dict):
                found |= {f"{name}.{inner}": text.strip("\r\n") for inner, text in value.items()}
        return found

    def mark(self, key: str) -> Filled:
        """Return what is said of a key of ``texts``."""
        return marks(type(self))[key.partition(".")[0]]

    def secrets(self) -> dict[str, str]:
        """Return those of its texts that nobody may see."""
        return {key: text for key, text in self.texts().items() if self.mark(key).hides(text)}

    def place_of(self, key: str) -> Node | None:
        """Return where a text stands in the file."""
        name, dot, inner = key.partition(".")
        return self.at(name, inner) if dot else self.at(to_camel(name))


@functools.cache
def marks(kind: type[Authentication]) -> Mapping[str, Filled]:
    """Return the fields of a kind that may be templates."""
    found: dict[str, Filled] = {}
    for name, hint in get_type_hints(kind, include_extras=True).items():
        mark = next((each for each in getattr(hint, "__metadata__", ()) if isinstance(each, Filled)), None)
        if mark is not None:
            found[name] = mark
    return found


def given(text: str | None) -> bool:
    """Tell whether a text says something."""
    return bool(text and text.strip())


_USER: Final = "user login loginname"
_PASSWORD: Final = "pass passwd pwd secret"  # noqa: S105  # keys of a file


class BasicAuthentication(Authentication):
    """HTTP Basic (RFC 7617)."""

    kind = "basic"
    called = "a basic authentication"
    spellings = ("basicauth", "httpbasic")
    asked_of_callers = True
    key_spellings = {"username": _USER, "password": _PASSWORD, "token": "value key apikey"}  # noqa: RUF012  # a constant

    type: str | None = "basic"
    username: Value = None
    password: Secret = None
    token: Secret = None

    def lacking(self) -> Iterator[str]:
        """All of it: a name without a password is one, and the other way round."""
        if not any(map(given, (self.username, self.password, self.token))):
            yield "`username` and no `password`"


class BearerAuthentication(Authentication):
    """A bearer token (RFC 6750)."""

    kind = "bearer"
    called = "a bearer authentication"
    spellings = ("bearertoken", "bearerauth", "httpbearer")
    asked_of_callers = True
    key_spellings = {"token": "value key apikey secret accesstoken authtoken bearertoken"}  # noqa: RUF012  # a constant

    type: str | None = "bearer"
    token: Secret = None

    def lacking(self) -> Iterator[str]:
        """The token."""
        if not given(self.token):
            yield "`token`"


class ApiKeyAuthentication(Authentication):
    """An API key under a name, or several in ``headers``.

    Attributes:
        key: the name of the header, query parameter, cookie, body field or path placeholder.
        value: the key itself.
        placement: ``header`` (the default), ``query``, ``cookie``, ``body`` or ``path``; anything else is a mistake.
    """

    kind = "apikey"
    called = "an apikey authentication"
    # What follows the first are types that say where an API key is placed.
    spellings = (
        *("apikeyauth", "header", "headers", "customheader"),
        *("query", "queryparam", "queryparameter", "querystring", "cookie", "body", "path"),
    )
    asked_of_callers = True
    by_callers: ClassVar[tuple[str, ...]] = ("header", "query")
    """Where a caller may put one."""

    type: str | None = "apikey"
    key: Verbatim = None
    value: Secret = None
    placement: str | None = None
    headers: Annotated[dict[str, str], Filled(is_secret=True)] = Field(default_factory=dict)

    @property
    def placed(self) -> str:
        """Where the key is placed; a header where the file says nothing."""
        return self.placement or "header"

    def places(self) -> tuple[tuple[str, str], ...]:
        """The headers, and the place of the key."""
        named = [("header", name.lower()) for name in self.headers]
        if self.value is not None:
            name = self.key or DEFAULT_HEADER
            named.append((self.placed, name.lower() if self.placed == "header" else name))
        return tuple(named)

    def fault(self) -> Unusable | None:
        """A key that can't travel as it is to, or lacks a part."""
        return self._misplaced() or super().fault()

    def unusable_by_callers(self, sound: Container[str]) -> Unusable | None:
        """A key where none of a caller is looked for, too."""
        if self.placed not in self.by_callers:
            reason = f"places its key in `{self.placement}`, where it isn't looked for: use header or query"
            return Unusable("unknown-placement", reason, "placement")
        return super().unusable_by_callers(sound)

    def lacking(self) -> Iterator[str]:
        """A value, or the name under which it is sent."""
        yield from (f"value for `{name}`" for name, value in self.headers.items() if not given(value))
        if not given(self.value) and (self.value is not None or not self.headers):
            yield "`value`"
        if self.placed != "header" and not given(self.key):
            yield "`key`, the name under which its value is sent"

    def _misplaced(self) -> Unusable | None:
        placement = self.placed
        if placement not in PLACEMENTS:
            reason = f"places its key in `{placement}`, which is none of header, query, cookie, body and path"
            return Unusable("unknown-placement", reason, "placement")
        named = [*self.headers, *([self.key] if self.key and placement in _TOKENS else [])]
        wrong = next((name for name in named if "{{" not in name and not is_token(name)), None)
        if wrong is not None:
            reason = f"has `{wrong}` for a name, which no header and no cookie can have"
            return Unusable("unknown-placement", reason, "key")
        return None


class DigestAuthentication(Authentication):
    """HTTP Digest (RFC 7616)."""

    kind = "digest"
    called = "a digest authentication"
    spellings = ("digestauth", "httpdigest")
    asked_of_callers = True
    key_spellings = {"username": _USER, "password": _PASSWORD}  # noqa: RUF012  # a constant

    type: str | None = "digest"
    username: Value = None
    password: Secret = None

    def lacking(self) -> Iterator[str]:
        """The name or the password."""
        if not given(self.username):
            yield "`username`"
        if not given(self.password):
            yield "`password`"


class OAuth2Authentication(Authentication):
    """OAuth 2: client credentials, a refresh token (RFC 6749) or another token (RFC 8693) out, a resource server in.

    Attributes:
        safety_margin: seconds before a token's end from which on it is renewed.
        subject_token: the token that is exchanged for another; its type is a URN, or the end of one of RFC 8693.
        actor_token: whoever acts for the subject, likewise.
    """

    kind = "oauth2"
    called = "an oauth2 authentication"
    spellings = ("oauth", "oauth20", "oauth2clientcredentials")
    asked_of_callers = True
    key_spellings = {  # noqa: RUF012  # a constant
        "tokenEndpoint": "tokenurl tokenuri accesstokenurl",
        "authorizationServerUri": "issuer issueruri authorizationserver",
        "clientId": "",
        "clientSecret": "",
        "grantType": "grant flow",
        "refreshToken": "",
        "subjectToken": "",
        "subjectTokenType": "",
        "actorToken": "",
        "actorTokenType": "",
        "requestedTokenType": "",
        "safetyMargin": "margin expirymargin",
        "scopes": "scope",
        "token": "value apikey accesstoken",
    }

    type: str | None = "oauth2"
    authorization_server_uri: Verbatim = None
    resource: Verbatim = None
    scopes: tuple[str, ...] = ()
    audience: Verbatim = None
    token_endpoint: Value = None
    token_validation: str | None = None
    client_id: Value = None
    client_secret: Secret = None
    grant_type: str | None = None
    refresh_token: Secret = None
    subject_token: Secret = None
    subject_token_type: Verbatim = None
    actor_token: Secret = None
    actor_token_type: Verbatim = None
    requested_token_type: Verbatim = None
    safety_margin: int | None = None
    token: Secret = None

    @property
    def grant(self) -> str:
        """The grant that it wants, in lower case and without punctuation (RFC 6749)."""
        if self.grant_type:
            return fold(self.grant_type.removeprefix(GRANT_TYPES))
        if self.subject_token:
            return TOKEN_EXCHANGE
        return REFRESH_TOKEN if self.refresh_token else CLIENT_CREDENTIALS

    def fault(self) -> Unusable | None:
        """A grant that isn't done, or none to ask for a token; a token of the file's own needs nobody."""
        if self.has_token:
            return None
        if self.grant not in {CLIENT_CREDENTIALS, REFRESH_TOKEN, TOKEN_EXCHANGE}:
            done = "only client credentials, refresh tokens and token exchange are done"
            reason = f"wants the grant `{self.grant_type}`, and {done}"
            return Unusable("unknown-authentication", reason, "grantType")
        if not self.addresses():
            return Unusable("incomplete-authentication", "says nowhere who gives a token (`tokenEndpoint`)")
        if self.grant == REFRESH_TOKEN and not self.refresh_token:
            return Unusable("incomplete-authentication", "has no `refreshToken`")
        if self.grant == TOKEN_EXCHANGE and not self.subject_token:
            return Unusable("incomplete-authentication", "has no `subjectToken`")
        return None

    def unusable_by_callers(self, sound: Container[str]) -> Unusable | None:
        """Nothing: what it lacks is told when it is asked for."""
        del sound
        return None

    @property
    def has_token(self) -> bool:
        """Whether the file has the access token itself, so that nobody is asked for one."""
        return bool(self.token) and not self.client_id

    def addresses(self) -> Mapping[str, str]:
        """Who gives a token; nobody where the file has one and says no client at all."""
        named = {"tokenEndpoint": self.token_endpoint, "authorizationServerUri": self.authorization_server_uri}
        if self.token and self.client_id is None:
            return {}
        return {key: text for key, text in named.items() if text}


class UnknownAuthentication(Authentication):
    """A kind that this runtime can't do, such as ``hoba``, or none at all."""

    open_ended: ClassVar[bool] = True

    def places(self) -> tuple[tuple[str, str], ...]:
        """Nowhere."""
        return ()

    def fault(self) -> Unusable | None:
        """All of it."""
        reason = f"is of the kind `{self.type}`, which can't be done" if self.type else "says no `type`"
        return Unusable("unknown-authentication", reason)

    def unusable_by_callers(self, sound: Container[str]) -> Unusable | None:
        """All of it."""
        return self.unusable(sound)


AUTHENTICATIONS: Final = Choice(by="type", models={}, default=UnknownAuthentication, unknown=UnknownAuthentication)
"""The kinds that a file may declare."""
for _kind in (
    BasicAuthentication,
    BearerAuthentication,
    ApiKeyAuthentication,
    DigestAuthentication,
    OAuth2Authentication,
):
    AUTHENTICATIONS.add(_kind, (_kind.kind, *_kind.spellings))

AnyAuthentication: TypeAlias = Annotated[Authentication, AUTHENTICATIONS]
"""The authentication of a consumes entry or an adapter, of whichever kind."""
