"""TLS for callers: a certificate that is renewed while the server runs, and certificates of callers (RFC 8446).

The files are looked at once a second, by each process for itself. A new pair is loaded whole before it takes the place
of the one before, so a handshake never meets half of one; what can't be used leaves the one before in its place.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from naftiko.ground.errors import NaftikoError

_log = logging.getLogger(__name__)

_LOOK: Final = 1.0
"""Seconds between two looks at the files."""
_PATIENCE: Final = 3
"""Looks at which a new pair must be wrong before it is told: who renews writes one file after the other."""
_SHORT: Final[Mapping[str, str]] = {
    "commonName": "CN",
    "organizationName": "O",
    "organizationalUnitName": "OU",
    "countryName": "C",
    "localityName": "L",
    "stateOrProvinceName": "ST",
    "streetAddress": "STREET",
    "domainComponent": "DC",
    "userId": "UID",
}
"""Names of attributes as RFC 4514 chapter 3 has them; others are shown as OpenSSL calls them."""
_SPECIAL: Final = frozenset('"+,;<>\\')

Signature = tuple[tuple[int, int, int] | None, ...]
"""Inode, size and time of each file, ``None`` where there is none."""


class BadCertificate(NaftikoError):
    """Files that TLS can't be spoken with; the text is one line, and names the file and the option."""


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Where certificates are, all as PEM (RFC 7468).

    Attributes:
        certificate: of the server, followed by those between it and its authority.
        key: of the certificate; ``None``: it is in the same file.
        client_authority: whoever signs the certificates of callers, which then must have one; ``None``: nobody asks.
    """

    certificate: Path
    key: Path | None = None
    client_authority: Path | None = None

    @property
    def every(self) -> Iterable[Path]:
        """All of them."""
        return [each for each in (self.certificate, self.key, self.client_authority) if each is not None]


class Tls:
    """What callers are met with.

    Attributes:
        context: of the next handshake.
        asks_callers: whether callers must have a certificate.

    Raises:
        BadCertificate: the files can't be used.
    """

    def __init__(self, files: TlsFiles) -> None:
        self._files = files
        self._loaded = _signature(files)
        self._failed: Signature = ()
        self._failures = 0
        self.asks_callers = files.client_authority is not None
        self.context = _context(files)

    async def watch(self, *, tells: bool = True) -> None:
        """Look at the files for as long as the server runs.

        Args:
            tells: whether what comes of it is told; of several processes one does.
        """
        while True:
            await asyncio.to_thread(self.look, tells=tells)
            await asyncio.sleep(_LOOK)

    def look(self, *, tells: bool = True) -> None:
        """Take new files over, if there are some that can be used."""
        now = _signature(self._files)
        if now == self._loaded:
            self._failures = 0
            return
        try:
            fresh = _context(self._files)
        except BadCertificate as error:
            self._failures = self._failures + 1 if now == self._failed else 1
            self._failed = now
            if self._failures == _PATIENCE and tells:
                _log.error("%s; connections go on with the certificate of before", error)  # it says all
            return
        if _signature(self._files) != now:
            return  # they are being written just now
        self.context, self._loaded, self._failures = fresh, now, 0
        if tells:
            _log.info("the certificate in %s was renewed: new connections have it", self._files.certificate)


def _signature(files: TlsFiles) -> Signature:
    return tuple(map(_stamp, files.every))


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def _context(files: TlsFiles) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    for path, option in ((files.certificate, "--tls-cert"), (files.key, "--tls-key")):
        if path is not None:
            _readable(path, option)
    try:
        context.load_cert_chain(files.certificate, files.key, password=_no_password)
    except _Encrypted:
        raise BadCertificate(
            f"--tls-key {files.key or files.certificate}: the key is encrypted; a server needs it as it is: "
            "openssl pkey -in KEY -out NEW, readable by its owner only"
        ) from None
    except (OSError, ValueError) as error:
        raise BadCertificate(_reason(files, error)) from error
    if files.client_authority is not None:
        _readable(files.client_authority, "--tls-client-ca")
        try:
            context.load_verify_locations(files.client_authority)
        except (OSError, ValueError) as error:
            why = "there is no certificate as PEM in it, or a broken one"
            raise BadCertificate(f"--tls-client-ca {files.client_authority}: {why}") from error
        context.verify_mode = ssl.CERT_REQUIRED
        context.num_tickets = 0  # who comes again shows its certificate again
    return context


class _Encrypted(Exception):  # OpenSSL asks for a password, and nobody is there to be asked
    """A key needs a password."""


def _no_password() -> str:
    raise _Encrypted


def _readable(path: Path, option: str) -> None:
    try:
        path.open("rb").close()
    except (OSError, ValueError) as error:
        why = (getattr(error, "strerror", None) or "no file can have this name").lower()
        raise BadCertificate(f"{option} {path}: {why}") from error


def _reason(files: TlsFiles, error: Exception) -> str:
    """Return what is wrong with a pair; OpenSSL doesn't say in which file."""
    said = getattr(error, "reason", None) or ""
    if "MISMATCH" in said:
        what = f"--tls-key {files.key or files.certificate}: the key is not that of the certificate in"
        return f"{what} --tls-cert {files.certificate}"
    whole = _text(files.certificate)
    if "-----BEGIN CERTIFICATE-----" not in whole:
        return f"--tls-cert {files.certificate}: there is no certificate as PEM in it (-----BEGIN CERTIFICATE-----)"
    if "PRIVATE KEY-----" not in _text(files.key or files.certificate):
        advice = "" if files.key else "; where the key is says --tls-key"
        return f"--tls-key {files.key or files.certificate}: there is no private key as PEM in it{advice}"
    what = said.lower().replace("_", " ") or "unknown reason"
    return f"--tls-cert {files.certificate}, its key: they can't be read ({what})"


def _text(path: Path) -> str:
    try:
        return path.read_text("latin-1")
    except OSError:
        return ""


def subject_of(certificate: Mapping[str, Any] | None) -> str:
    """Return whose a certificate is, as RFC 4514 writes names: ``CN=shop,O=Example``; ``""`` without one.

    One that has no subject is called by its first alternative name, such as ``URI:spiffe://example/shop``.

    Args:
        certificate: as ``ssl.SSLSocket.getpeercert`` gives it.
    """
    if not certificate:
        return ""
    parts = [
        "+".join(f"{_SHORT.get(name, name)}={_escaped(value)}" for name, value in relative)
        for relative in reversed(certificate.get("subject", ()))
    ]
    if parts:
        return ",".join(parts)
    kind, name = next(iter(certificate.get("subjectAltName", ())), ("", ""))
    return f"{kind}:{name}" if kind else ""


def _escaped(value: str) -> str:
    """Return a value of a name, so that nobody's value looks like another's name (RFC 4514 chapter 2.4)."""
    made = "".join(f"\\{character}" if character in _SPECIAL else character for character in value)
    if made.startswith(("#", " ")):
        made = f"\\{made}"
    return f"{made[:-1]}\\ " if made.endswith(" ") and not made.endswith("\\ ") else made
