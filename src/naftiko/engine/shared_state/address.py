"""Where a store is: ``redis://``, ``rediss://`` (TLS) or ``unix://``."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, Self
from urllib.parse import parse_qsl, unquote, urlsplit

_PORT: Final = 6379
_SCHEMES: Final = ("redis", "rediss", "unix")
_FORMS: Final = "redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE], rediss://… for TLS, or unix://[USER:PASSWORD@]/PATH"
_MOST_DATABASES: Final = 65_536


@dataclass(frozen=True, slots=True)
class Address:
    """Where a store is, and who asks it. Its text has no credential.

    Attributes:
        scheme: ``redis``, ``rediss`` or ``unix``.
        host: of TCP, else ``""``.
        port: likewise, else 0.
        path: of a Unix socket, else ``""``.
        database: its number.
        username: ``""`` for the default user.
        password: ``""`` for none.
    """

    scheme: str
    host: str
    port: int
    path: str
    database: int
    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)

    @classmethod
    def of(cls, url: str) -> Self:
        """Read a URL.

        Raises:
            ValueError: it is none; the text has nothing of the URL, in which a password may stand.
        """
        try:
            parts = urlsplit(url.strip())
            port, host = parts.port, parts.hostname or ""
            query = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
        except ValueError:
            raise ValueError(f"the URL of a store must be {_FORMS}; this can't be read") from None
        if parts.scheme not in _SCHEMES:
            raise ValueError(f"the URL of a store must be {_FORMS}; this begins with none of these schemes")
        is_unix = parts.scheme == "unix"
        said = query.pop("db", "0") if is_unix else parts.path.strip("/") or "0"
        if query or parts.fragment:
            raise ValueError("the URL of a store has no parameters" + (" but `db`" if is_unix else ""))
        if not (said.isascii() and said.isdecimal() and len(said) < 6 and int(said) < _MOST_DATABASES):  # noqa: PLR2004
            raise ValueError("the database of a store is a number such as 0")
        if is_unix and (host or not parts.path.strip("/")):
            raise ValueError("the URL of a store on a Unix socket must be like unix:///run/redis.sock")
        if not is_unix and not host:
            raise ValueError(f"the URL of a store must be {_FORMS}; this has no host")
        return cls(
            parts.scheme,
            "" if is_unix else host,
            0 if is_unix else port or _PORT,
            unquote(parts.path) if is_unix else "",
            int(said),
            unquote(parts.username or ""),
            unquote(parts.password or ""),
        )

    def __str__(self) -> str:
        if self.scheme == "unix":
            return f"unix://{self.path}?db={self.database}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}/{self.database}"

    def arguments(self) -> dict[str, Any]:
        """Return what the client's connections are made with."""
        made: dict[str, Any] = {"db": self.database}
        if self.scheme == "unix":
            made["path"] = self.path
        else:
            made |= {"host": self.host, "port": self.port}
        if self.username:
            made["username"] = self.username
        if self.password:
            made["password"] = self.password
        if self.scheme == "rediss":
            made |= {"ssl_cert_reqs": "required", "ssl_check_hostname": True}
        return made
