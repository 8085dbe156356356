"""Where a URL leads, and what of it goes on the wire."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from typing import Final, NamedTuple

import httpx

from naftiko.plan.addresses import basic_credential

_PORTS: Final = {"http": 80, "https": 443}
_AUTHORITY: Final = re.compile(r"(?i)(?P<scheme>https?)://(?:(?P<user>[^/?#]*)@)?(?P<place>[^/?#@]+)")
_PLACE: Final = re.compile(r"(?:\[(?P<literal>[^\[\]]+)\]|(?P<name>[^\[\]:]+))(?::(?P<port>[0-9]{0,5}))?")
_HIGHEST_PORT: Final = 65_535
_AT_LEAST: Final = len("http://h")


class Origin(NamedTuple):
    """The other end of a connection; a tuple, since each call looks one up.

    Attributes:
        tls: whether it speaks TLS.
        host: name or address, an IPv6 address without its brackets, a name beyond ASCII as IDNA has it.
        port: its port.
    """

    tls: bool
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Authority:
    """What stands before the path of a URL.

    Attributes:
        origin: where to connect.
        place: host and port as they are spelled, for ``Host``.
        credential: of ``Authorization`` for the user in it (RFC 7617), ``b""`` without one.
    """

    origin: Origin
    place: bytes
    credential: bytes


def split(address: str) -> tuple[Authority, str]:
    """Return the authority of a URL, and the target of a request for it: path and query as they are spelled.

    Raises:
        httpx.UnsupportedProtocol: the URL is neither http nor https, or has no host.
        httpx.InvalidURL: its target holds what no target may hold, such as a space.
    """
    end = address.find("/", _AT_LEAST)
    before = address if end < 0 else address[:end]
    target = "/" if end < 0 else address[end:]
    if "?" in before or "#" in before:
        before = re.split("[?#]", before, maxsplit=1)[0]
        target = f"/{address[len(before) :]}"
    if "#" in target:
        target = target.partition("#")[0]
    if not (target.isascii() and target.isprintable()) or " " in target:
        raise httpx.InvalidURL("the target of a request is printable ASCII")
    return _authority(before), target


@functools.lru_cache(maxsize=1024)
def _authority(text: str) -> Authority:
    parts = _AUTHORITY.fullmatch(text)
    place = parts and _PLACE.fullmatch(parts["place"])
    if not parts or not place:
        raise httpx.UnsupportedProtocol("not http or https")
    scheme = parts["scheme"].lower()
    port = int(place["port"] or _PORTS[scheme])
    if port > _HIGHEST_PORT:
        raise httpx.UnsupportedProtocol("not an address")
    user = parts["user"]
    return Authority(
        Origin(scheme == "https", place["literal"] or _ascii(place["name"]), port),
        _ascii(parts["place"]).encode("ascii"),
        f"Basic {basic_credential(user)}".encode("ascii") if user else b"",
    )


def _ascii(name: str) -> str:
    """Return a host as it goes on the wire."""
    if name.isascii():
        return name
    try:
        return name.encode("idna").decode("ascii")
    except UnicodeError:
        raise httpx.UnsupportedProtocol("not an address") from None
