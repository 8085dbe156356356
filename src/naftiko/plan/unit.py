"""The plan: what a file exposes, compiled. Small, immutable, with nothing left to parse or look up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from naftiko.document.model import (
    AdapterModel,
    Authentication,
    Info,
    McpPrompt,
    ScriptingManagement,
    ToolHints,
)
from naftiko.expression.jsonpath import JSONPath
from naftiko.expression.template import Value
from naftiko.ground.types import Position
from naftiko.plan.actions import Action, Call
from naftiko.plan.base import BaseUri
from naftiko.plan.caching import CacheHeaders
from naftiko.plan.inputs import InputSet
from naftiko.plan.limits import CallerLimits
from naftiko.plan.outputs import Outputs
from naftiko.plan.own_schema import OwnSchema
from naftiko.plan.parameter import Parameter
from naftiko.plan.resilience import Resilience
from naftiko.plan.routes import ExposedRoute

if TYPE_CHECKING:
    from naftiko.plan.skills import SkillPlan


@dataclass(frozen=True, slots=True)
class UnitPlan:
    """One route or tool.

    Attributes:
        adapter: the kind of the adapter, such as ``rest``.
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
        cacheable: whether it is made of a function whose answers may be kept.
        cache: what its good answers say about caching; ``None``: what the upstream's do.
        limits: how much one caller may ask for; ``None``: anything.
        responses: what a route declares of its answers, as Response Objects of OpenAPI by status.
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
    cacheable: bool = False
    cache: CacheHeaders | None = None
    limits: CallerLimits | None = None
    responses: Mapping[str, Any] = field(default_factory=dict)

    @property
    def only_reads(self) -> bool:
        """Whether it calls only what changes nothing; what can't be executed is not known to."""
        return self.action is not None and self.action.only_reads


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
        model: the adapter as the file declares it: address, port, authentication, limits.
        units: its routes or tools, in the order of the file.
        resources: what it has to read.
        prompts: what it has to ask a model.
        skills: what it has for agents to learn.
        secrets: the values of its authentication's keys, compiled.
        variables: the variables that they need.
    """

    kind: str
    namespace: str
    model: AdapterModel
    units: tuple[UnitPlan, ...]
    position: Position
    resources: tuple[ResourcePlan, ...] = ()
    prompts: tuple[McpPrompt, ...] = ()
    skills: tuple[SkillPlan, ...] = ()
    secrets: Mapping[str, Value] = field(default_factory=dict)
    variables: tuple[str, ...] = ()

    @property
    def runnable(self) -> tuple[UnitPlan, ...]:
        """Its routes or tools, and the resources that are called, not read from files."""
        return (*self.units, *(resource.unit for resource in self.resources if resource.unit is not None))


@dataclass(frozen=True, slots=True)
class Login:
    """The call that gives a token.

    Attributes:
        call: of another API, which needs no token itself.
        token: finds the token in its answer.
        expires: finds the seconds that it lives, or ``None``.
        variables: those that the call needs.
        others: those that the API's own requests need.
    """

    call: Call
    token: JSONPath
    expires: JSONPath | None
    variables: tuple[str, ...]
    others: tuple[str, ...]


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
        resilience: the policies of what is forwarded to it.
        caches: whether answers of any of its operations are stored.
        login: the call that its credential is made of, or ``None``.
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
    resilience: Resilience | None = None
    caches: bool = False
    login: Login | None = None


@dataclass(frozen=True, slots=True)
class CapabilityPlan:
    """Everything that a file says, ready to run.

    Attributes:
        version: of the language, as the file has it.
        scripting: what it says of its scripts; ``None``: nothing.
        operations: the keys of what it consumes, ``namespace.operation``.
    """

    info: Info | None
    apis: Mapping[str, ApiPlan]
    adapters: tuple[AdapterPlan, ...]
    version: str | None = None
    scripting: ScriptingManagement | None = None
    operations: tuple[str, ...] = ()

    @property
    def units(self) -> tuple[UnitPlan, ...]:
        """All routes and tools, in the order of the file."""
        return tuple(unit for adapter in self.adapters for unit in adapter.units)
