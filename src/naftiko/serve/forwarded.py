"""What proxies before the server say of a request: who called, under which name and scheme, at which prefix.

Anybody can write these headers, so they are believed of proxies alone that the operator has named, nobody's by
default. The list of addresses is read from its end, which the nearest proxy wrote, as far as trusted ones wrote it
(RFC 7239 chapter 8.1). One family of headers is read and never the other: a proxy that sets one passes on what a
caller has made up of the other.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, Literal, NamedTuple, TypeAlias

Style: TypeAlias = Literal["x-forwarded", "forwarded"]
Fields: TypeAlias = Sequence[tuple[bytes, bytes]]
Node: TypeAlias = tuple[str, int]
"""Address and port of a caller; 0 where no port is said."""

_Trusts: TypeAlias = Callable[[str], bool]

ANYBODY: Final = "*"
UNIX: Final = "unix"
_MOST: Final = 100
"""Addresses of one list, and pairs of one ``Forwarded``, that are looked at."""
_MOST_KNOWN: Final = 4096
_LONGEST_PREFIX: Final = 1024
_USUAL_PORTS: Final = frozenset({b"80", b"443"})
_HOST: Final = re.compile(rb"(?:[A-Za-z0-9._-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")
_PREFIX: Final = re.compile(r"(?:/(?!\.{1,2}(?:/|$))[A-Za-z0-9._~!$&'()*+,;=:@-]+)*")
_PAIR: Final = re.compile(
    rb"""[ \t]*(?:([!#$%&'*+.^_`|~0-9A-Za-z-]+)=("(?:[^"\\]|\\.)*"|[!#$%&'*+.^_`|~0-9A-Za-z:\[\]-]*)[ \t]*)?([;,]|$)"""
)


class Seen(NamedTuple):
    """A request as the first of the trusted proxies met it.

    Attributes:
        client: who called it; ``None``: nobody has said.
        scheme: ``http`` or ``https``, or ``""``.
        host: under which name, maybe with a port, or ``b""``.
        prefix: what it took off the path, such as ``/shop``; ``None``: nothing was said of it.
    """

    client: Node | None = None
    scheme: str = ""
    host: bytes = b""
    prefix: str | None = None


class Proxies:
    """The proxies that are believed.

    Args:
        trusted: addresses, networks (``10.0.0.0/8``), ``unix`` for whoever comes over a Unix socket, ``*`` for
            whoever comes at all; addresses in a list are believed by address or network alone.
        style: the headers that they write.

    Raises:
        ValueError: what is trusted is none of these.
    """

    def __init__(self, trusted: Iterable[str], style: Style = "x-forwarded") -> None:
        names = [part.strip() for text in trusted for part in text.split(",") if part.strip()]
        self._anybody = ANYBODY in names
        self._unix = UNIX in names
        self._networks = [_network(name) for name in names if name not in {ANYBODY, UNIX}]
        self._read = _x_forwarded if style == "x-forwarded" else _forwarded
        self._known: dict[str, bool] = {}

    def trusts(self, peer: str) -> bool:
        """Tell whether the other end of a connection is believed.

        Args:
            peer: its address; ``""`` over a Unix socket.
        """
        return self._anybody or (self._names(peer) if peer else self._unix)

    def seen(self, fields: Fields, peer: Node | None) -> Seen:
        """Return what a trusted peer says of a request."""
        return self._read(fields, peer, self._names)

    def _names(self, address: str) -> bool:
        known = self._known.get(address)
        if known is None:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            known = self._known[address] = self._has(address)
        return known

    def _has(self, address: str) -> bool:
        try:
            found = ipaddress.ip_address(address)
        except ValueError:
            return False
        plain = getattr(found, "ipv4_mapped", None) or found  # as a socket of both families has it
        return any(plain in network for network in self._networks)


def prefix_of(text: str) -> str:
    """Return a prefix of paths as it is used: ``/shop``, or ``""``.

    Raises:
        ValueError: it can be none. No character in it needs an encoding, so that it is the same in paths and URLs.
    """
    prefix = text.strip().rstrip("/")
    prefix = f"/{prefix}" if prefix and not prefix.startswith("/") else prefix
    if len(prefix) > _LONGEST_PREFIX or not _PREFIX.fullmatch(prefix):
        raise ValueError(f"`{text[:200]}` is no prefix of paths: one is like /shop or /apis/shop")
    return prefix


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    try:
        return ipaddress.ip_network(text)
    except ValueError as error:
        why = " (it has bits of a host behind its mask)" if "host bits" in str(error) else ""
        said = f"`{text[:200]}` is no address of a proxy{why}: one is like 10.0.0.7, 10.0.0.0/8, unix or *"
        raise ValueError(said) from None


def node_of(text: str) -> Node | None:
    """Return the address and port of an entry of a list; ``None`` where it says none, as ``unknown`` and ``_x`` do."""
    host, port = text.strip(), ""
    if host.startswith("["):
        host, bracket, port = host[1:].partition("]")
        if not bracket or (port and not port.startswith(":")):
            return None
        port = port[1:]
    elif host.count(":") == 1:
        host, _, port = host.partition(":")
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    is_port = port.isascii() and port.isdecimal() and len(port) <= 5  # noqa: PLR2004  # digits of the last port
    return str(getattr(address, "ipv4_mapped", None) or address), int(port) if is_port else 0


def _walked(nodes: Sequence[str], peer: Node | None, trusts: _Trusts) -> tuple[Node | None, int]:
    """Return who called the first trusted proxy, and where in the list it stands: after its end for the peer itself.

    Behind an address that isn't trusted, anything may stand. An entry that is no address says no more than that there
    was somebody.
    """
    client, at = peer, len(nodes)
    for index in range(len(nodes) - 1, max(-1, len(nodes) - 1 - _MOST), -1):
        node = node_of(nodes[index])
        if node is None:
            break
        client, at = node, index
        if not trusts(node[0]):
            break
    return client, at


def _x_forwarded(fields: Fields, peer: Node | None, trusts: _Trusts) -> Seen:
    """``X-Forwarded-For``, ``-Proto``, ``-Host``, ``-Port`` and ``-Prefix``; of several values the nearest proxy's."""
    said: dict[bytes, bytes] = {}
    nodes: list[str] = []
    for name, value in fields:
        if not name.startswith(b"x-forwarded-"):
            continue
        if name == b"x-forwarded-for":
            nodes += value.decode("latin-1").split(",")
        elif name == b"x-forwarded-prefix":
            said[name] = said.get(name, b"") + b"," + value
        else:
            said[name] = value.rpartition(b",")[2].strip()
    host = said.get(b"x-forwarded-host", b"")
    port = said.get(b"x-forwarded-port", b"")
    has_port = host.rpartition(b":")[2].isdigit() and not host.endswith(b"]")
    if host and not has_port and port.isdigit() and port not in _USUAL_PORTS:
        host += b":" + port
    prefix = said.get(b"x-forwarded-prefix")
    return Seen(
        _walked(nodes, peer, trusts)[0],
        _scheme(said.get(b"x-forwarded-proto", b"")),
        _host(host),
        None if prefix is None else _prefix(prefix.decode("latin-1")),
    )


def _forwarded(fields: Fields, peer: Node | None, trusts: _Trusts) -> Seen:
    """``Forwarded`` (RFC 7239); what is broken says nothing. A prefix has no place in it."""
    whole = b",".join(value for name, value in fields if name == b"forwarded")
    elements = _elements(whole) if whole else []
    if not elements:
        return Seen(peer)
    client, at = _walked([each.get(b"for", b"").decode("latin-1") for each in elements], peer, trusts)
    # Whoever names a caller has met the request; where the nearest proxy names none, it has at least met it itself.
    met = elements[min(at, len(elements) - 1)]
    return Seen(client, _scheme(met.get(b"proto", b"")), _host(met.get(b"host", b"")))


def _elements(value: bytes) -> list[Mapping[bytes, bytes]]:
    elements: list[dict[bytes, bytes]] = [{}]
    at = 0
    for _ in range(_MOST):
        found = _PAIR.match(value, at)
        if found is None:
            return []
        if found[1] is not None:
            said = found[2]
            if said.startswith(b'"'):
                said = re.sub(rb"\\(.)", rb"\1", said[1:-1])
            elements[-1][found[1].lower()] = said
        if not found[3]:
            return [each for each in elements if each]
        if found[3] == b",":
            elements.append({})
        at = found.end()
    return []


def _scheme(value: bytes) -> str:
    scheme = value.lower()
    return scheme.decode() if scheme in {b"http", b"https"} else ""


def _host(value: bytes) -> bytes:
    return value if _HOST.fullmatch(value) else b""


def _prefix(value: str) -> str | None:
    """Return the prefixes that several proxies took off, the outermost first; ``None`` where one is none."""
    try:
        return "".join(prefix_of(each) for each in value.split(",") if each.strip())
    except ValueError:
        return None
