"""``k8s-secret://`` and ``k8s://``: a Kubernetes secret, mounted as a directory or read over the API.

    k8s-secret://namespace/name          `k8s://namespace/name` and `k8s://namespace/secrets/name` are the same
    k8s-secret://name                    in the pod's own namespace

A directory NAME below NAFTIKO_SECRETS_DIR (/var/run/secrets/naftiko without it) with a file for each key, as a volume
of the secret is mounted, wins: it needs no rights. Else the pod's service account asks the API, which takes a role with
`get` on that secret.
API: https://kubernetes.io/docs/reference/kubernetes-api/config-and-storage-resources/secret-v1/
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Final

from naftiko.engine.binds.secret_store import SecretStore
from naftiko.engine.binds.source import NotReadable, ReadOnce, Source
from naftiko.ground.seen import seen
from naftiko.ground.types import Json

SERVICE_ACCOUNT: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_MOUNTED: Final = "/var/run/secrets/naftiko"
_NAME: Final = re.compile(r"[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?")
"""A name of a namespace or secret (RFC 1123 subdomain): nothing in it can lead out of a directory or path."""
_KEY: Final = re.compile(r"[-._a-zA-Z0-9]{1,253}")
"""A key of a secret."""
_LARGEST: Final = 1024 * 1024
"""Kubernetes keeps no larger secret."""


@dataclass(frozen=True, slots=True)
class SecretName:
    """A secret's name; an empty namespace is the pod's own."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"`{self.namespace}/{self.name}`" if self.namespace else f"`{self.name}`"


def open_source(
    location: str, base: Path, environment: Mapping[str, str], service_account: Path = SERVICE_ACCOUNT
) -> Source:
    """Return the secret as a source.

    Args:
        location: the secret's URI.
        base: what a relative NAFTIKO_SECRETS_DIR starts from.
        environment: with NAFTIKO_SECRETS_DIR, KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT.
        service_account: the directory with the pod's ``token``, ``ca.crt`` and ``namespace``.
    """

    def read() -> Mapping[str, Json]:
        secret = secret_name(location)
        directory = _directory(secret, base, environment)
        if directory.is_dir():
            return seen("secret", directory, lambda: _mounted(directory))
        return _asked(secret, environment, service_account)

    return ReadOnce(read)


def mounted_files(location: str, keys: Iterable[str], base: Path, environment: Mapping[str, str]) -> list[Path]:
    """Return where a mounted secret is read, its directory first; one that is asked of the API changes there unseen.

    Args:
        location: the secret's URI.
        keys: that are read of it.
        base: what a relative NAFTIKO_SECRETS_DIR starts from.
        environment: with NAFTIKO_SECRETS_DIR.
    """
    try:
        directory = _directory(secret_name(location), base, environment)
    except NotReadable:
        return []
    return [directory, *(directory / key for key in keys if _KEY.fullmatch(key) and not key.startswith(".."))]


def _directory(secret: SecretName, base: Path, environment: Mapping[str, str]) -> Path:
    return base / (environment.get("NAFTIKO_SECRETS_DIR") or _MOUNTED) / secret.name


def secret_name(location: str) -> SecretName:
    """Return the secret that a location names.

    Raises:
        NotReadable: it names none.
    """
    parts = [part for part in location.partition("://")[2].split("/") if part]
    if len(parts) == 3 and parts[1] in {"secret", "secrets"}:  # noqa: PLR2004  # NAMESPACE/secrets/NAME
        del parts[1]
    if not 1 <= len(parts) <= 2 or not all(_NAME.fullmatch(part) for part in parts):  # noqa: PLR2004  # NAMESPACE/NAME
        raise NotReadable("it names no secret; write k8s-secret://NAMESPACE/NAME")
    return SecretName("" if len(parts) == 1 else parts[0], parts[-1])


def _mounted(directory: Path) -> Mapping[str, Json]:
    """Read a mounted secret; names that start with two dots are the kubelet's own."""
    values: dict[str, Json] = {}
    try:
        for file in directory.iterdir():
            if file.name.startswith("..") or not file.is_file() or file.stat().st_size > _LARGEST:
                continue
            values[file.name] = _text(file.read_bytes())
    except OSError as error:
        raise NotReadable(f"{directory} can't be read: {(error.strerror or 'an error').lower()}") from None
    return values


def _asked(secret: SecretName, environment: Mapping[str, str], service_account: Path) -> Mapping[str, Json]:
    host = environment.get("KUBERNETES_SERVICE_HOST", "")
    if not host:
        raise NotReadable(f"{secret} is not mounted below NAFTIKO_SECRETS_DIR, and this is no pod of Kubernetes")
    port = environment.get("KUBERNETES_SERVICE_PORT") or "443"
    address = f"https://{f'[{host}]' if ':' in host else host}:{port}"
    namespace = secret.namespace or _account(service_account, "namespace")
    token = _account(service_account, "token")
    store = SecretStore("the Kubernetes API", address, service_account / "ca.crt", proxied=False)
    path = f"/api/v1/namespaces/{namespace}/secrets/{secret.name}"
    reply = store.ask("GET", path, {"Authorization": f"Bearer {token}", "Accept": "application/json"})
    if reply.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        raise NotReadable(f"the service account may not read the secret {secret}; give its role `get` on it")
    if reply.status == HTTPStatus.NOT_FOUND:
        raise NotReadable(f"there is no secret `{namespace}/{secret.name}`")
    if reply.status != HTTPStatus.OK or not isinstance(reply.document, dict):
        raise NotReadable(f"the Kubernetes API answered {reply.status} without a secret")
    data = reply.at("data")
    return {key: _decoded(value) for key, value in data.items()} if isinstance(data, dict) else {}


def _account(service_account: Path, name: str) -> str:
    try:
        return (service_account / name).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise NotReadable(f"the pod has no service account: {service_account / name} can't be read") from None


def _decoded(value: Json) -> str | None:
    try:
        return _text(base64.b64decode(value if isinstance(value, str) else "", validate=True))
    except binascii.Error:
        return None


def _text(content: bytes) -> str | None:
    """Return a secret's value as text, without the newline that editors and ``echo`` leave at its end.

    Bytes that are no UTF-8, such as a keystore, are no value of a variable.
    """
    try:
        return content.decode("utf-8").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        return None
