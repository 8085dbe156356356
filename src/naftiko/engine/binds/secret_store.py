"""Ask a secret store over HTTPS: what Vault and Kubernetes have in common."""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx

from naftiko.engine.binds.source import NotReadable
from naftiko.engine.transport.environment import ADVICE, UnusableProxyError, environment_proxies, platform_context
from naftiko.ground.types import Json

TIME_LIMIT: Final = 5.0
"""Seconds for a connection, for each silence, and for a whole answer from its first byte on."""
MAX_BYTES: Final = 4 * 1024 * 1024
"""The largest answer; Vault and Kubernetes keep secrets of up to 1 MiB, which base64 makes 1.4 of."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A store's answer.

    Attributes:
        status: the HTTP status.
        document: its JSON, numbers as they were written; ``None`` for anything else.
        location: where a redirect leads, or ``""``.
    """

    status: int
    document: Json
    location: str = ""

    def at(self, *names: str) -> Json:
        """Return what lies under names, or ``None``."""
        found = self.document
        for name in names:
            found = found.get(name) if isinstance(found, dict) else None
        return found


class SecretStore:
    """A store at an address.

    Args:
        name: what messages call it, such as ``Vault``.
        address: its URL, scheme and host.
        authority: a file with the certificates to trust instead of the platform's, or ``None``.
        proxied: whether the environment's proxies are used.
    """

    def __init__(self, name: str, address: str, authority: Path | None, *, proxied: bool) -> None:
        self._name = name
        self._address = address.rstrip("/")
        self._authority = authority
        self._proxied = proxied

    def ask(self, method: str, path: str, headers: Mapping[str, str], body: Json = None) -> Reply:
        """Send one request; redirects are not followed, since they would carry the token elsewhere.

        Raises:
            NotReadable: no answer.
        """
        try:
            with (
                httpx.Client(verify=self._trust(), timeout=TIME_LIMIT, trust_env=False, proxy=self._proxy()) as client,
                client.stream(method, f"{self._address}{path}", headers=dict(headers), json=body) as response,
            ):
                content = self._content(response)
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, UnicodeError):
            raise NotReadable(f"the address of {self._name} is no URL") from None
        except httpx.TimeoutException:
            raise self._too_slow() from None
        except UnusableProxyError as error:
            raise NotReadable(f"{self._name} at {self._address} can't be reached: {error.reason}; {ADVICE}") from None
        except httpx.HTTPError as error:
            raise NotReadable(f"{self._name} at {self._address} can't be reached: {_cause(error)}") from None
        return Reply(response.status_code, _json(content), response.headers.get("location", ""))

    def _content(self, response: httpx.Response) -> bytes:
        deadline = time.monotonic() + TIME_LIMIT
        content = bytearray()
        for chunk in response.iter_bytes():
            content += chunk
            if len(content) > MAX_BYTES:
                raise NotReadable(f"the answer of {self._name} is larger than {MAX_BYTES} bytes")
            if time.monotonic() > deadline:
                raise self._too_slow()
        return bytes(content)

    def _too_slow(self) -> NotReadable:
        return NotReadable(f"{self._name} at {self._address} did not answer within {TIME_LIMIT:.0f} s")

    def _proxy(self) -> str | None:
        return environment_proxies().of(httpx.URL(self._address)) if self._proxied else None

    def _trust(self) -> ssl.SSLContext:
        if self._authority is None:
            return platform_context()
        try:
            return ssl.create_default_context(cafile=str(self._authority))
        except (OSError, ValueError):  # ssl.SSLError is an OSError
            raise NotReadable(f"{self._authority} holds no certificates that can be read") from None


def _cause(error: httpx.HTTPError) -> str:
    """Return the reason in the words of the system, without Python's."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate is not trusted ({cause.verify_message})"
        cause = cause.__cause__ or cause.__context__
    return str(error) or "the connection broke"


def _json(content: bytes) -> Json:
    try:
        document: Json = json.loads(content, parse_int=str, parse_float=str)
    except (ValueError, RecursionError):
        return None
    return document
