"""Request bodies of consumed operations."""

from __future__ import annotations

from typing import Annotated, Any

from naftiko.document.model.base import Canonical, Model


class MultipartPart(Model):
    """One part of a ``multipartForm`` body (RFC 7578)."""

    name: str | None = None
    value: str | None = None
    filename: str | None = None
    content_type: str | None = None


class RequestBody(Model):
    """A body block.

    Attributes:
        type: ``json``, ``text``, ``xml``, ``sparql``, ``formUrlEncoded``, ``multipartForm``, a media type, or ``raw``
            for a block that is one string.
        data: maps, lists and text with placeholders.
        has_data: whether ``data`` stands in the file; a block without it declares a body, no more.
        parts: the parts of ``multipartForm``.
    """

    type: str = "json"
    data: Any = None
    has_data: Annotated[bool, Canonical()] = False
    parts: Annotated[tuple[MultipartPart, ...], Canonical()] = ()
