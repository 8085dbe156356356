"""What stands between callers and the apps of all listeners: TLS, proxies before the server, the coding of answers."""

from __future__ import annotations

from dataclasses import dataclass, replace

from naftiko.serve.forwarded import Proxies
from naftiko.serve.tls import Tls


@dataclass(frozen=True, slots=True)
class Front:
    """What an operator says about all listeners of a process.

    Attributes:
        tls: what callers are met with; ``None``: plain HTTP.
        proxies: those that are believed what they say of callers; ``None``: nobody is.
        root_path: what a proxy takes off the paths of callers' requests, such as ``/shop``; ``""``: nothing.
        gzip_from: bytes of the answers that go in gzip to whom takes it; ``None``: none do.
    """

    tls: Tls | None = None
    proxies: Proxies | None = None
    root_path: str = ""
    gzip_from: int | None = None

    @property
    def scheme(self) -> str:
        """Of the URLs of what is served."""
        return "http" if self.tls is None else "https"

    def for_operators(self, *, is_loopback: bool) -> Front:
        """Return what is before an operator's own port: no proxy, and TLS only where others reach it."""
        return replace(self, tls=None if is_loopback else self.tls, proxies=None, root_path="")

    def counted(self, address: str) -> str:
        """Return for which address a connection counts; ``""`` for none, as a proxy's, whose callers count instead."""
        return "" if self.proxies is not None and self.proxies.trusts(address) else address
