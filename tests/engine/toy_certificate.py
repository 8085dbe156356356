"""A kind of authentication from outside of the package that adds nothing to requests: a client certificate."""

from __future__ import annotations

import ssl
from collections.abc import Iterator

from naftiko.extend import Authentication, Credential, Draft, Proof, Value, register_authentication


class CertificateAuthentication(Authentication):
    """Its keys: files."""

    kind = "toycertificate"

    type: str | None = "toycertificate"
    certificate: Value = None
    authority: Value = None

    def places(self) -> tuple[tuple[str, str], ...]:
        return ()

    def lacking(self) -> Iterator[str]:
        if not self.certificate:
            yield "`certificate`"


class CertificateCredential(Credential):
    """What connections have."""

    is_fixed = True

    async def prove(self, draft: Draft) -> Proof:
        return Proof()

    def tls(self) -> ssl.SSLContext:
        certificate, authority = self._secret("certificate"), self._secret("authority")
        context = ssl.create_default_context(cafile=authority)
        context.load_cert_chain(certificate)
        return context


register_authentication(CertificateAuthentication, CertificateCredential)
