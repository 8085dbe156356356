"""Whom TLS trusts: the platform's certificates (SEMANTICS 4.7)."""

from __future__ import annotations

import functools
import ssl

import truststore


@functools.cache
def platform_context() -> ssl.SSLContext:
    """The context that all transports share: what the operating system trusts.

    That is the system's store on Windows and macOS, which OpenSSL alone does not read, and OpenSSL's directories on
    Linux; ``SSL_CERT_FILE`` and ``SSL_CERT_DIR`` name others, such as a company's own authority.
    """
    context = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_alpn_protocols(["http/1.1"])  # what is spoken: some servers ask before they answer (RFC 7301)
    return context
