"""Bytes among the values of a call: a body or a file as it came, base64 that stands for bytes (SEMANTICS 4.3)."""

from __future__ import annotations

import base64
import binascii
import contextlib
from dataclasses import dataclass
from typing import Any, Final, Self

from naftiko.ground import jsontext
from naftiko.ground.media_types import is_json

_STANDARD: Final = str.maketrans("-_", "+/")


@dataclass(frozen=True, slots=True)
class Content:
    """A body, or a file in a form, as it came: bytes with a media type, passed on as they are.

    Attributes:
        coding: what its bytes are coded in (``Content-Encoding``), or ``""``.
    """

    data: bytes
    media_type: str
    filename: str = ""
    coding: str = ""

    @property
    def is_json(self) -> bool:
        """Whether the media type is JSON's."""
        return is_json(self.media_type)

    def decoded(self) -> Any:
        """Return the value of a JSON body.

        Raises:
            ValueError: it is no JSON.
        """
        return jsontext.read(self.data)

    @property
    def text(self) -> str:
        """The bytes as text, where only text can stand; what is no UTF-8 is base64."""
        try:
            return self.data.decode("utf-8")
        except UnicodeDecodeError:
            return base64.b64encode(self.data).decode("ascii")


def plain(value: Any) -> Any:
    """Return what a body or file that came as bytes means, where it is a part of a JSON text: JSON, else text.

    Raises:
        TypeError: it is no JSON at all.
    """
    if not isinstance(value, Content):
        return jsontext.fragment(value)
    if value.is_json:
        with contextlib.suppress(ValueError):
            return value.decoded()
    return value.text


class Base64(str):
    """Text in base64 that stands for bytes: text in a JSON document, bytes where bytes can stand.

    Attributes:
        data: the bytes.
    """

    __slots__ = ("data",)
    data: bytes

    @classmethod
    def read(cls, text: str) -> Self:
        """Return the text with its bytes: of both alphabets of RFC 4648, in one line or in several.

        Padding may be lost in the alphabet for URLs alone, where it often is: any word would be base64 otherwise.

        Raises:
            ValueError: it is no base64.
        """
        bare = "".join(text.split("\n")).replace("\r", "").strip()
        standard = bare.translate(_STANDARD)
        if standard != bare:
            standard += "=" * (-len(standard) % 4)
        made = cls(text)
        try:
            made.data = base64.b64decode(standard, validate=True)
        except binascii.Error as error:
            raise ValueError(str(error)) from error
        return made
