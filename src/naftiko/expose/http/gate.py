"""Who may call: Host, Origin and Sec-Fetch-Site, against DNS rebinding and foreign web pages (SEMANTICS 6 and 7).

A browser sends what a page wants with the rights of whoever sits before it: from inside of the network, past a
firewall, to loopback. Two headers that no page can forge say so: ``Origin`` (RFC 6454) and ``Sec-Fetch-Site`` (Fetch
Metadata). A page of a name that was rebound to our address is told by ``Host``. Adapters share this, each in its form.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from starlette.types import Scope

_log = logging.getLogger(__name__)

LOOPBACK: Final = ("127.0.0.1", "localhost", "[::1]")
"""Host names under which clients may always call."""
_MISDIRECTED: Final = 421
_FORBIDDEN: Final = 403
_SHOWN: Final = 200
_MOST_TOLD: Final = 100
"""Refused hosts and origins that the log names; a caller may send a new one with every request."""
_MOST_KNOWN: Final = 100
"""Host headers that are known to be right, as they came: with a pattern there is no end of them."""
_OWN_SITES: Final = frozenset({b"same-origin", b"none"})
"""What ``Sec-Fetch-Site`` says of a page of the server itself, and of what a person typed."""
_NAME: Final = r"(?:[\w.*-]+|\[[0-9a-fA-F:.]+\])(?::(?:\d{1,5}|\*))?"
_SHORT: Final = re.compile(r"[a-z0-9_-]{1,63}")
_HOST: Final = re.compile(_NAME)
_ORIGIN: Final = re.compile(rf"[a-zA-Z*][\w.+*-]*://{_NAME}/?|\*[\w.:*-]*|null")
_USUAL_PORTS: Final = {"http": ":80", "https": ":443"}


@dataclass(frozen=True, slots=True)
class Unwelcome:
    """Why a request is refused.

    Attributes:
        status: 421 (RFC 9110 chapter 15.5.20) for a foreign host, 403 for a foreign page.
        kind: a stable word for programs.
        detail: for people, with the option that allows it.
    """

    status: int
    kind: str
    detail: str


class Gate:
    """Refuses requests for foreign hosts, and from foreign web pages where they could change something.

    A page of the very host that was called is not foreign, nor is one of this machine. A request with neither header
    is no browser's, and passes.

    Args:
        hosts: beside the loopback names: a name (any port), ``name:port``, a pattern with ``*``.
        origins: beside loopback pages: ``https://app.example.com``, a pattern with ``*``.
        guards_hosts: whether Host is checked at all.
        takes_short_names: whether a name without a dot is right, as those of containers are: nobody outside of this
            network can have one (SSAC SAC053), so nobody can rebind it.
        origin_option: the option that allows an origin.
    """

    def __init__(
        self,
        *,
        hosts: Iterable[str] = (),
        origins: Iterable[str] = (),
        guards_hosts: bool = True,
        takes_short_names: bool = False,
        origin_option: str = "--allow-origin",
    ) -> None:
        self._hosts = tuple(host_pattern(host) for host in (*LOOPBACK, *hosts))
        self._origins = tuple(origin_pattern(origin) for origin in origins)
        self._guards_hosts = guards_hosts
        self._takes_short_names = takes_short_names
        self._origin_option = origin_option
        self._known_hosts: set[bytes] = set()
        self._told: set[str] = set()

    def refusal(self, scope: Scope, *, changes: bool) -> Unwelcome | None:
        """Return why a request is refused; ``None`` lets it in.

        Args:
            scope: the request's.
            changes: whether it could change something. What only reads is safe from foreign pages: a browser doesn't
                let them see the answer.
        """
        if not changes and not self._guards_hosts:
            return None
        host, is_named, origins, site = b"", False, [], b""
        for name, value in scope["headers"]:
            if name == b"host":
                host, is_named = value, True
                if self._guards_hosts and value not in self._known_hosts and not self._knows(value):
                    return self._misdirected(value)
            elif name == b"origin":
                origins.append(value)
            elif name == b"sec-fetch-site":
                site = value
        if self._guards_hosts and not is_named:
            return self._misdirected(b"")
        return self._foreign(host, origins, site) if changes and (origins or site) else None

    def _foreign(self, host: bytes, origins: Sequence[bytes], site: bytes) -> Unwelcome | None:
        called = host.decode("latin-1").lower()
        for value in origins:
            origin = value.decode("latin-1")
            if not self._allows(origin.lower(), called):
                return self._refuse(_FORBIDDEN, "foreign-origin", "origin", origin, origin)
        if not origins and site and site.lower() not in _OWN_SITES:
            said = f"a page of another site can't do this without an Origin (Sec-Fetch-Site: {_cut(_text(site))})"
            return Unwelcome(_FORBIDDEN, "foreign-origin", said)
        return None

    def _misdirected(self, value: bytes) -> Unwelcome:
        host = value.decode("latin-1").lower()
        return self._refuse(_MISDIRECTED, "foreign-host", "host", host, _without_port(host))

    def _refuse(self, status: int, kind: str, what: str, value: str, allowed: str) -> Unwelcome:
        """Refuse; the log says it once for each value, since most clients hide an answer's body."""
        option = f"{'--allow-host' if what == 'host' else self._origin_option} {_cut(allowed)}"
        said = f'the {what} "{_cut(value)}" is not allowed'
        if allowed not in self._told and len(self._told) < _MOST_TOLD:
            self._told.add(allowed)
            more = "; more are refused without a word" if len(self._told) == _MOST_TOLD else ""
            _log.warning("refused: %s; %s allows it%s", said, option, more)
        return Unwelcome(status, kind, f"{said}; whoever runs this server allows it with {option}")

    def _knows(self, value: bytes) -> bool:
        """Tell whether a Host header is right; one that was is looked up."""
        if value in self._known_hosts:
            return True
        host = value.decode("latin-1").lower()
        name = _without_port(host)
        is_short = self._takes_short_names and _SHORT.fullmatch(name) is not None
        if not (is_short or fits(host, self._hosts) or fits(name, self._hosts)):
            return False
        if len(self._known_hosts) < _MOST_KNOWN:
            self._known_hosts.add(value)
        return True

    def _allows(self, origin: str, host: str) -> bool:
        if fits(origin, self._origins):
            return True
        netloc = _netloc(origin)
        return bool(netloc) and (_without_port(netloc) in LOOPBACK or netloc == host)


def host_pattern(text: str) -> str:
    """Return a host's name or pattern as it is compared.

    Raises:
        ValueError: no Host header could ever be like it.
    """
    host = text.strip().lower()
    if _HOST.fullmatch(host) is None:
        raise ValueError(f"`{text}` is no host: one is like mcp.example.com, mcp.example.com:8443 or *.example.com")
    return host if "*" in host else _in_ascii(host)


def origin_pattern(text: str) -> str:
    """Return an origin or a pattern of origins as it is compared.

    Raises:
        ValueError: no Origin header could ever be like it.
    """
    origin = text.strip().lower()
    if _ORIGIN.fullmatch(origin) is None:
        raise ValueError(f"`{text}` is no web origin: one is like https://app.example.com or https://*.example.com")
    scheme, colons, host = origin.rstrip("/").partition("://")
    host = host.removesuffix(_USUAL_PORTS.get(scheme, "")) or host  # browsers leave it out
    return f"{scheme}{colons}{host if '*' in host else _in_ascii(host)}"


def fits(text: str, patterns: Iterable[str]) -> bool:
    """Tell whether a text is one of some names, or like one of some patterns with ``*``."""
    # Brackets of IPv6 addresses are no character classes.
    return any(
        text == pattern or ("*" in pattern and fnmatchcase(text, pattern.replace("[", "[[]"))) for pattern in patterns
    )


def _in_ascii(host: str) -> str:
    """Return a name as browsers send it: other letters in Punycode (RFC 3490)."""
    try:
        return host if host.isascii() else host.encode("idna").decode()
    except UnicodeError as error:
        raise ValueError(f"`{host}` is no host name") from error


def _netloc(origin: str) -> str:
    """Return host and port of an origin; nothing where it is none, as ``http://[`` isn't."""
    try:
        return urlsplit(origin).netloc if "://" in origin else ""
    except ValueError:
        return ""


def _without_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdecimal() else host


def _text(value: bytes) -> str:
    return value.decode("latin-1")


def _cut(text: str) -> str:
    """Return a text of a caller as one line of bounded length."""
    shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
    return "".join(character if character.isprintable() else "?" for character in shown)
