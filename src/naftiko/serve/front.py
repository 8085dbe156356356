"""What stands between callers and the apps of all listeners: TLS, proxies before the server, the coding of answers."""

from __future__ import annotations

from dataclasses import dataclass

from naftiko.serve.tls import Tls


@dataclass(frozen=True, slots=True)
class Front:
    """What an operator says about all listeners of a process.

    Attributes:
        tls: what callers are met with; ``None``: plain HTTP.
    """

    tls: Tls | None = None

    @property
    def scheme(self) -> str:
        """Of the URLs of what is served."""
        return "http" if self.tls is None else "https"
