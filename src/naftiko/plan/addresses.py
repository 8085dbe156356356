"""Addresses that the file alone decides: whether a request can go there, or a socket listen there (SEMANTICS 1.4)."""

from __future__ import annotations

import ipaddress
import re
from base64 import b64encode
from collections.abc import Sequence
from typing import Final
from urllib.parse import quote, unquote, urlsplit

import idna

from naftiko.document.ports import LAST_PORT

HTTP: Final = frozenset({"http", "https"})
"""The schemes of APIs that answer requests."""
SOCKETS: Final = HTTP | {"ws", "wss"}
"""Those of APIs whose operations are WebSockets: a handshake is a request of HTTP (RFC 6455 chapter 3)."""
_SPACE: Final = re.compile(r"\s")
_HALF_SCHEME: Final = re.compile(r"https?(?::/?(?!/)|//|///)", re.IGNORECASE)
_AUTHORITY: Final = re.compile(r"(?:[^@\\]*@)?(?:\[[^\]]*\]|[^\[\]@\\:]*)(?::[^\[\]@\\]*)?")
_LABEL: Final = re.compile(r"[\w-]{1,63}")
_USER: Final = re.compile(r"(?<=//)[^/?#\s\"'@]*@")
_LONGEST_HOST: Final = 253
_USER_SAFE: Final = "!$&'()*+,;=:%-._~"


def without_user(text: str) -> str:
    """Return a text with the user and the password of each URL in it hidden (RFC 3986 chapter 7.5)."""
    return _USER.sub("***@", text) if "@" in text else text


def user_spans(text: str) -> list[tuple[int, int]]:
    """Return where the users and passwords of the URLs in a text stand, each from and to."""
    return [(found.start(), found.end() - 1) for found in _USER.finditer(text)] if "@" in text else []


def user_of(text: str) -> str:
    """Return the user and password of a URL, as they are written (``name:password``), or ``""``."""
    found = _USER.search(text)
    return found[0][:-1] if found is not None else ""


def password_of(text: str) -> str:
    """Return the password that stands in a URL, as it is written, or ``""``."""
    return user_of(text).partition(":")[2]


def basic_credential(user: str) -> str:
    """Return what the user and password of a URL are in a header (RFC 7617)."""
    name, _, password = user.partition(":")
    return b64encode(f"{unquote(name)}:{unquote(password)}".encode()).decode("ascii")


def wrong_url(text: str, schemes: frozenset[str] = HTTP) -> str:
    """Return why a text is no http or https URL with a host and, if it has one, a port; ``""`` where it is one.

    Args:
        text: without placeholders; those of a URL that is partly known stand as ``x``, in a port as ``1``.
        schemes: what it may begin with.
    """
    if _SPACE.search(text):
        return "it holds a space"
    if _HALF_SCHEME.match(text):
        return "it begins with neither http:// nor https://"
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.netloc.rpartition("@")[2].rpartition("]")[2].partition(":")[2]
    except ValueError:
        return "its host is no name and no address"
    if parts.scheme not in schemes:
        known = " or ".join(("http", "https", "ws", "wss") if schemes is SOCKETS else ("http", "https"))
        return f"it is not {known} but `{parts.scheme}`" if parts.scheme else "it has no scheme"
    if not host:
        return "it has no host"
    if not _AUTHORITY.fullmatch(parts.netloc):
        return "its host is no name and no address"
    if port and not (port.isascii() and port.isdecimal() and 0 < int(port) <= LAST_PORT):
        return f"`{port}` is no port: ports are 1 to {LAST_PORT}"
    return "" if ":" in host else _wrong_host(host)


def ascii_origin(origin: str) -> str:
    """Return scheme, host and port of a sound URL as they go on the wire, the host in ASCII (RFC 5891)."""
    if origin.isascii():
        return origin
    scheme, _, authority = origin.partition("://")
    user, at, place = authority.rpartition("@")
    host, colon, port = place.partition(":")
    return f"{scheme}://{quote(user, safe=_USER_SAFE)}{at}{_ascii_host(host)}{colon}{port}"


def _ascii_host(host: str) -> str:
    return idna.encode(host, uts46=True).decode("ascii")


def _wrong_host(host: str) -> str:
    plain = host.removesuffix(".")
    labels = plain.split(".")
    well_formed = len(plain) <= _LONGEST_HOST and all(map(_LABEL.fullmatch, labels))
    if not well_formed or (labels[-1].isdecimal() and not _is_ip(plain)) or not _is_name(plain, labels):
        return f"`{host[:80]}` is no host"
    return ""


def _is_name(host: str, labels: Sequence[str]) -> bool:
    """Tell whether what is beyond ASCII in a name, or says that it stands for such, can be looked up."""
    try:
        if not host.isascii():
            _ascii_host(host)
        for label in labels:
            if label[:4].lower() == "xn--":
                idna.ulabel(label)
    except UnicodeError:
        return False
    return True


def _is_ip(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def wrong_address(text: str) -> str:
    """Return why nothing can listen on a text: it is no name and no IP address; ``""`` where it may be one."""
    bare = text.strip().removeprefix("[").removesuffix("]")
    if "://" in bare:
        return "it is a URL, and an address is a host alone"
    if bare.count(":") == 1:
        return "it holds a port, which stands in `port`"
    if ":" in bare:
        return "" if _is_ip(bare) else "it is no IP address"
    return "" if bare == "*" else _wrong_host(bare)
