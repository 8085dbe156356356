"""What the environment says about connections and can't be done: told at the start, not by the first call to fail."""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from naftiko.engine.transport.proxies import unusable_proxies

_OTHERS: Final = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
"""What other programs read for the same purpose."""
_HASHED: Final = re.compile(r"[0-9a-f]{8}\.[0-9]+")
"""The name under which OpenSSL looks for a certificate in a directory."""


def environment_faults() -> Iterator[str]:
    """Say each with the variable's name, its path and what to do; nothing secret is in it."""
    file, directories = os.environ.get("SSL_CERT_FILE", ""), os.environ.get("SSL_CERT_DIR", "")
    if file and (why := _no_certificates(Path(file))):
        yield f"SSL_CERT_FILE names {file}, {why}: {_INSTEAD}"
    for directory in filter(None, directories.split(os.pathsep)):
        if why := _no_directory(Path(directory)):
            yield f"SSL_CERT_DIR names {directory}, {why}: {_INSTEAD}"
    for name in _OTHERS:
        bundle = os.environ.get(name, "")
        if bundle and not Path(bundle).exists():
            yield f"{name} names {bundle}, which doesn't exist; what is read here is SSL_CERT_FILE"
        elif bundle and not file and not directories:
            yield f"{name} is not read here: name {bundle} in SSL_CERT_FILE, if its authorities are to be trusted"
    yield from unusable_proxies()


_INSTEAD: Final = "the authorities in it are not trusted; correct it or unset it"


def _no_certificates(path: Path) -> str:
    """Return why a file gives no certificates, or ``""``."""
    if not path.exists():
        return "which doesn't exist"
    if path.is_dir():
        return "which is a directory"
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=path)
    except ssl.SSLError:
        return "which holds no certificate in PEM"
    except OSError as error:
        return f"which can't be read ({(error.strerror or 'no reason given').lower()})"
    return ""


def _no_directory(path: Path) -> str:
    """Return why a directory gives no certificates, or ``""``."""
    if not path.exists():
        return "which doesn't exist"
    try:
        found = any(_HASHED.fullmatch(name) for name in os.listdir(path))  # noqa: PTH208  # names alone
    except OSError as error:
        return f"which can't be read ({(error.strerror or 'no reason given').lower()})"
    return "" if found else "where no certificate has the name that is looked for (openssl rehash gives it)"
