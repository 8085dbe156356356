"""Whom the TLS of an API shows, and whom it trusts (SEMANTICS 4.5)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from naftiko.document.model.authentication import AUTHENTICATIONS, Authentication, Filled, Secret, SecretLines, given

Pem = Annotated[str | None, Filled(has_lines=True)]
"""A certificate: PEM text, or the path of a file of it."""


class CertificateAuthentication(Authentication):
    """A client's certificate, an authority to trust, or both; the ``tls`` of a consumes entry is one.

    Attributes:
        client_cert: the certificate, followed by those between it and its authority; PEM text, or the path of a file.
        client_key: its private key, likewise; without it the key stands beside the certificate.
        ca: who may have issued the server's certificate; without it whoever the platform trusts.
    """

    kind = "mtls"
    called = "an mtls authentication"
    spellings = ("mutualtls", "clientcertificate", "clientcert", "tls", "certificate")
    key_spellings = {  # noqa: RUF012  # a constant
        "clientCert": "clientcertificate cert certificate certfile clientcertfile",
        "clientKey": "key keyfile privatekey clientkeyfile",
        "clientKeyPassword": "keypassword passphrase password",
        "ca": "cacert cafile authority cacertificate truststore",
    }

    type: str | None = "mtls"
    client_cert: Pem = None
    client_key: SecretLines = None
    client_key_password: Secret = None
    ca: Pem = None

    def places(self) -> tuple[tuple[str, str], ...]:
        """Nowhere in a request."""
        return ()

    def lacking(self) -> Iterator[str]:
        """The certificate, where there is no authority either, or a key of it."""
        if self.client_cert is not None or self.client_key is not None or self.ca is None:
            if not given(self.client_cert):
                yield "`clientCert`"
        elif not given(self.ca):
            yield "`ca`"


AUTHENTICATIONS.add(CertificateAuthentication, (CertificateAuthentication.kind, *CertificateAuthentication.spellings))
