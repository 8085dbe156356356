"""``vault://``: a secret of HashiCorp Vault or OpenBao, KV version 2.

    vault://my-vault/secret/data/app    the mount `secret`, the secret `app`; `my-vault` is a name for people
    vault://secret/data/app             the same
    vault://secret/app                  the same: without `data`, the mount is what stands first
    vault:///team/kv/data/app           a mount of several segments, `team/kv`

A file never says which server gets a token: the address is VAULT_ADDR. VAULT_TOKEN enters, or else the AppRole of
VAULT_ROLE_ID and VAULT_SECRET_ID; VAULT_NAMESPACE and VAULT_CACERT mean what they mean to Vault's own client.
API: https://developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2#read-secret-version
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from urllib.parse import quote, unquote

from naftiko.engine.binds.secret_store import Reply, SecretStore
from naftiko.engine.binds.source import NotReadable, ReadOnce, Source
from naftiko.ground.types import Json

_DATA = "data"


def open_source(location: str, base: Path, environment: Mapping[str, str]) -> Source:
    """Return the secret as a source; VAULT_CACERT may be relative to ``base``."""
    return ReadOnce(lambda: _Vault(environment, base).read(*mount_and_path(location)))


def mount_and_path(location: str) -> tuple[str, str]:
    """Return the mount and the secret's path in it, as they are written in a URL.

    Raises:
        NotReadable: the location names no secret.
    """
    authority, _, rest = location.partition("://")[2].partition("/")
    path = [segment for segment in rest.split("/") if segment]
    is_label = ":" in authority or not authority
    segments = path if is_label else [authority, *path]
    data = next((at for at in range(1, len(segments) - 1) if segments[at] == _DATA), None)
    if data is None:
        mount, inner = segments[:1], segments[1:]
    else:
        first = 0 if is_label or data == 1 else 1
        mount, inner = segments[first:data], segments[data + 1 :]
    if not inner or any(unquote(segment) in {".", ".."} for segment in segments):
        raise NotReadable("it names no secret; write vault://MOUNT/data/PATH")
    return _encoded(mount), _encoded(inner)


def _encoded(segments: list[str]) -> str:
    return "/".join(quote(unquote(segment), safe="") for segment in segments)


class _Vault:
    """One reading of a secret."""

    def __init__(self, environment: Mapping[str, str], base: Path) -> None:
        self._environment = environment
        address = environment.get("VAULT_ADDR", "")
        if not address:
            raise NotReadable("set VAULT_ADDR to the address of Vault")
        authority = environment.get("VAULT_CACERT")
        self._store = SecretStore("Vault", address, base / authority if authority else None, proxied=True)
        namespace = environment.get("VAULT_NAMESPACE")
        self._headers = {"X-Vault-Request": "true"} | ({"X-Vault-Namespace": namespace} if namespace else {})

    def read(self, mount: str, path: str) -> Mapping[str, Json]:
        token = self._token()
        reply = self._store.ask("GET", f"/v1/{mount}/data/{path}", {**self._headers, "X-Vault-Token": token})
        values = reply.at("data", "data")
        if reply.status == HTTPStatus.OK and isinstance(values, dict):
            return values
        secret = f"the secret `{unquote(path)}` of the mount `{unquote(mount)}`"
        if reply.status == HTTPStatus.NOT_FOUND:
            gone = isinstance(reply.at("data", "metadata"), dict)
            raise NotReadable(f"{secret} is deleted" if gone else f"Vault has not got {secret} (KV version 2)")
        if reply.status == HTTPStatus.FORBIDDEN:
            raise NotReadable(f"the token may not read {secret}, or has expired")
        raise _unexpected(reply)

    def _token(self) -> str:
        token = self._environment.get("VAULT_TOKEN", "").strip()
        if token:
            return token
        role, secret = (self._environment.get(name, "").strip() for name in ("VAULT_ROLE_ID", "VAULT_SECRET_ID"))
        if not role or not secret:
            raise NotReadable("set VAULT_TOKEN, or VAULT_ROLE_ID and VAULT_SECRET_ID")
        login: dict[str, Json] = {"role_id": role, "secret_id": secret}
        reply = self._store.ask("POST", "/v1/auth/approle/login", self._headers, login)
        given = reply.at("auth", "client_token")
        if reply.status == HTTPStatus.OK and isinstance(given, str):
            return given
        if reply.status in {HTTPStatus.BAD_REQUEST, HTTPStatus.FORBIDDEN}:
            raise NotReadable("Vault refused the AppRole of VAULT_ROLE_ID and VAULT_SECRET_ID")
        raise _unexpected(reply)


def _unexpected(reply: Reply) -> NotReadable:
    """What Vault answers apart from a secret; its own texts are not repeated, they may quote what was sent."""
    if reply.status == HTTPStatus.SERVICE_UNAVAILABLE:
        return NotReadable("Vault is sealed, or down for maintenance (503)")
    if reply.location:
        return NotReadable(f"Vault redirects ({reply.status}); set VAULT_ADDR to the address of the active node")
    return NotReadable(f"Vault answered {reply.status} without a secret")
