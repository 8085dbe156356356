"""Errors of an exchange, told as those of the operation that was called."""

from __future__ import annotations

import httpx

from naftiko.engine.head import retry_after
from naftiko.engine.sending import TRIED
from naftiko.engine.transport import AnswerTooLarge, Limits
from naftiko.engine.transport.redirects import NotFollowed
from naftiko.ground.errors import UpstreamBroken, UpstreamError, UpstreamRedirect, UpstreamRefused, UpstreamStatus
from naftiko.ground.http import READING
from naftiko.plan.operation import Operation


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


def refused(namespace: str) -> UpstreamRefused:
    """Return the error for a 401 to our credential."""
    return UpstreamRefused(
        f"`{namespace}` refused the credential of this server (401)",
        hint="check the token or key that the capability's authentication uses",
    )


def failed(response: httpx.Response, operation: Operation) -> UpstreamStatus:
    """Return the error for an upstream's own 4xx or 5xx."""
    error = UpstreamStatus(response, hint=_HINTS.get(response.status_code, ""))
    error.operation = operation.key
    error.retry_after = retry_after(response)
    tried = response.extensions.get(TRIED)
    if tried is not None:
        error.retold(f"{tried.decode('ascii')}, the last: {error.detail}")
    return error


def not_done(response: httpx.Response, operation: Operation, told: NotFollowed, *, passes_on: bool) -> UpstreamRedirect:
    """Return the error for a redirect that was not followed."""
    hint = "call what it redirects to: correct the path of the operation, or its baseUri"
    if told.leaves:
        hint = (
            f"if the API is there now, set its `baseUri`, or serve with --base-uri {operation.namespace}=URL; "
            "a credential never travels to another origin"
        )
    if response.request.method not in READING:
        hint += "; before you call again, look whether it was done all the same"
    detail = f"the upstream answered {response.status_code} {told.reason}"
    error = UpstreamRedirect(detail, response, passes_on=passes_on, hint=hint)
    error.operation = operation.key
    return error


_HINTS = {
    400: "check the inputs against the API's documentation",
    401: "the API wants a credential: give the capability an authentication",
    403: "the credential may not do this",
    404: "check the ids in the inputs",
    409: "the thing is in another state than expected; read it again",
    422: "check the inputs against the API's documentation",
    429: "too many calls: wait, then try again",
}
