"""What a broken JSONPath raises."""

from __future__ import annotations


class JSONPathError(ValueError):
    """An expression that can't be read.

    Attributes:
        message: what is wrong, one sentence without the place.
        column: where in the text, counted from 0; always inside it.
    """

    def __init__(self, message: str, column: int) -> None:
        super().__init__(f"{message} (column {column + 1})")
        self.message = message
        self.column = column
