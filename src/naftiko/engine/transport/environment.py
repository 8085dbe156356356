"""What the environment says about connections: proxies, certificates, and what of it can't be done (SEMANTICS 4.7)."""

from __future__ import annotations

import functools
import ipaddress
import os
import re
import ssl
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

import httpx
import truststore


@functools.cache
def platform_context() -> ssl.SSLContext:
    """The context that all transports share: what the operating system trusts.

    That is the system's store on Windows and macOS, which OpenSSL alone does not read, and OpenSSL's directories on
    Linux; ``SSL_CERT_FILE`` and ``SSL_CERT_DIR`` name others, such as a company's own authority.
    """
    context = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_alpn_protocols(["http/1.1"])  # what is spoken: some servers ask before they answer (RFC 7301)
    return context


_PORTS: Final = {"http": 80, "https": 443}
_SPOKEN: Final = ("http", "https")
_PORT: Final = re.compile(r"[0-9]{1,5}")
_LOCAL: Final = "<local>"
"""Names without a dot, in the spelling of Windows."""

_Host: TypeAlias = "ipaddress.IPv4Address | ipaddress.IPv6Address | str"
_Network: TypeAlias = "ipaddress.IPv4Network | ipaddress.IPv6Network"


class UnusableProxyError(httpx.ProxyError):
    """A proxy of a kind that can't be used.

    Args:
        reason: completes "it can't be reached: …".
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Proxies:
    """Which proxy leads where.

    Attributes:
        by_scheme: the proxy of each scheme, and of ``all``.
        bypassed: tells the URLs that are reached directly.
    """

    by_scheme: Mapping[str, str]
    bypassed: Callable[[httpx.URL], bool]

    def __bool__(self) -> bool:
        return bool(self.by_scheme)

    def of(self, url: httpx.URL) -> str | None:
        """The proxy to go through for ``url``, or ``None`` for the direct way.

        Raises:
            UnusableProxyError: the proxy is of a kind that can't be used, such as SOCKS.
        """
        named = url.scheme if self.by_scheme.get(url.scheme) else "all"
        proxy = self.by_scheme.get(named)
        if not proxy or self.bypassed(url):
            return None
        scheme, proxy = _with_scheme(proxy)
        if scheme not in _SPOKEN:
            raise UnusableProxyError(_unusable(named, scheme))
        return proxy


NO_PROXIES: Final = Proxies({}, lambda _: True)


def environment_proxies() -> Proxies:
    """The proxies as the environment names them now; where it names none, those of the platform's settings."""
    named = urllib.request.getproxies_environment()
    exceptions = named.pop("no", "")
    if named:
        return Proxies(named, Exceptions(exceptions).hold)
    system = {scheme: proxy for scheme, proxy in urllib.request.getproxies().items() if scheme != "no"}
    return Proxies(system, lambda url: bool(urllib.request.proxy_bypass(url.netloc.decode("ascii"))))


def unusable_proxies() -> Iterator[str]:
    """Say which of the environment's proxies are of a kind that can't be used."""
    for named, proxy in urllib.request.getproxies_environment().items():
        if named in {"http", "https", "all"} and proxy:
            scheme, _ = _with_scheme(proxy)
            if scheme not in _SPOKEN:
                yield f"{_unusable(named, scheme)}: {ADVICE}"


ADVICE: Final = "name an http or https proxy in HTTPS_PROXY and HTTP_PROXY, or the host in NO_PROXY"


def _with_scheme(proxy: str) -> tuple[str, str]:
    scheme, mark, rest = proxy.strip().partition("://")
    return (scheme.lower(), f"{scheme.lower()}://{rest}") if mark else ("http", f"http://{proxy.strip()}")


def _unusable(named: str, scheme: str) -> str:
    kind = "SOCKS" if scheme.startswith("socks") else f"`{scheme[:20]}`"
    return f"{named.upper()}_PROXY names a {kind} proxy, which isn't spoken here"


class Exceptions:
    """The hosts that NO_PROXY takes out.

    An entry is ``*``, a domain (itself and all below it, whether it begins with a dot or ``*.`` or not), an address, a
    block of addresses such as ``10.0.0.0/8`` or ``fd00::/8``, each of them but the last with a port or without.
    """

    def __init__(self, text: str) -> None:
        entries = [entry for entry in re.split(r"[,;\s]+", text.lower()) if entry]
        self._every = "*" in entries
        self._local = _LOCAL in entries
        self._networks = [network for entry in entries if "/" in entry and (network := _network(entry)) is not None]
        named = (entry.partition("://")[2] or entry for entry in entries)
        self._hosts = [_host_and_port(entry) for entry in named if "/" not in entry]

    def hold(self, url: httpx.URL) -> bool:
        """Tell whether a URL's host is among them."""
        if self._every:
            return True
        host = _host(url.raw_host.decode("ascii", "replace"))
        port = url.port or _PORTS.get(url.scheme)
        if isinstance(host, str):
            is_local = self._local and "." not in host
            return is_local or _is_below(host, (name for name, at in self._hosts if at in {None, port}))
        return any(host in network for network in self._networks) or any(
            name == host and at in {None, port} for name, at in self._hosts
        )


def _is_below(host: str, domains: Iterable[_Host]) -> bool:
    return any(isinstance(domain, str) and (host == domain or host.endswith(f".{domain}")) for domain in domains)


def _network(entry: str) -> _Network | None:
    try:
        return ipaddress.ip_network(entry.replace("[", "").replace("]", ""), strict=False)
    except ValueError:
        return None


def _host_and_port(entry: str) -> tuple[_Host, int | None]:
    """Return an entry's host and port; colons that are not in brackets are those of an IPv6 address."""
    host, port = entry, ""
    if entry.startswith("["):
        host, _, port = entry[1:].partition("]")
        port = port.removeprefix(":")
    elif entry.count(":") == 1:
        host, _, port = entry.partition(":")
    return _host(host.removeprefix("*").removeprefix(".")), int(port) if _PORT.fullmatch(port) else None


def _host(text: str) -> _Host:
    """Return a host as it is compared: an address (IPv4 also where IPv6 wraps it), or a name without its last dot."""
    try:
        address = ipaddress.ip_address(text.strip("[]").partition("%")[0])
    except ValueError:
        name = text.rstrip(".")
        try:
            return name if name.isascii() else name.encode("idna").decode("ascii")
        except UnicodeError:
            return name
    return getattr(address, "ipv4_mapped", None) or address


_OTHERS: Final = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
"""What other programs read for the same purpose."""
_HASHED: Final = re.compile(r"[0-9a-f]{8}\.[0-9]+")
"""The name under which OpenSSL looks for a certificate in a directory."""


def environment_faults() -> Iterator[str]:
    """Say each with the variable's name, its path and what to do; nothing secret is in it."""
    file, directories = os.environ.get("SSL_CERT_FILE", ""), os.environ.get("SSL_CERT_DIR", "")
    if file and (why := _no_certificates(Path(file))):
        yield f"SSL_CERT_FILE names {file}, {why}: {_INSTEAD}"
    for directory in filter(None, directories.split(os.pathsep)):
        if why := _no_directory(Path(directory)):
            yield f"SSL_CERT_DIR names {directory}, {why}: {_INSTEAD}"
    for name in _OTHERS:
        bundle = os.environ.get(name, "")
        if bundle and not Path(bundle).exists():
            yield f"{name} names {bundle}, which doesn't exist; what is read here is SSL_CERT_FILE"
        elif bundle and not file and not directories:
            yield f"{name} is not read here: name {bundle} in SSL_CERT_FILE, if its authorities are to be trusted"
    yield from unusable_proxies()


_INSTEAD: Final = "the authorities in it are not trusted; correct it or unset it"


def _no_certificates(path: Path) -> str:
    """Return why a file gives no certificates, or ``""``."""
    if not path.exists():
        return "which doesn't exist"
    if path.is_dir():
        return "which is a directory"
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=path)
    except ssl.SSLError:
        return "which holds no certificate in PEM"
    except OSError as error:
        return f"which can't be read ({(error.strerror or 'no reason given').lower()})"
    return ""


def _no_directory(path: Path) -> str:
    """Return why a directory gives no certificates, or ``""``."""
    if not path.exists():
        return "which doesn't exist"
    try:
        found = any(_HASHED.fullmatch(name) for name in os.listdir(path))  # noqa: PTH208  # names alone
    except OSError as error:
        return f"which can't be read ({(error.strerror or 'no reason given').lower()})"
    return "" if found else "where no certificate has the name that is looked for (openssl rehash gives it)"
