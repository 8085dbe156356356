"""The plan: what a file exposes, compiled. Small, immutable, with nothing left to parse or look up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, TypeAlias

from naftiko.document.model import (
    Authentication,
    Info,
    McpAdapter,
    RestAdapter,
    ToolHints,
)
from naftiko.plan.base import BaseUri
from naftiko.plan.inputs import InputSet
from naftiko.plan.operation import Operation
from naftiko.plan.outputs import ConsumedOutputs, Outputs
from naftiko.plan.own_schema import OwnSchema
from naftiko.plan.parameter import Parameter
from naftiko.plan.routes import ExposedRoute
from naftiko.plan.scope import Scope
from naftiko.plan.template import Value
from naftiko.types import Position

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing (RFC 9110 chapter 9.2.1)."""


@dataclass(frozen=True, slots=True)
class Extra:
    """A ``with`` key that names nothing in the operation, and where it goes (SEMANTICS 4.3).

    Attributes:
        place: ``body`` (it is the body), ``field`` (of a JSON body), ``query`` or ``header``.
    """

    name: str
    place: str


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a consumed operation.

    Attributes:
        arguments: what each argument of the operation is made of.
        extras: arguments that the operation doesn't know.
        consumed: the operation's named outputs.
    """

    operation: Operation
    arguments: tuple[tuple[str, Value], ...]
    extras: tuple[Extra, ...] = ()
    consumed: ConsumedOutputs = field(default_factory=dict)

    @property
    def variables(self) -> tuple[str, ...]:
        """The variables that its request needs: the operation's own, and free names that no argument fills."""
        filled = dict(self.arguments)
        return (*self.operation.variables, *(name for name in self.operation.free_names if name not in filled))


class Runner(Protocol):
    """What a step may ask of the engine."""

    async def call(self, call: Call, scope: Scope) -> Any:
        """Call a consumed operation; return its decoded document, ``None`` for no content."""
        ...


class StepPlan(Protocol):
    """A step, compiled."""

    @property
    def name(self) -> str:
        """The name under which later steps see its result."""
        ...

    @property
    def needs(self) -> frozenset[str]:
        """The earlier steps that it reads."""
        ...

    async def run(self, runner: Runner, scope: Scope) -> StepResult:
        """Run it."""
        ...


@dataclass(frozen=True, slots=True)
class StepResult:
    """A step's result.

    Attributes:
        raw: the document itself, which the unit's outputs apply to if it is the last.
        shown: what later steps see.
    """

    raw: Any
    shown: Any


@dataclass(frozen=True, slots=True)
class CallAction:
    """Simple mode: one call."""

    call: Call


@dataclass(frozen=True, slots=True)
class FlowAction:
    """Steps.

    Attributes:
        waves: steps that need nothing of one another, in order.
        mappings: what builds the answer, target names split at dots; none: the last step's result.
        sources: the values of the mappings as the file has them.
    """

    waves: tuple[tuple[StepPlan, ...], ...]
    mappings: tuple[tuple[tuple[str, ...], Value], ...]
    last: str
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MockAction:
    """No call: the outputs are the answer."""


@dataclass(frozen=True, slots=True)
class ForwardAction:
    """Pass a request on to a consumed API (SEMANTICS 4.6)."""

    api: str
    trusted_headers: frozenset[str]
    path_variable: str | None


@dataclass(frozen=True, slots=True)
class FunctionAction:
    """An aggregate's function that a unit calls with inputs of its own making (``ref`` beside ``with``)."""

    arguments: tuple[tuple[str, Value], ...]
    inputs: InputSet
    action: Action


Action: TypeAlias = CallAction | FlowAction | MockAction | ForwardAction | FunctionAction


def variables_of(action: Action | None) -> tuple[str, ...]:
    """Return the variables that the calls of an action need, steps and functions included (SEMANTICS 2)."""
    if isinstance(action, FunctionAction):
        return variables_of(action.action)
    if isinstance(action, CallAction):
        return action.call.variables
    if isinstance(action, FlowAction):
        calls = [getattr(step, "call", None) for wave in action.waves for step in wave]
        return tuple(name for call in calls if isinstance(call, Call) for name in call.variables)
    return ()


def only_reads(action: Action | None) -> bool:
    """Tell whether an action only calls what changes nothing, steps and functions included (RFC 9110 chapter 9.2.1)."""
    if isinstance(action, CallAction):
        return action.call.operation.method in SAFE_METHODS
    if isinstance(action, FlowAction):
        calls = [getattr(step, "call", None) for wave in action.waves for step in wave]
        return all(call is None or call.operation.method in SAFE_METHODS for call in calls)
    return only_reads(action.action) if isinstance(action, FunctionAction) else isinstance(action, MockAction)


@dataclass(frozen=True, slots=True)
class UnitPlan:
    """One route or tool.

    Attributes:
        adapter: ``rest`` or ``mcp``.
        namespace: of the adapter.
        name: the operation's or tool's name.
        alias: the name that clients accept.
        method: the HTTP method, in REST.
        path: the route as the file has it, in REST.
        route: the same, taken apart.
        call: ``namespace.operation`` in simple mode.
        action: what runs; ``None`` where the unit is not executable.
        reason: why it is not executable, or ``""``.
        passes_body: whether a REST caller's body is passed on as it is, since the operation declares none.
        own_schema: a tool's own JSON ``inputSchema``.
        output_schema: a tool's own JSON ``outputSchema``.
        variables: the variables that it needs beside those of the APIs that it calls: in ``with``, in outputs, in the
            consumed operations.
    """

    adapter: str
    namespace: str
    name: str
    alias: str
    label: str | None
    description: str | None
    method: str | None
    path: str | None
    call: str | None
    action: Action | None
    reason: str
    inputs: InputSet
    outputs: Outputs
    position: Position
    hints: ToolHints | None = None
    passes_body: bool = False
    own_schema: OwnSchema | None = None
    output_schema: Mapping[str, Any] | None = None
    max_binary_size: str | None = None
    tags: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    route: ExposedRoute | None = None


@dataclass(frozen=True, slots=True)
class ResourcePlan:
    """A resource of an MCP adapter: dynamic, a template, or a directory of files.

    Attributes:
        variables: the names of a template's variables.
        directory: the ``file://`` location of a static resource.
    """

    name: str
    label: str | None
    description: str | None
    uri: str
    mime_type: str | None
    binary: bool
    variables: tuple[str, ...]
    directory: str | None
    unit: UnitPlan | None
    position: Position


@dataclass(frozen=True, slots=True)
class AdapterPlan:
    """An adapter with its units.

    Attributes:
        model: the adapter as the file declares it: address, port, authentication, prompts, limits.
        units: its routes or tools, in the order of the file.
        secrets: the values of its authentication's keys, compiled.
        variables: the variables that they need.
    """

    kind: str
    namespace: str
    model: RestAdapter | McpAdapter
    units: tuple[UnitPlan, ...]
    position: Position
    resources: tuple[ResourcePlan, ...] = ()
    secrets: Mapping[str, Value] = field(default_factory=dict)
    variables: tuple[str, ...] = ()

    @property
    def runnable(self) -> tuple[UnitPlan, ...]:
        """Its routes or tools, and the resources that are called, not read from files."""
        return (*self.units, *(resource.unit for resource in self.resources if resource.unit is not None))


@dataclass(frozen=True, slots=True)
class ApiPlan:
    """A consumed API.

    Attributes:
        namespace: as the file has it.
        key: what tells it from another entry of the same namespace; the first one's is the namespace.
        base: its base URI; empty where none is declared.
        authentication: ours to it, or ``None``.
        credentials: where the credential travels: (``header`` or ``query``, name), lower case for headers.
        secrets: the values of the authentication's keys, compiled.
        variables: the variables that every call needs.
        parameters: those of the consumes entry itself, which forwarded requests carry.
        blocked: why nothing of it can be called, or ``""``; it is told where the entry stands.
    """

    namespace: str
    key: str
    base: BaseUri
    authentication: Authentication | None
    credentials: tuple[tuple[str, str], ...]
    secrets: Mapping[str, Value]
    variables: tuple[str, ...]
    parameters: tuple[Parameter, ...]
    position: Position
    blocked: str = ""


@dataclass(frozen=True, slots=True)
class CapabilityPlan:
    """Everything that a file says, ready to run."""

    info: Info | None
    apis: Mapping[str, ApiPlan]
    adapters: tuple[AdapterPlan, ...]

    @property
    def units(self) -> tuple[UnitPlan, ...]:
        """All routes and tools, in the order of the file."""
        return tuple(unit for adapter in self.adapters for unit in adapter.units)
