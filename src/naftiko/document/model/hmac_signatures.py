"""Signatures that a file describes: an HMAC of a text made of the request (SEMANTICS 4.5)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from pydantic import Field

from naftiko.document.model.authentication import AUTHENTICATIONS, Authentication, Secret, Unusable, Value, given
from naftiko.document.suggest import fold
from naftiko.ground.http import is_token

PLACEHOLDER: Final = re.compile(r"\{([A-Za-z][A-Za-z0-9]*(?:\.[A-Za-z0-9_.-]+)?)\}")
OF_REQUEST: Final = ("method", "url", "host", "path", "query", "target", "body", "bodyHash", "bodyHashBase64")
OF_MOMENT: Final = ("timestamp", "timestampMs", "date", "isoDate", "nonce", "keyId")
ALGORITHMS: Final[Mapping[str, str]] = MappingProxyType(
    {f"{prefix}{name}": name for name in ("sha1", "sha256", "sha384", "sha512") for prefix in ("", "hmac")}
)
ENCODINGS: Final = ("hex", "base64", "base64url")
SECRET_ENCODINGS: Final = ("text", "hex", "base64")


class HmacAuthentication(Authentication):
    """An HMAC of a text that is made of the request.

    Attributes:
        template: the text that is signed; ``{method}``, ``{path}``, ``{header.NAME}`` and the like stand in it.
        headers: what is sent: ``{signature}``, ``{timestamp}``, ``{nonce}`` and the like stand in it.
        query: likewise, as parameters.
        algorithm: ``sha256`` (the default), ``sha1``, ``sha384`` or ``sha512``.
        encoding: of the signature: ``hex`` (the default), ``base64`` or ``base64url``.
        secret_encoding: how the secret is written: ``text`` (the default), ``hex`` or ``base64``.
    """

    kind = "hmac"
    called = "an hmac authentication"
    spellings = ("hmacauth", "hmacsignature", "hmacsha256")
    key_spellings = {  # noqa: RUF012  # a constant
        "secret": "key hmackey secretkey sharedsecret",
        "keyId": "id accesskey apikey clientid",
        "template": "stringtosign signed message canonical",
        "algorithm": "digest hash",
        "encoding": "signatureencoding format",
        "secretEncoding": "keyencoding",
    }

    type: str | None = "hmac"
    secret: Secret = None
    key_id: Value = None
    template: str | None = None
    headers: dict[str, str] = Field(default_factory=dict)
    query: dict[str, str] = Field(default_factory=dict)
    algorithm: str | None = None
    encoding: str | None = None
    secret_encoding: str | None = None

    def places(self) -> tuple[tuple[str, str], ...]:
        """The headers and the parameters."""
        headers = tuple(("header", name.lower()) for name in self.headers)
        return (*headers, *(("query", name) for name in self.query))

    def fault(self) -> Unusable | None:
        """A word that there is none of, too."""
        known = (
            ("algorithm", self.algorithm, "sha256", ALGORITHMS),
            ("encoding", self.encoding, "hex", ENCODINGS),
            ("secretEncoding", self.secret_encoding, "text", SECRET_ENCODINGS),
        )
        for key, word, usual, words in known:
            if fold(word or usual) not in words:
                return Unusable("unknown-authentication", f"has `{word}` for its `{key}`, which can't be done", key)
        return super().fault() or self._unknown()

    def lacking(self) -> Iterator[str]:
        """The secret, the text, and where the signature goes."""
        if not given(self.secret):
            yield "`secret`"
        if not given(self.template):
            yield "`template`, the text that is signed"
        sent = [*self.headers.values(), *self.query.values()]
        if not any("{signature}" in text for text in sent):
            yield "header or parameter with `{signature}`"

    def _unknown(self) -> Unusable | None:
        wrong = next((name for name in self.headers if not is_token(name)), None)
        if wrong is not None:
            return Unusable("unknown-placement", f"has `{wrong}` for the name of a header", "headers")
        if "{{" in (self.template or ""):
            return _variable("template")
        found = _stray("template", self.template or "", (*OF_REQUEST, *OF_MOMENT))
        for key, texts in (("headers", self.headers), ("query", self.query)):
            for text in texts.values():
                found = found or (_variable(key) if "{{" in text else _stray(key, text, (*OF_MOMENT, "signature")))
        return found


def _variable(key: str) -> Unusable:
    reason = f"has a variable in `{key}`, which is made of the request alone: `{{keyId}}` is that of `keyId`"
    return Unusable("incomplete-authentication", reason, key)


def _stray(key: str, text: str, names: tuple[str, ...]) -> Unusable | None:
    """Return what is wrong with a placeholder that means nothing."""
    for name in PLACEHOLDER.findall(text):
        if name not in names and not (key == "template" and name.startswith("header.")):
            reason = f"has `{{{name}}}` in `{key}`, which is none of {', '.join(names)}"
            return Unusable("incomplete-authentication", reason, key)
    return None


AUTHENTICATIONS.add(HmacAuthentication, (HmacAuthentication.kind, *HmacAuthentication.spellings))
