"""Link a document into a plan: the one place where names become what they mean."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from naftiko.document.findings import Findings
from naftiko.document.model import (
    AdapterModel,
    Aggregate,
    AggregateFunction,
    Bind,
    CapabilityDocument,
    McpPrompt,
    OutputParameter,
)
from naftiko.document.reader import is_null
from naftiko.expression.answers import ONLY
from naftiko.expression.references import ADAPTER_PREFIXES, Names
from naftiko.ground.collection import collection_paused
from naftiko.link import mentions
from naftiko.link.adapters import linked
from naftiko.link.adapters.kind import Declaration, Place
from naftiko.link.apis import Apis, LinkSettings, link_apis
from naftiko.link.caller_limits import Limiting
from naftiko.link.calls import Caller, CallLinker, CannotLink
from naftiko.link.flows import FlowLinker, answering, keeping
from naftiko.link.functions import FunctionArguments, collect_functions
from naftiko.link.infer import DeclaredInputs, InputMaker, fed, named_safely
from naftiko.link.limiting import with_limit
from naftiko.link.logins import link_logins
from naftiko.link.namesakes import Namesakes
from naftiko.link.needs import InputUse, Need, Needs, in_their_places, passes_body
from naftiko.link.outputs import MockCompiler, OutputCompiler
from naftiko.link.redacted_outputs import redacted
from naftiko.link.resolving import Resolver, Unresolved, tell_misspelt_names
from naftiko.link.route_checks import wrong_path
from naftiko.link.sound import check_sound
from naftiko.link.steps.script import scripting_of
from naftiko.link.tool_list import is_idempotent, tool_hints
from naftiko.plan.actions import Action, FunctionAction, MockAction, PagedCallAction
from naftiko.plan.credentials import compile_secrets, unusable_by_callers
from naftiko.plan.inputs import InputSet
from naftiko.plan.outputs import IDENTITY, Outputs
from naftiko.plan.slots import Slot
from naftiko.plan.streamed import call_action
from naftiko.plan.unit import AdapterPlan, CapabilityPlan, ResourcePlan, UnitPlan

_Runs: TypeAlias = Declaration | AggregateFunction


def link(document: CapabilityDocument, findings: Findings, settings: LinkSettings | None = None) -> CapabilityPlan:
    """Link a document; everything that is wrong is told in ``findings``, the rest is linked.

    Args:
        document: the canonical model.
        findings: where problems are told.
        settings: the operator's, which wins over the file.
    """
    with collection_paused():
        check_sound(document, findings)
        return _Linker(document, findings, settings or LinkSettings()).link()


class _Linker:
    def __init__(self, document: CapabilityDocument, findings: Findings, settings: LinkSettings) -> None:
        self._document = document
        self.findings = findings
        namespaces = {thing.namespace for thing in document.exposes if hasattr(thing, "namespace")}
        aggregates = {thing.namespace for thing in document.aggregates if isinstance(thing, Aggregate)}
        self._binds = bind_names((bind.namespace, bind.keys) for bind in document.binds if isinstance(bind, Bind))
        known = frozenset(name for name in namespaces | aggregates if name)
        self._names = Names(prefixes=ADAPTER_PREFIXES | known, binds=self._binds)
        apis = link_apis(document, self._names, findings, settings)
        self.limiting = Limiting(settings.caller_limits, findings)
        functions = collect_functions(document, findings)
        chosen = Namesakes(functions, mentions.refs(document))
        self._functions = Resolver("ref", functions, chosen, findings)
        namesakes = Namesakes(apis.operations, mentions.calls(document, functions, chosen))
        operations = Resolver("call", apis.operations, namesakes, findings)
        logins = CallLinker(apis, operations, self._names, findings)
        self.apis: Apis = link_logins(apis, logins, self._names, findings)
        self._calls = CallLinker(self.apis, operations, self._names, findings)
        self._scripting = scripting_of(document)
        self._flows = FlowLinker(self._calls, findings, self._scripting)

    def link(self) -> CapabilityPlan:
        declared = list(linked(self._document))
        plans = [kind.link(model, self) for kind, model in declared]
        adapters = [
            kind.completed(model, plan, plans, self.findings)
            for (kind, model), plan in zip(declared, plans, strict=True)
        ]
        info = self._document.info
        kept = info.without_place(stakeholders=()) if info else None
        keys = tuple(dict.fromkeys(operation.key for operation in self.apis.operations))
        return CapabilityPlan(kept, self.apis.plans, tuple(adapters), self._document.version, self._scripting, keys)

    def adapter(
        self,
        model: AdapterModel,
        units: Sequence[UnitPlan],
        *,
        kept: AdapterModel,
        resources: tuple[ResourcePlan, ...] = (),
        prompts: tuple[McpPrompt, ...] = (),
    ) -> AdapterPlan:
        """Make the plan of an adapter; see ``naftiko.link.adapters.kind.Linker``."""
        secrets, variables = compile_secrets(model.authentication, self._names, self.findings)
        why = unusable_by_callers(model.authentication, secrets)
        if model.authentication is not None and why is not None:
            message = f"the authentication of the adapter `{model.namespace}` {why.reason}: nobody is let in"
            why.tell(self.findings.at(model.authentication.at(why.key)), message)
        return AdapterPlan(
            kind=model.kind,
            namespace=model.namespace or "",
            model=kept,
            units=tuple(units),
            position=self.findings.position(model.node),
            resources=resources,
            prompts=prompts,
            secrets=secrets,
            variables=variables,
        )

    def unit(self, model: Declaration, place: Place) -> UnitPlan:
        """Link one unit; what can't be executed is told, listed and says why when it is called."""
        function, namespace, reason = self._function_of(model, place)
        maker = InputMaker(place.method, place.route, self.findings)
        declared = self._declared_inputs(model, function, place, maker)
        weak = place.outer.weak - {given.name for given in model.input_parameters}
        own = declared.without(weak)
        if not own:
            declared = own
        names, caller = self._caller(model, function, place, namespace, declared, weak)
        wants = Needs()
        action: Action | None = None
        outputs = IDENTITY
        if not reason:
            try:
                made, outputs = self._action(model, function, caller, wants)
                declaring = [one for one in (model, function) if one is not None and one.redact]
                outputs = redacted(outputs, declaring, made, self.findings) if declaring else outputs
                action = made  # only now: nothing runs that shows what it should not
            except CannotLink as error:
                reason = error.reason
                where = error.node or model.at("call" if getattr(model, "call", None) else "steps")
                self.findings.at(where).error(error.rule, reason, hint=error.hint)
        unused = weak - names.used.keys() - wants.needs.keys() - {want.name for want in wants.found}
        inputs = self._inputs(declared.without(unused), wants, names, action, maker)
        if isinstance(action, PagedCallAction) and declared.own is None:
            action, inputs = with_limit(action, inputs, has_places=place.route is not None)
        if place.route is not None:
            wrong = wrong_path(place.route, maker.misplaced, self.findings.at(place.path_node))
            action, reason = (None, reason or wrong) if wrong else (action, reason)
        tell_misspelt_names(self.findings.at(model.node), names)
        plan = self._plan(model, function, place, action, reason, inputs, outputs, wants)
        needed = (
            *names.variables,
            *(name for name in names.free if inputs.find(name) is None),
            *(() if action is None else action.variables),
        )
        return replace(plan, own_schema=declared.own, variables=tuple(dict.fromkeys(needed)))

    def _caller(
        self,
        model: Declaration,
        function: AggregateFunction | None,
        place: Place,
        namespace: str,
        declared: DeclaredInputs,
        weak: frozenset[str],
    ) -> tuple[Names, Caller]:
        """Return the names that a unit's templates may use, and who calls it."""
        route = place.route.names if place.route is not None else ()
        names = replace(
            self._names,
            prefixes=self._names.prefixes | {name for name in (place.namespace, namespace) if name},
            inputs=frozenset(given.name for given in declared.inputs),
            open_inputs=not declared,
            used={},
            missing={},
            variables={},
            free={},
            heads={},
            route=route or place.variables,
            places={},
            misspelt={},
        )
        return names, Caller(
            names,
            bool(declared),
            route,
            is_agent=place.route is None,
            weak=weak,
            has_places=place.route is not None,
            twins=declared.twins,
            gives_body=place.gives_body and getattr(model, "input_schema", None) is None,
            is_idempotent=is_idempotent(tool_hints(getattr(model, "hints", None), function)),
        )

    def _function_of(self, model: _Runs, place: Place) -> tuple[AggregateFunction | None, str, str]:
        """Return a unit's function, the namespace of its inputs, and why it can't be executed."""
        ref = getattr(model, "ref", None)
        if ref is None:
            return None, place.namespace, ""
        try:
            aggregate, function = self._functions.resolve(ref, model)
        except Unresolved as error:
            here = self.findings.at(model.at("ref"))
            if error.ambiguous:
                here.error("ambiguous-call", error.reason, hint=error.hint)
            else:
                here.error("unknown-ref", error.reason, hint=error.hint)
            return None, place.namespace, error.reason
        return function, aggregate.namespace or "", ""

    def _declared_inputs(
        self, model: _Runs, function: AggregateFunction | None, place: Place, maker: InputMaker
    ) -> DeclaredInputs:
        schema = getattr(model, "input_schema", None)
        if schema is not None:
            return maker.of_schema(schema, self.findings.position(model.at("inputSchema")))
        own = model.input_parameters
        if function is not None and not own and not model.with_:
            # The function's inputs are the unit's; where they travel in REST follows from the route.
            return maker.declared(place.outer.levels, function.input_parameters)
        return maker.declared((*place.outer.levels, own))

    def _action(
        self, model: _Runs, function: AggregateFunction | None, caller: Caller, wants: Needs
    ) -> tuple[Action, Outputs]:
        if function is not None:
            return self._function_action(model, function, caller, wants)
        return self._own_action(model, model.output_parameters, caller, wants)

    def _own_action(
        self, model: _Runs, outputs: Sequence[OutputParameter], caller: Caller, wants: Needs
    ) -> tuple[Action, Outputs]:
        called = model.call or self._implied_call(model, outputs)
        if called is not None:
            call = self._calls.link(called, self._with_of(model), model, caller, wants)
            wraps = call.operation.raw_format == "xml"
            names = replace(caller.names, answers=frozenset({ONLY} if call.operation.stream is None else ()))
            compiler = OutputCompiler(names, self.findings, call.consumed, wraps=wraps)
            made = call_action(call).typed(getattr(model, "output_media_type", None))  # a function's
            return made, compiler.compile(outputs)
        if model.steps:
            flow = self._flows.link(
                model.steps, model.mappings, replace(caller, gives_body=False, is_idempotent=False), wants
            )
            names = replace(caller.names, steps=tuple(plan.name for plan in flow.steps), answers=answering(flow.steps))
            built = OutputCompiler(names, self.findings, {}).compile(outputs)
            flow = keeping(flow, caller.names.heads)
            notes = flow.may_be_partial or any(call.has_notes for _, call in flow.calls)
            return flow.noting if notes else flow, built
        return self._mock(model, outputs, caller, wants)

    def _implied_call(self, model: _Runs, outputs: Sequence[OutputParameter]) -> str | None:
        """Return what a unit calls that says nothing but the name of one operation (SEMANTICS 1.4)."""
        if model.steps or not model.name or _says_values(outputs) or _is_written(model, "call"):
            return None
        found = self.apis.operations.named(model.name)
        if found is None:
            return None
        self.findings.at(model.node).warning(
            "implied-call",
            f"`{model.name}` has no call; `{found.key}`, the only operation of that name, is called",
            hint=f"add `call: {found.key}`",
        )
        return found.key

    def _mock(
        self, model: _Runs, outputs: Sequence[OutputParameter], caller: Caller, wants: Needs
    ) -> tuple[Action, Outputs]:
        del wants
        if not _says_values(outputs):
            near = self.apis.operations.nearest(model.name or "")
            what = f"`{model.name}`" if model.name else "it"
            raise CannotLink(
                "nothing-to-execute",
                f"{what} has no call, no steps and no ref, and its outputs say no value",
                f"did you mean `call: {near}`?" if near else "add `call: namespace.operation`",
            )
        return MockAction(), MockCompiler(caller.names, self.findings).compile(outputs)

    @staticmethod
    def _with_of(model: _Runs) -> Mapping[str, Any]:
        """Return ``with``, and what exposed inputs say by ``mapping`` instead (an older spelling)."""
        mapped = dict(model.with_)
        for parameter in model.input_parameters:
            if parameter.mapping is not None and parameter.name is not None:
                target = parameter.mapping.removeprefix(f"{model.call}.").rpartition(".")[2]
                mapped.setdefault(target, f"{{{{{parameter.name}}}}}")
        return mapped

    def _function_action(
        self, model: _Runs, function: AggregateFunction, caller: Caller, wants: Needs
    ) -> tuple[Action, Outputs]:
        outputs = model.output_parameters or function.output_parameters
        if not model.with_ and not model.input_parameters:
            return self._own_action(function, outputs, caller, wants)
        maker = InputMaker(None, None, self.findings)
        declared = maker.declared((function.input_parameters,))
        inner_names = replace(
            caller.names,
            inputs=frozenset(given.name for given in declared.inputs),
            open_inputs=not declared,
            used={},
            missing={},
            route=(),
            places={},
        )
        inner_wants = Needs()
        inner = Caller(
            *(inner_names, bool(declared), ()),
            is_agent=caller.is_agent,
            gives_body=caller.gives_body,
            is_idempotent=caller.is_idempotent,
        )
        action, built = self._own_action(function, outputs, inner, inner_wants)
        inner_inputs = self._inputs(declared, inner_wants, inner_names, action, maker)
        arguments = FunctionArguments(inner_inputs, inner_wants, self.findings).link(model, caller, wants)
        return FunctionAction(arguments, inner_inputs, action), built

    def _inputs(
        self, declared: DeclaredInputs, wants: Needs, names: Names, action: Action | None, maker: InputMaker
    ) -> InputSet:
        """Return the unit's inputs; declared ones are not added to, but for what a path can't do without."""
        known = {given.name for given in declared.inputs}
        if declared:
            placed = list(in_their_places(wants.found, names))
            needed = [
                want
                for want in placed
                if want.name not in known
                and want.use is InputUse.WHOLE
                and (want.slot.location == "path" or want.slot.is_own_body)
            ]
            settled = [*declared.settled(wants.needs), *maker.inferred(needed)]
            return named_safely(fed(settled, placed), declared.own)
        covered = {want.name for want in wants.found}
        others = [name for name in names.used if name not in covered]
        if action is None:
            others = []
        free = [Need(name, _text_slot(name), InputUse.WHOLE) for name in others]
        placed = list(in_their_places([*wants.found, *free], names))
        return named_safely(fed(maker.inferred(placed), placed))

    def _plan(
        self,
        model: _Runs,
        function: AggregateFunction | None,
        place: Place,
        action: Action | None,
        reason: str,
        inputs: InputSet,
        outputs: Outputs,
        wants: Needs,
    ) -> UnitPlan:
        hints = getattr(model, "hints", None)
        output_schema = getattr(model, "output_schema", None)  # a tool's own; a route's is the name of a file
        call = None if action is None else action.only_call
        operation = None if call is None else call.operation
        path = place.route.text if place.route is not None else None
        name = model.name or (function.name if function else None)
        if name is None:
            name = operation.name if operation else f"{(place.method or 'tool').lower()}-{path or ''}"
        inherited = function.description if function else None
        return UnitPlan(
            adapter=place.kind,
            namespace=place.namespace,
            name=name,
            alias=name,
            label=model.label or (function.label if function else None),
            description=model.description or inherited or (operation.description if operation else None),
            method=place.method,
            path=path,
            route=place.route,
            call=operation.key if operation and function is None else None,
            action=action,
            reason=reason,
            inputs=inputs,
            outputs=outputs,
            position=self.findings.position(model.node),
            hints=tool_hints(hints, function),
            passes_body=place.route is not None and passes_body(action, inputs, wants),
            output_schema=output_schema if isinstance(output_schema, Mapping) else None,
            max_binary_size=(operation.max_binary_size if operation else None) or place.max_binary_size,
            tags=getattr(model, "tags", ()),
            cacheable=function is not None and function.semantics is not None and bool(function.semantics.cacheable),
        )


def bind_names(binds: Iterable[tuple[str | None, Iterable[str]]]) -> dict[str, frozenset[str]]:
    """Return the variable names of each bind namespace; binds without a namespace are under ``""``."""
    found: dict[str, frozenset[str]] = {}
    for namespace, keys in binds:
        found[namespace or ""] = found.get(namespace or "", frozenset()) | frozenset(keys)
    return found


def _text_slot(name: str) -> Slot:
    return Slot(name, "query", "string", None, required=False, schema={"type": "string"})


def _is_written(model: _Runs, key: str) -> bool:
    """Tell whether a key is there, be it that its value is of a wrong type and could not be read."""
    node = model.at(key)
    return node is not None and node is not model.node and not is_null(node)


def _says_values(outputs: Sequence[OutputParameter]) -> bool:
    return any(
        output.has_const
        or output.value is not None
        or output.structure is not None
        or _says_values(output.properties)
        or (output.items is not None and _says_values((output.items,)))
        for output in outputs
    )
