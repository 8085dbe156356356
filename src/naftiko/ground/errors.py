"""Every error that naftiko raises on purpose.

The tree, in the order of this file:

    NaftikoError
    ├── CapabilityError             a file can't be served; carries its diagnostics
    └── CallError                   a call of a unit did not give an answer
        ├── InputError              400  the caller's inputs, all problems together
        │   └── TakesLong           400  their checks take longer than is waited for
        ├── PreconditionFailed  412  the caller's precondition does not hold, or can't be checked
        ├── NotExecutable           501  the unit names nothing that could run, and why
        ├── MissingVariable         503  a bind or variable that the call needs has no value
        ├── Overloaded              503  a limit of ours is reached; try again later
        │   ├── BulkheadFull        503  as many calls of an API are under way as its policy allows
        │   └── RateLimited         503  as many calls of an API were made as its policy allows
        └── UpstreamError           502  the consumed API did not answer usefully
            ├── UpstreamUnreachable 502  no connection
            ├── UpstreamTimeout     504  no answer in time
            ├── UpstreamBroken      502  cut, too large, or not what its format says
            ├── CircuitOpen         503  it failed too often of late, and is left alone for a while
            ├── UpstreamRefused     502  401 that answers our own credential
            ├── UpstreamRedirect    502  a redirect that is not followed
            └── UpstreamStatus      4xx, 5xx as the upstream gave it

Lower-level exceptions (httpx, json, a parser's) are mapped to these in one place, the engine.
Texts say what failed and what to do; they never hold a secret, a traceback or a Python class name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from naftiko.ground.types import Diagnostic

if TYPE_CHECKING:
    import httpx


class NaftikoError(Exception):
    """The root: catch this to catch everything that naftiko raises on purpose."""


class CapabilityError(NaftikoError):
    """A capability file that can't be served; ``diagnostics`` says why, each with its position."""

    def __init__(self, message: str, diagnostics: Sequence[Diagnostic] = ()) -> None:
        super().__init__(message)
        self.diagnostics: tuple[Diagnostic, ...] = tuple(diagnostics)


class CallError(NaftikoError):
    """A call that gave no answer.

    Attributes:
        status: the HTTP status that a REST caller gets.
        kind: a stable word for programs, such as ``invalid-input``.
        title: the same for people (RFC 9457 ``title``).
        detail: what failed here (RFC 9457 ``detail``).
        hint: what to do about it, or ``""``.
        step: the name of the step of an orchestration that failed, or ``None``.
        retry_after: seconds after which a new try makes sense, or ``None``.
    """

    status: ClassVar[int] = 500
    kind: ClassVar[str] = "call-failed"
    title: ClassVar[str] = "The call failed"

    def __init__(self, detail: str, *, hint: str = "") -> None:
        super().__init__(detail)
        self.detail = detail
        self.hint = hint
        self.step: str | None = None
        self.retry_after: float | None = None

    def retold(self, detail: str) -> None:
        """Say what failed in other words."""
        self.detail = detail
        self.args = (detail, *self.args[1:])

    def __reduce__(self) -> tuple[Any, ...]:
        return _made_again, (type(self), self.args, self.__dict__)  # each has arguments of its own


def _made_again(kind: type[CallError], args: tuple[Any, ...], attributes: dict[str, Any]) -> CallError:
    made = kind.__new__(kind, *args)
    made.__dict__.update(attributes)
    return made


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with one input.

    Attributes:
        name: the input's name as the caller knows it.
        location: ``path``, ``query``, ``header``, ``cookie``, ``body`` or ``argument``.
        message: the sentence to show.
        expected: what would have been right, such as ``integer``.
        got: a short rendering of what came, or ``""`` when nothing came.
    """

    name: str
    location: str
    message: str
    expected: str = ""
    got: str = ""


class InputError(CallError):
    """The caller's inputs don't fit; ``problems`` holds every one of them (SEMANTICS 3.6)."""

    status = 400
    kind = "invalid-input"
    title = "The inputs are not valid"

    def __init__(self, problems: Sequence[Problem], *, hint: str = "") -> None:
        super().__init__("; ".join(problem.message for problem in problems), hint=hint)
        self.problems: tuple[Problem, ...] = tuple(problems)


class TakesLong(InputError):
    """The checks of the inputs are not done in the time that they have; nothing was sent.

    Args:
        seconds: the time.
    """

    def __init__(self, seconds: float) -> None:
        message = f"the inputs take more than {seconds:g} seconds to check"
        super().__init__([Problem("inputs", "argument", message, "fewer or simpler values")])


class MissingValue(CallError):
    """A required parameter of a consumed operation has no value, and no input could give it; nothing was sent.

    The inputs are well formed, and with this data there is no request to make of them: a lookup found nothing, or an
    earlier answer lacks a field. The same call gives the same result until the data is another (SEMANTICS 3.2).

    Attributes:
        names: the parameters.
    """

    status = 422
    kind = "missing-value"
    title = "A required value was not found"

    def __init__(self, names: Sequence[str], detail: str, *, hint: str = "") -> None:
        super().__init__(detail, hint=hint)
        self.names: tuple[str, ...] = tuple(names)


class PreconditionFailed(CallError):
    """A caller's precondition, such as ``If-Match``, does not hold, or can't be checked; nothing was changed.

    An upstream's own 412 is an ``UpstreamStatus`` (RFC 9110 chapter 13).
    """

    status = 412
    kind = "precondition-failed"
    title = "The precondition does not hold"


class NotExecutable(CallError):
    """A unit that has no meaning at run time, such as a call to an operation that doesn't exist."""

    status = 501
    kind = "not-executable"
    title = "This can't be executed"


class TakesNoCalls(CallError):
    """The operator has taken an adapter out of service; nothing was sent upstream."""

    status = 503
    kind = "adapter-down"
    title = "The adapter takes no calls"

    def __init__(self, detail: str, *, retry_after: float = 5.0) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class MissingVariable(CallError):
    """A variable that the call needs has no value; nothing was sent upstream."""

    status = 503
    kind = "missing-variable"
    title = "A variable is missing"

    def __init__(self, names: Sequence[str], *, hint: str = "") -> None:
        named = ", ".join(names)
        super().__init__(f"no value for {named}", hint=hint or f"set {named} in the environment of the server")
        self.names: tuple[str, ...] = tuple(names)


class UnusableVariable(MissingVariable):
    """A variable whose value can't be sent where the file wants it; the value is never shown.

    Args:
        names: the variables.
        why: what is wrong, such as ``holds a control character``.
    """

    kind = "unusable-variable"
    title = "The value of a variable can't be used"

    def __init__(self, names: Sequence[str], why: str) -> None:
        named = ", ".join(names)
        CallError.__init__(self, f"the value of {named} {why}", hint=f"correct the value of {named} where it is set")
        self.names = tuple(names)


class Overloaded(CallError):
    """A limit of ours is reached, such as the number of connections to an upstream."""

    status = 503
    kind = "overloaded"
    title = "Too much at once"

    def __init__(self, detail: str, *, retry_after: float = 1.0) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class BulkheadFull(Overloaded):
    """As many calls are under way as a bulkhead allows; nothing was sent."""

    kind = "bulkhead-full"
    title = "Too many calls at once"


class RateLimited(Overloaded):
    """As many calls were made in this period as a rate limiter allows; nothing was sent."""

    kind = "rate-limited"
    title = "Too many calls in a short time"


class CallerLimited(CallError):
    """A caller has asked for as much as it may; nothing ran.

    Args:
        detail: what the limit is.
        violated: ``requests`` or ``inFlight``.
        retry_after: seconds after which the next call may come.
    """

    status = 429
    kind = "quota-exceeded"
    title = "Too many requests"

    def __init__(self, detail: str, violated: str, *, retry_after: float) -> None:
        super().__init__(detail)
        self.violated = violated
        self.retry_after = retry_after


class UpstreamError(CallError):
    """The consumed API did not answer usefully.

    Attributes:
        operation: the consumed operation, ``namespace.operation``, once known.
        is_unsent: whether it is certain that nothing was sent: there was no connection.
    """

    status = 502
    kind = "upstream-failed"
    title = "The upstream failed"
    operation: str | None = None
    is_unsent: bool = False


class CircuitOpen(UpstreamError):
    """The operation failed too often of late; nothing is sent until its circuit breaker tries again."""

    status = 503
    kind = "circuit-open"
    title = "The upstream is left alone after failures"

    def __init__(self, detail: str, *, retry_after: float) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class UpstreamUnreachable(UpstreamError):
    """No connection to the upstream: refused, no such host, TLS failure."""

    kind = "upstream-unreachable"
    title = "The upstream can't be reached"


class UpstreamTimeout(UpstreamError):
    """The upstream did not answer within the time limit."""

    status = 504
    kind = "upstream-timeout"
    title = "The upstream took too long"


class UpstreamBroken(UpstreamError):
    """The upstream's answer is cut, larger than the limit, or not what its format says.

    Attributes:
        response: the answer, where its beginning says something to people.
    """

    kind = "upstream-broken"
    title = "The upstream's answer is broken"
    response: httpx.Response | None = None


class UpstreamRefused(UpstreamError):
    """The upstream answered 401 to our own credential: the caller's login is not at fault."""

    kind = "upstream-refused-credential"
    title = "The upstream refused this server's credential"


class UpstreamRedirect(UpstreamError):
    """The upstream redirects to where the call must not go (SEMANTICS 4.7), which is no success.

    Attributes:
        response: the redirect.
        passes_on: whether the unit passes answers on as they are, so that REST passes this one on too.
    """

    kind = "upstream-redirect"
    title = "The upstream redirects elsewhere"

    def __init__(self, detail: str, response: httpx.Response, *, passes_on: bool, hint: str = "") -> None:
        super().__init__(detail, hint=hint)
        self.response = response
        self.passes_on = passes_on


class UpstreamStatus(UpstreamError):
    """The upstream answered 4xx or 5xx; REST passes ``response`` on, MCP makes a tool error of it."""

    kind = "upstream-status"
    title = "The upstream answered with an error"

    def __init__(self, response: httpx.Response, *, hint: str = "") -> None:
        super().__init__(f"the upstream answered {response.status_code}", hint=hint)
        self.response = response
