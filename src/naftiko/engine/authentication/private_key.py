"""A private RSA key of a file or of a variable: PEM text, or a file of PEM or PKCS #12."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from naftiko.ground.errors import UnusableVariable

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

PEM: Final = "-----BEGIN"
_MOST: Final = 256 * 1024


class PrivateKey:
    """Signs with RSA, PKCS #1 v1.5 (RFC 8017 chapter 8.2)."""

    def __init__(self, key: RSAPrivateKey) -> None:
        self._key = key

    def signed(self, data: bytes, digest: str) -> bytes:
        """Return the signature of data; ``digest`` is ``sha1``, ``sha256`` or ``sha512``."""
        from cryptography.hazmat.primitives import hashes  # noqa: PLC0415  # a tenth of a second, for whoever needs it
        from cryptography.hazmat.primitives.asymmetric import padding  # noqa: PLC0415

        known = {"sha1": hashes.SHA1(), "sha256": hashes.SHA256(), "sha512": hashes.SHA512()}  # noqa: S303  # as asked for
        return self._key.sign(data, padding.PKCS1v15(), known[digest])


def pem_text(text: str) -> str:
    r"""Return PEM text with the line ends that variables often lose to ``\n``."""
    return text.replace("\\n", "\n") if PEM in text else text


def version(text: str) -> tuple[str, int]:
    """Return what is another when a key is: its text, or its file with the time when that was changed."""
    if PEM in text:
        return text, 0
    try:
        return text, Path(text).stat().st_mtime_ns
    except (OSError, ValueError):
        return text, 0


def private_key(name: str, text: str, password: str = "") -> PrivateKey:
    """Return a key.

    Args:
        name: what it is, for an error.
        text: PEM, or the path of a file.
        password: of it, ``""`` where it has none.

    Raises:
        UnusableVariable: there is no such key; its text is never shown.
    """
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey  # noqa: PLC0415  # see `PrivateKey`

    try:
        data = pem_text(text).encode() if PEM in text else _read(Path(text))
        key = _loaded(data, password.encode() or None)
    except (OSError, ValueError, TypeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no PEM or PKCS #12, or its password is another"
        raise UnusableVariable([name], f"is no private key: {why}") from None
    if not isinstance(key, RSAPrivateKey):
        raise UnusableVariable([name], "is no private key: it is none of RSA")
    return PrivateKey(key)


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_MOST)


def _loaded(data: bytes, password: bytes | None) -> object:
    from cryptography.hazmat.primitives.serialization import load_pem_private_key, pkcs12  # noqa: PLC0415

    if PEM.encode() in data:
        return load_pem_private_key(data, password)
    return pkcs12.load_key_and_certificates(data, password)[0]
