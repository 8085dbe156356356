"""Addresses that the file alone decides: whether a request can go there, or a socket listen there (SEMANTICS 1.4)."""

from __future__ import annotations

import ipaddress
import re
from typing import Final
from urllib.parse import urlsplit

from naftiko.document.ports import LAST_PORT

_SPACE: Final = re.compile(r"\s")
_HALF_SCHEME: Final = re.compile(r"https?(?::/?(?!/)|//|///)", re.IGNORECASE)
_LABEL: Final = re.compile(r"[\w-]{1,63}")
_LONGEST_HOST: Final = 253


def wrong_url(text: str) -> str:
    """Return why a text is no http or https URL with a host and, if it has one, a port; ``""`` where it is one.

    Args:
        text: without placeholders; those of a URL that is partly known stand as ``x``, in a port as ``1``.
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
    if parts.scheme not in {"http", "https"}:
        return f"it is not http or https but `{parts.scheme}`" if parts.scheme else "it has no scheme"
    if not host:
        return "it has no host"
    if port and not (port.isascii() and port.isdecimal() and 0 < int(port) <= LAST_PORT):
        return f"`{port}` is no port: ports are 1 to {LAST_PORT}"
    return "" if ":" in host else _wrong_host(host)


def _wrong_host(host: str) -> str:
    plain = host.removesuffix(".")
    labels = plain.split(".")
    well_formed = len(plain) <= _LONGEST_HOST and all(map(_LABEL.fullmatch, labels))
    if not well_formed or (labels[-1].isdecimal() and not _is_ip(plain)):
        return f"`{host[:80]}` is no host"
    return ""


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
