"""The credential that a file declares: its values, where it travels, and whether it can be done (SEMANTICS 4.5)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from pydantic.alias_generators import to_camel
from yaml.nodes import Node

from naftiko.document.findings import Findings, Reporter
from naftiko.document.model import (
    ApiKeyAuthentication,
    Authentication,
    BasicAuthentication,
    BearerAuthentication,
    DigestAuthentication,
    OAuth2Authentication,
    UnknownAuthentication,
)
from naftiko.document.suggest import fold
from naftiko.plan.addresses import wrong_url
from naftiko.plan.base import BasePart, BaseUri
from naftiko.plan.body import BodyKind, BodyTemplate
from naftiko.plan.operation import Operation
from naftiko.plan.references import Constant, Names, Structure, Variable
from naftiko.plan.template import TemplateError, Value, has_placeholder, parse

SECRET_KEYS: Final = ("password", "token", "value", "client_secret", "refresh_token")
"""The keys whose values nobody may see."""
_NAMED_KEYS: Final = ("username", *SECRET_KEYS, "client_id", "token_endpoint")
"""The keys whose value may be the bare name of a variable."""
_URI_KEYS: Final = ("authorization_server_uri", "resource", "audience", "key")
PLACEMENTS: Final = ("header", "query", "cookie", "body", "path")
_BODILESS: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_WITH_FIELDS: Final = frozenset({BodyKind.JSON, BodyKind.JSON_TEXT, BodyKind.FORM, BodyKind.MULTIPART})
CLIENT_CREDENTIALS: Final = "clientcredentials"
REFRESH_TOKEN: Final = "refreshtoken"  # noqa: S105  # a grant's name
DEFAULT_HEADER: Final = "X-API-Key"
_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110's token: the name of a header or a cookie


def is_secret_key(key: str) -> bool:
    """Tell whether the value of an authentication's key, or of ``headers.NAME``, is secret."""
    return key in SECRET_KEYS or key.startswith("headers.")


def compile_secrets(
    authentication: Authentication | None, names: Names, findings: Findings
) -> tuple[dict[str, Value], tuple[str, ...]]:
    """Compile the values of an authentication's keys; a bare bind name is the bind's value, with a warning.

    Returns:
        the values by key (``headers.NAME`` for those of an API key's map), and the variables they need.
    """
    if authentication is None:
        return {}, ()
    texts = _texts(authentication)
    inside = replace(names, inputs=frozenset(), steps=(), variables={}, used={}, missing={})
    compiled: dict[str, Value] = {}
    for key, text in texts.items():
        if key not in _URI_KEYS and not has_placeholder(text) and inside.variable(text):
            findings.at(_place(authentication, key)).warning(
                "bare-bind",
                f"`{text}` is the name of a bind; its value is used",
                hint=f'write `{key.rpartition(".")[2]}: "{{{{{text}}}}}"`',
            )
            text = f"{{{{{text}}}}}"  # noqa: PLW2901  # the same text, as it was meant
        try:
            template = parse(text, lambda name: _variable(name, inside))
        except TemplateError as error:
            findings.at(_place(authentication, key)).error("broken-template", f"`{key}`: {error}")
            continue
        compiled[key] = template.lone.value if template.lone else template.render
    return compiled, tuple(inside.variables)


def _texts(authentication: Authentication) -> dict[str, str]:
    """Return the texts of an authentication that may be templates, by key, ``headers.NAME`` for those of a map.

    A block of YAML text ends in a line end, which belongs to no credential.
    """
    keyed = {key: getattr(authentication, key, None) for key in (*_NAMED_KEYS, *_URI_KEYS)}
    texts = {key: text for key, text in keyed.items() if isinstance(text, str)}
    if isinstance(authentication, ApiKeyAuthentication):
        texts |= {f"headers.{name}": text for name, text in authentication.headers.items()}
    return {key: text.strip("\r\n") for key, text in texts.items()}


def _place(authentication: Authentication, key: str) -> Node | None:
    name, dot, inner = key.partition(".")
    return authentication.at(name, inner) if dot else authentication.at(to_camel(name))


def _variable(name: str, names: Names) -> Value:
    """In authentication every placeholder is a variable: callers don't choose our credentials."""
    variable = names.variable(name) or name
    names.variables[variable] = None
    return Variable(variable, one_line=True)


def credentials(authentication: Authentication | None) -> tuple[tuple[str, str], ...]:
    """Return where a credential travels: (one of ``PLACEMENTS``, name), header names in lower case."""
    if isinstance(authentication, ApiKeyAuthentication):
        named = [("header", name.lower()) for name in authentication.headers]
        if authentication.value is not None:
            placement = placement_of(authentication)
            name = authentication.key or DEFAULT_HEADER
            named.append((placement, name.lower() if placement == "header" else name))
        return tuple(named)
    if isinstance(
        authentication, BasicAuthentication | BearerAuthentication | DigestAuthentication | OAuth2Authentication
    ):
        return (("header", "authorization"),)
    return ()


def placement_of(authentication: ApiKeyAuthentication) -> str:
    """Return where the key is placed; a header where the file says nothing."""
    return authentication.placement or "header"


@dataclass(frozen=True, slots=True)
class Unusable:
    """Why an authentication can't be done; nothing goes out without the credential that its file declares.

    Attributes:
        rule: that tells it.
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


def unusable(authentication: Authentication | None, compiled: Mapping[str, Value]) -> Unusable | None:
    """Return why an authentication can't be done to a consumed API, or ``None`` where it can.

    Args:
        authentication: the authentication.
        compiled: the values of its keys; one that is a broken template is not among them.
    """
    if authentication is None:
        return None
    broken = next((key for key in _texts(authentication) if key not in compiled), "")
    if broken:
        key = broken.partition(".")[0]
        return Unusable("incomplete-authentication", f"has a broken template in `{to_camel(key)}`", to_camel(key))
    if isinstance(authentication, UnknownAuthentication):
        kind = (
            f"is of the kind `{authentication.type}`, which can't be done" if authentication.type else "says no `type`"
        )
        return Unusable("unknown-authentication", kind)
    if isinstance(authentication, OAuth2Authentication):
        return _unusable_oauth2(authentication)
    return misplaced(authentication) or incomplete(authentication)


def unusable_by_callers(authentication: Authentication | None, compiled: Mapping[str, Value]) -> Unusable | None:
    """Return why an adapter's authentication can't be asked of its callers, or ``None`` where it can."""
    if authentication is None or isinstance(authentication, OAuth2Authentication):
        return None
    if isinstance(authentication, ApiKeyAuthentication) and placement_of(authentication) not in BY_CALLERS:
        reason = f"places its key in `{authentication.placement}`, where it isn't looked for: use header or query"
        return Unusable("unknown-placement", reason, "placement")
    return unusable(authentication, compiled)


BY_CALLERS: Final = ("header", "query")
"""Where a caller may put an API key."""


def _unusable_oauth2(authentication: OAuth2Authentication) -> Unusable | None:
    if authentication.token and not authentication.client_id:
        return None
    grant = grant_of(authentication)
    if grant not in {CLIENT_CREDENTIALS, REFRESH_TOKEN}:
        reason = (
            f"wants the grant `{authentication.grant_type}`, and only client credentials and refresh tokens are done"
        )
        return Unusable("unknown-authentication", reason, "grantType")
    if not authentication.token_endpoint and not authentication.authorization_server_uri:
        return Unusable("incomplete-authentication", "says nowhere who gives a token (`tokenEndpoint`)")
    if grant == REFRESH_TOKEN and not authentication.refresh_token:
        return Unusable("incomplete-authentication", "has no `refreshToken`")
    for key in ("token_endpoint", "authorization_server_uri"):
        text = (getattr(authentication, key) or "").strip()
        known = text and not has_placeholder(text) and not text.isidentifier()  # the bare name of a variable is none
        why = wrong_url(text) if known else ""
        if why:
            return Unusable("incomplete-authentication", f"has no URL as its `{to_camel(key)}`: {why}", to_camel(key))
    return None


def grant_of(authentication: OAuth2Authentication) -> str:
    """Return the grant that an authentication wants, in lower case and without punctuation (RFC 6749)."""
    if authentication.grant_type:
        return fold(authentication.grant_type)
    return REFRESH_TOKEN if authentication.refresh_token else CLIENT_CREDENTIALS


def misplaced(authentication: Authentication) -> Unusable | None:
    """Return why an API key can't travel as it is to, or ``None`` where it can."""
    if not isinstance(authentication, ApiKeyAuthentication):
        return None
    placement = placement_of(authentication)
    if placement not in PLACEMENTS:
        return Unusable(
            "unknown-placement", f"places its key in `{placement}`, which is none of {_LISTED}", "placement"
        )
    named = [*authentication.headers, *([authentication.key] if authentication.key and placement in _TOKENS else [])]
    wrong = next((name for name in named if not has_placeholder(name) and not _TOKEN.fullmatch(name)), None)
    if wrong is not None:
        return Unusable("unknown-placement", f"has `{wrong}` for a name, which no header and no cookie can have", "key")
    return None


_LISTED: Final = "header, query, cookie, body and path"
_TOKENS: Final = frozenset({"header", "cookie"})


def incomplete(authentication: Authentication) -> Unusable | None:
    """Return what an authentication lacks, or ``None`` where nothing is missing or empty."""
    lacks = next(_lacking(authentication), "")
    return Unusable("incomplete-authentication", f"has no {lacks}") if lacks else None


def _lacking(authentication: Authentication) -> Iterator[str]:
    if isinstance(authentication, BearerAuthentication) and not _given(authentication.token):
        yield "`token`"
    elif isinstance(authentication, BasicAuthentication):
        if not any(map(_given, (authentication.username, authentication.password, authentication.token))):
            yield "`username` and no `password`"
    elif isinstance(authentication, DigestAuthentication):
        if not _given(authentication.username):
            yield "`username`"
        if not _given(authentication.password):
            yield "`password`"
    elif isinstance(authentication, ApiKeyAuthentication):
        yield from (f"value for `{name}`" for name, value in authentication.headers.items() if not _given(value))
        if not _given(authentication.value) and (authentication.value is not None or not authentication.headers):
            yield "`value`"
        if placement_of(authentication) != "header" and not _given(authentication.key):
            yield "`key`, the name under which its value is sent"


def _given(text: str | None) -> bool:
    return bool(text and text.strip())


def unplaced(places: Iterable[tuple[str, str]], base: BaseUri, operation: Operation) -> str:
    """Return why a credential has no place in an operation's requests, or ``""``; completes "it can't be called: …"."""
    for place, name in places:
        if place == "path" and not any(True for _ in path_names(name, base, operation)):
            return f"its path has no `{{{name}}}`, which the credential of `{operation.namespace}` is to fill"
        if place == "body" and operation.body is not None and not _has_fields(operation.body):
            return f"its body has no fields, and the credential of `{operation.namespace}` is to be one (`{name}`)"
        if place == "body" and operation.method in _BODILESS and not _declares_body(operation):
            whose = f"the credential of `{operation.namespace}`"
            return f"a {operation.method} has no body, and {whose} is to be in it (`{name}`)"
    return ""


def _has_fields(body: BodyTemplate) -> bool:
    """Tell whether a block may be an object or a form; of some only a call shows it."""
    value = body.value
    inside = value.template if isinstance(value, Structure) else value.value if isinstance(value, Constant) else {}
    return body.kind in _WITH_FIELDS and (body.kind is not BodyKind.JSON or isinstance(inside, dict))


def path_names(name: str, base: BaseUri, operation: Operation | None) -> Iterator[str]:
    """Yield the placeholders of a base URI and of a path that a credential fills: by its name, folded."""
    own = operation.path.names if operation is not None else ()
    for found in (*(part.name for part in base.parts if isinstance(part, BasePart)), *own):
        if fold(found) == fold(name):
            yield found


def _declares_body(operation: Operation) -> bool:
    return operation.body is not None or any(parameter.location == "body" for parameter in operation.parameters)
