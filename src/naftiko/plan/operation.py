"""A consumed operation, compiled: what a request to it is made of (SEMANTICS 4)."""

from __future__ import annotations

from dataclasses import dataclass

from naftiko.expression.jsonpath import JSONPath
from naftiko.expression.path import (
    PathTemplate,
)
from naftiko.ground.http import SAFE_METHODS
from naftiko.ground.types import Position
from naftiko.plan.body import BodyTemplate
from naftiko.plan.body_place import BodyPlace
from naftiko.plan.outputs import ConsumedOutputs
from naftiko.plan.paging import Pager
from naftiko.plan.parameter import Parameter
from naftiko.plan.resilience import Resilience
from naftiko.plan.slots import Slot
from naftiko.plan.streams import Streaming
from naftiko.plan.websockets import Socket

LOCATIONS = frozenset({"query", "header", "path", "cookie", "body", "environment"})
FORBIDDEN_HEADERS = frozenset(
    {
        "connection",
        "content-length",
        "host",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
"""Headers that belong to one connection (RFC 9110 chapter 7.6.1) or are made by it: no parameter may set them."""


@dataclass(frozen=True, slots=True)
class Operation:
    """A consumed operation, ready to make requests of.

    Attributes:
        api: the key of its consumes entry (``ApiPlan.key``).
        key: ``namespace.operation``.
        path: the full path, its placeholders resolved to arguments and variables.
        parameters: merged from consumes, resource and operation, inner over outer.
        path_query: those that are required and that the path's own query sends.
        slots: what it wants from its caller, in order.
        body: its body block.
        in_body: what its parameters are in the body.
        takes_body: whether it is a POST, PUT or PATCH that declares no body at all.
        variables: the variables that a request needs.
        free_names: names that ``with`` or a declared input may fill, and that are variables otherwise.
        blocked: why it can't be called, or ``""``; it is told where the operation stands.
        appended: the path parameters that the path has lost, and that are its last segments now (SEMANTICS 4.1).
        fuller: the same with path parameters of a wider level that its path lacks, for calls that give them.
        resilience: its policies; ``None``: it is sent as it is.
        redact: what its answers never show (SEMANTICS 5.11).
        pager: how the pages of its list are fetched; ``None`` where it has none.
        stream: what its answer is, where that is a stream of items; ``None`` where it is none.
        socket: what it does with the WebSocket that it opens; ``None`` where it opens none.
    """

    api: str
    key: str
    name: str
    method: str
    path: PathTemplate
    parameters: tuple[Parameter, ...]
    slots: tuple[Slot, ...]
    description: str | None
    body: BodyTemplate | None
    in_body: BodyPlace
    takes_body: bool
    variables: tuple[str, ...]
    free_names: tuple[str, ...]
    raw_format: str
    output_schema: str | None
    output_media_type: str | None
    max_binary_size: str | None
    outputs: ConsumedOutputs
    position: Position
    blocked: str = ""
    appended: tuple[str, ...] = ()
    fuller: Operation | None = None
    path_query: tuple[Parameter, ...] = ()
    resilience: Resilience | None = None
    pager: Pager | None = None
    redact: tuple[JSONPath, ...] = ()
    stream: Streaming | None = None
    socket: Socket | None = None

    @property
    def only_reads(self) -> bool:
        """Whether it changes nothing where it goes to (RFC 9110 chapter 9.2.1)."""
        return self.method in SAFE_METHODS if self.socket is None else self.socket.only_reads

    @property
    def namespace(self) -> str:
        """The namespace of its consumes entry."""
        return self.key.removesuffix(f".{self.name}")
