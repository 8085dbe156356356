"""What a kind of adapter is when a file is loaded: how it is linked, and what it declares."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Generic, Protocol, TypeAlias, TypeVar

from naftiko.document.findings import Findings
from naftiko.document.model import (
    AdapterModel,
    ExposedOperation,
    ExposedSkill,
    McpPrompt,
    McpResource,
    McpTool,
    Model,
    Semantics,
)
from naftiko.document.nodes import Node
from naftiko.link.apis import Apis
from naftiko.link.caller_limits import Limiting
from naftiko.link.namesakes import Evidence
from naftiko.plan.routes import NO_OUTER_INPUTS, ExposedRoute, OuterInputs
from naftiko.plan.unit import AdapterPlan, ResourcePlan, UnitPlan

Declaration: TypeAlias = ExposedOperation | McpTool | McpResource
"""What a unit is declared by; another kind's own is made of one of these."""
Located: TypeAlias = McpPrompt | McpResource | ExposedSkill
"""What may have a ``location`` of files."""
ModelT = TypeVar("ModelT", bound=AdapterModel)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a unit stands, as far as its declaration doesn't say.

    Attributes:
        kind: of the adapter.
        namespace: of the adapter.
        method: the HTTP method, where it has a route.
        route: where requests find it. Without one its callers are agents, who name it and its inputs.
        outer: the inputs that are declared around it.
        max_binary_size: as the adapter has it.
        path_node: where the file has the route.
        variables: those of a resource's URI.
        gives_body: whether the inputs that nothing takes are the body of a call that declares none (SEMANTICS 4.3).
    """

    kind: str
    namespace: str
    method: str | None = None
    route: ExposedRoute | None = None
    outer: OuterInputs = NO_OUTER_INPUTS
    max_binary_size: str | None = None
    path_node: Node | None = None
    variables: tuple[str, ...] = ()
    gives_body: bool = False


class Linker(Protocol):
    """Links the parts of one document."""

    @property
    def findings(self) -> Findings:
        """Where problems are told."""

    @property
    def apis(self) -> Apis:
        """What is consumed."""

    @property
    def limiting(self) -> Limiting:
        """What compiles the limits of callers."""

    def unit(self, model: Declaration, place: Place) -> UnitPlan:
        """Link one unit; what can't be executed is told, listed and says why when it is called."""

    def adapter(
        self,
        model: AdapterModel,
        units: Sequence[UnitPlan],
        *,
        kept: AdapterModel,
        resources: tuple[ResourcePlan, ...] = (),
        prompts: tuple[McpPrompt, ...] = (),
    ) -> AdapterPlan:
        """Make the plan of an adapter of its units, with the authentication that it asks for.

        Args:
            model: the adapter as the file declares it.
            units: its units, linked.
            kept: what of the model lives as long as the process: nothing that is compiled.
            resources: its resources, linked.
            prompts: its prompts.
        """


class AdapterKind(ABC, Generic[ModelT]):
    """A kind of adapter, as far as loading a file goes.

    Attributes:
        model: how a file declares one.
        lacks: what one that serves nothing has none of.
        lists_tools: whether its units are tools, which language models are shown all at once.
        for_operators: whether it is for whoever runs the process: it serves callers nothing.
    """

    model: ClassVar[type[AdapterModel]]
    lacks: ClassVar[str]
    lists_tools: ClassVar[bool] = False
    for_operators: ClassVar[bool] = False

    @property
    def kind(self) -> str:
        """The word of the kind."""
        return self.model.kind

    @abstractmethod
    def link(self, model: ModelT, linker: Linker) -> AdapterPlan:
        """Link an adapter; whatever is wrong is told in ``linker.findings``, the rest is linked."""

    def serves(self, plan: AdapterPlan) -> bool:
        """Tell whether an adapter has anything to serve."""
        return self.for_operators or bool(plan.units or plan.resources or plan.prompts or plan.skills)

    def completed(
        self, model: ModelT, plan: AdapterPlan, adapters: Sequence[AdapterPlan], findings: Findings
    ) -> AdapterPlan:
        """Return an adapter with what it takes from the others of its file, which are linked by then.

        Args:
            model: the adapter as the file declares it.
            plan: the same, linked.
            adapters: all of the file, linked.
            findings: where problems are told.
        """
        del model, adapters, findings
        return plan

    def mentions(self, model: ModelT) -> Iterator[tuple[str, Declaration, Evidence]]:
        """Yield what an adapter runs: each with what it is counted among, and what tells which operation it means."""
        del model
        yield from ()

    def shown(self, model: ModelT) -> Iterator[Model]:
        """Yield everything below an adapter that has a label or a description which a client may show."""
        return (unit for _, unit, _ in self.mentions(model))

    def described(self, model: ModelT) -> Iterator[tuple[str, Model]]:
        """Yield what should say what it is for, each with what it is called."""
        del model
        yield from ()

    def undescribed(self, unit: UnitPlan) -> str:
        """Return what a unit is called that should have a description; ``""`` where another rule says so, or none."""
        del unit
        return ""

    def files(self, model: ModelT) -> Iterator[tuple[str, Located]]:
        """Yield what may be read from files, each with what it is called."""
        del model
        yield from ()

    def check(self, model: ModelT, findings: Findings) -> None:
        """Tell what can't work whatever is called; it is done with every load."""

    def lint(self, model: ModelT, findings: Findings) -> None:
        """Tell what works, and is probably not as meant."""

    def lint_beside(self, model: ModelT, adapters: Sequence[AdapterModel], findings: Findings) -> None:
        """Tell what of an adapter doesn't fit beside the others of its file; it is one of them."""

    def check_content(self, model: ModelT, findings: Findings) -> None:
        """Tell what an adapter declares in vain."""

    def contradictions(self, unit: Declaration, semantics: Semantics) -> Iterable[str]:
        """Yield where a unit says otherwise than the function that it is made of."""
        del unit, semantics
        return ()
