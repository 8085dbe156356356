"""Bytes among the values of a call: a body or a file as it came, base64 that stands for bytes (SEMANTICS 4.3)."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Any, Final, Self

from naftiko import jsontext

_STANDARD: Final = str.maketrans("-_", "+/")


@dataclass(frozen=True, slots=True)
class Content:
    """A body, or a file in a form, as it came: bytes with a media type, passed on as they are."""

    data: bytes
    media_type: str
    filename: str = ""

    @property
    def is_json(self) -> bool:
        """Whether the media type is JSON's."""
        kind = self.media_type.partition(";")[0].strip().lower()
        return kind == "application/json" or kind.endswith("+json")

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


class Base64(str):
    """Text in base64 that stands for bytes: text in a JSON document, bytes where bytes can stand.

    Attributes:
        data: the bytes.
    """

    __slots__ = ("data",)
    data: bytes

    @classmethod
    def read(cls, text: str) -> Self:
        """Return the text with its bytes; both alphabets of RFC 4648 are read, line ends and a lost padding too.

        Raises:
            ValueError: it is no base64.
        """
        bare = "".join(text.split()).rstrip("=").translate(_STANDARD)
        made = cls(text)
        try:
            made.data = base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True)
        except binascii.Error as error:
            raise ValueError(str(error)) from error
        return made
