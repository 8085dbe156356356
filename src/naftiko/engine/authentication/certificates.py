"""Client certificates and authorities of one API: PEM text, or files that are read anew when they are replaced."""

from __future__ import annotations

import os
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import truststore

from naftiko.engine.authentication.private_key import PEM, pem_text, version
from naftiko.engine.authentication.scheme import Credential, Means, Proof
from naftiko.engine.request import Draft
from naftiko.ground.errors import UnusableVariable


class CertificateCredential(Credential):
    """Nothing in a request: the connections have it. Those that are open when a certificate is replaced keep theirs."""

    def __init__(self, means: Means) -> None:
        super().__init__(means)
        self._context: ssl.SSLContext | None = None
        self._loaded: tuple[object, ...] = ()

    async def prove(self, draft: Draft) -> Proof:
        """Return nothing; see that connections to come have the certificate that there is now."""
        del draft
        if self._context is not None and self._versions() != self._loaded:
            self._load(self._context)
        return Proof()

    def tls(self) -> ssl.SSLContext:
        """Return the context.

        Raises:
            UnusableVariable: a certificate or key can't be used.
        """
        has_authority = bool(self._secret("ca"))
        made = ssl.SSLContext if has_authority else truststore.SSLContext
        context: ssl.SSLContext = made(ssl.PROTOCOL_TLS_CLIENT)
        self._load(context)
        self._context = context
        return context

    def _versions(self) -> tuple[object, ...]:
        texts = [self._secret(key) for key in ("client_cert", "client_key", "ca")]
        return (*(version(text) for text in texts), self._secret("client_key_password"))

    def _load(self, context: ssl.SSLContext) -> None:
        self._loaded = self._versions()
        authority = self._secret("ca")
        if authority:
            with self._told("ca"):
                if PEM in authority:
                    context.load_verify_locations(cadata=pem_text(authority))
                else:
                    context.load_verify_locations(cafile=authority)
        certificate, key = self._secret("client_cert"), self._secret("client_key")
        if certificate:
            password = self._secret("client_key_password")
            with self._told("clientCert"), _file(certificate) as chain, _file(key) as own:
                context.load_cert_chain(chain, own or None, password)

    @contextmanager
    def _told(self, key: str) -> Iterator[None]:
        try:
            yield
        except (OSError, ValueError) as error:
            name = f"`{key}` in the authentication of `{self._api.namespace}`"
            why = (isinstance(error, OSError) and error.strerror) or "it is no PEM, or its key is another"
            raise UnusableVariable([name], f"can't be used: {why}") from None


@contextmanager
def _file(text: str) -> Iterator[str]:
    """Give a file of PEM text, which only we may read and which is gone at once; what is a path stays one.

    OpenSSL reads a client's key from nowhere else.
    """
    if PEM not in text:
        yield text
        return
    handle, name = tempfile.mkstemp(suffix=".pem")
    try:
        with os.fdopen(handle, "w", encoding="ascii", errors="replace") as file:
            file.write(pem_text(text))
        yield name
    finally:
        Path(name).unlink(missing_ok=True)
