"""Errors of an exchange, told as those of the operation that was called."""

from __future__ import annotations

from naftiko.engine.transport import AnswerTooLarge, Limits
from naftiko.ground.errors import UpstreamBroken, UpstreamError


def named(error: UpstreamError, operation: str, max_binary_bytes: int | None, limits: Limits) -> UpstreamError:
    """Return an error that names the operation; of an answer above its ``maxBinarySize`` one that names that limit."""
    if isinstance(error, AnswerTooLarge):
        return _too_large(error, operation, max_binary_bytes, limits)
    error.operation = error.operation or operation
    return error


def _too_large(error: AnswerTooLarge, operation: str, max_binary_bytes: int | None, limits: Limits) -> UpstreamBroken:
    """Return the error for an answer above the limit; it names ``maxBinarySize`` where that is the limit."""
    made = error
    if limits.response_bytes == max_binary_bytes:
        made = AnswerTooLarge(
            f"the binary answer of `{operation}` is larger than its maxBinarySize of {max_binary_bytes} bytes",
            hint="raise `maxBinarySize` in the capability file, or ask for less",
        )
    made.operation = operation
    return made
