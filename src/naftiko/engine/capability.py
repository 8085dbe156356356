"""A capability, loaded: the face of the engine for the CLI, the adapters and whoever embeds it."""

from __future__ import annotations

from collections.abc import Coroutine, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Self, TypeVar
from urllib.parse import unquote

import httpx

from naftiko.document.findings import Findings
from naftiko.document.load import Loaded, load_document, parse_document
from naftiko.document.model import Bind, CapabilityDocument, ConsumesHttp
from naftiko.engine.answer import Answer
from naftiko.engine.foreign import check_foreign_secrets
from naftiko.engine.lint import lint_files
from naftiko.engine.mock import MockTransport, with_stand_ins
from naftiko.engine.picked import matches, picked
from naftiko.engine.reach import FileRoots, Reach, ReadableNames, reach_of
from naftiko.engine.run import PLAIN, Engine, Finish
from naftiko.engine.scripting import scripting_for
from naftiko.engine.settings import Settings
from naftiko.engine.skill_lint import lint_skills
from naftiko.engine.skills import skills_of
from naftiko.engine.streaming.upstream import StreamingUpstream
from naftiko.engine.upstream import FORWARD
from naftiko.engine.variables import BoundVariables, StandInVariables
from naftiko.engine.watched import SeenRun
from naftiko.expression.content import Content
from naftiko.expression.references import Variable
from naftiko.expression.scope import Variables
from naftiko.expression.template import has_placeholder
from naftiko.ground.collection import collection_paused
from naftiko.ground.errors import MissingVariable, NaftikoError
from naftiko.ground.types import ABSENT, Diagnostic, Severity
from naftiko.link.apis import LinkSettings
from naftiko.link.document import link
from naftiko.link.lint import lint
from naftiko.link.sent import sent_variables
from naftiko.observe.observer import Caller, Hooks
from naftiko.observe.redaction import Learnt
from naftiko.plan.addresses import basic_credential, user_of
from naftiko.plan.inputs import Input
from naftiko.plan.unit import AdapterPlan, CapabilityPlan, UnitPlan

ResultT = TypeVar("ResultT")


class Unit:
    """One route or tool of a capability, ready to run.

    Attributes:
        plan: what it does.
        hooks: of what sees its runs, or ``None``.
    """

    __slots__ = ("_engine", "_environment", "_has_steps", "hooks", "plan")

    def __init__(self, plan: UnitPlan, engine: Engine) -> None:
        self.plan = plan
        self.hooks = engine.hooks
        self._has_steps = plan.action is not None and plan.action.inner.only_call is None
        self._engine = engine
        self._environment = tuple(found for found in plan.inputs.inputs if found.location == "environment")

    @property
    def adapter(self) -> str:
        """The kind of the adapter, such as ``rest``."""
        return self.plan.adapter

    @property
    def namespace(self) -> str:
        """The namespace of the adapter that exposes it."""
        return self.plan.namespace

    @property
    def name(self) -> str:
        """The operation's or tool's name, as the file has it."""
        return self.plan.name

    @property
    def alias(self) -> str:
        """The name that clients accept; the same where the name is safe."""
        return self.plan.alias

    @property
    def method(self) -> str | None:
        """The HTTP method of a route."""
        return self.plan.method

    @property
    def path(self) -> str | None:
        """The path of a route, as the file has it."""
        return self.plan.path

    @property
    def description(self) -> str | None:
        """For people and agents."""
        return self.plan.description

    @property
    def call(self) -> str | None:
        """``namespace.operation`` of the consumed operation, or ``None``."""
        return self.plan.call

    @property
    def executable(self) -> bool:
        """Whether it means anything at run time; ``reason`` says why not."""
        return self.plan.action is not None

    @property
    def reason(self) -> str:
        """Why it is not executable, or ``""``."""
        return self.plan.reason

    @property
    def inputs(self) -> tuple[Input, ...]:
        """Its inputs: declared, or inferred from what it calls."""
        return self.plan.inputs.inputs

    def request(self, inputs: Mapping[str, Any] | None = None, *, body: Content | None = None) -> httpx.Request:
        """Return the upstream request that these inputs make; nothing is sent (but a token may be fetched).

        Args:
            inputs: values by name or alias.
            body: a REST caller's body that is passed on, where the operation declares none.

        Raises:
            InputError: inputs don't fit.
            NotExecutable: the unit makes no request, or more than one.
            MissingVariable: a variable has no value.
        """
        return run_to_end(self._engine.request(self.plan, self.checked(self.plan.inputs.spread(inputs or {})), body))

    async def arequest(self, inputs: Mapping[str, Any] | None = None, *, body: Content | None = None) -> httpx.Request:
        """Return the same in an event loop."""
        return await self._engine.request(self.plan, self.checked(self.plan.inputs.spread(inputs or {})), body)

    async def run(self, inputs: Mapping[str, Any] | None = None, *, body: Content | None = None) -> Answer:
        """Check the inputs, call, and return the answer.

        Raises:
            CallError: see ``naftiko.ground.errors``; an upstream's own 4xx and 5xx are ``UpstreamStatus``.
        """
        if self.hooks is None:
            return await self._run(inputs or {}, body)
        with self.run_of(self.hooks, Caller()) as run:
            answer = await self._run(inputs or {}, body)
            run.status = answer.status
            return answer

    async def _run(self, inputs: Mapping[str, Any], body: Content | None) -> Answer:
        answer: Answer = await self._engine.run(self.plan, self.checked(self.plan.inputs.spread(inputs)), body)
        return answer

    def run_of(self, hooks: Hooks, caller: Caller) -> SeenRun:
        """Return a run of it, as an observer sees it: an adapter enters it around ``run_checked``."""
        return SeenRun(hooks, self._engine.label, self.plan, caller, has_steps=self._has_steps)

    def checked(self, given: Mapping[str, Any], *, text: frozenset[str] = frozenset()) -> dict[str, Any]:
        """Return the inputs as the unit takes them; those ``in: environment`` come from there and nowhere else.

        Args:
            given: values by name or alias.
            text: the names whose values came as text, to be read as the declared type.

        Raises:
            InputError: inputs don't fit.
            MissingVariable: a required input of the environment has no value there.
        """
        if self.plan.action is None:
            return {}  # running it says why it can't be executed, whatever its inputs are
        if self._environment:
            given = {**given, **self._from_environment()}
        return self.plan.inputs.check(given, text=text)

    def _from_environment(self) -> dict[str, Any]:
        found = {known.name: self._engine.variables.get(f"env.{known.name}") for known in self._environment}
        missing = [known.name for known in self._environment if known.required and found[known.name] is None]
        if missing:
            raise MissingVariable(missing)
        return {name: ABSENT if value is None else value for name, value in found.items()}

    def run_checked(
        self,
        values: Mapping[str, Any],
        body: Content | None = None,
        conditions: Sequence[tuple[str, str]] = (),
        finish: Finish[Any] = PLAIN,
    ) -> Coroutine[Any, Any, Any]:
        """Run with inputs that an adapter has checked already; see ``Engine.run``."""
        return self._engine.run(self.plan, values, body, conditions, finish)

    def check_held(self) -> None:
        """Raise ``TakesNoCalls`` while its adapter takes none; who forwards, or runs it elsewhere, asks first."""
        self._engine.check_held(self.plan)

    def learn(self, secrets: Mapping[str, Learnt]) -> None:
        """Hide values that another process learnt to be secret."""
        self._engine.learn(secrets)

    def __repr__(self) -> str:
        where = f"{self.method} {self.path}" if self.path is not None else self.name
        return f"<Unit {self.adapter} {where}>"


class Adapter:
    """An adapter of a capability, with its units."""

    __slots__ = ("plan", "units")

    def __init__(self, plan: AdapterPlan, units: tuple[Unit, ...]) -> None:
        self.plan = plan
        self.units = units

    @property
    def kind(self) -> str:
        """The kind of the adapter, such as ``rest``."""
        return self.plan.kind

    @property
    def namespace(self) -> str:
        """As the file has it."""
        return self.plan.namespace


class Capability:
    """A capability file, linked and ready to run.

    Use it as an async context manager, or call ``aclose``, to close its connections.

    Attributes:
        path: the file.
        plan: everything the file says, compiled.
        diagnostics: everything found in it.
        adapters: its adapters, in the order of the file.
        units: all its routes and tools, in the order of the file.
        skills: all its skills, likewise.
        variables: its variables.
        roots: where the files that it names may lie.
        imported: the files that it imports from.
        shared: its part of what is shared with other processes, or ``None``.
    """

    def __init__(self, loaded: Loaded, settings: Settings, before: Capability | None = None) -> None:
        self.path = loaded.path
        self._document: CapabilityDocument | None = loaded.document
        self.settings = settings
        self.plan: CapabilityPlan = link(loaded.document, loaded.findings, _link_settings(loaded, settings))
        self.diagnostics: tuple[Diagnostic, ...] = tuple(loaded.findings)
        self.usable = loaded.usable
        self.imported = loaded.imported
        self.roots = FileRoots(self.path.parent, settings.file_roots)
        binds = [bind for bind in loaded.document.binds if isinstance(bind, Bind)]
        self.variables: BoundVariables = BoundVariables(
            binds,
            given=settings.variables,
            environment=settings.environment,
            base=self.path.parent,
            roots=self.roots,
            readable=ReadableNames(settings.allow_env, settings.deny_env),
            read_environment=settings.read_environment,
            redactor=None if before is None else before.variables.redactor,
        )
        self.variables.show(self._hosts())
        self.variables.send(sent_variables(self.plan))
        self.variables.redactor.spare(
            part for name in self._variable_names() for part in (name, name.rpartition(".")[2])
        )
        self._learn_literal_secrets()
        self.shared = None if settings.shared is None or settings.mock else settings.shared.of(self.label)
        self.engine = self._engine(replace(settings, shared=self.shared))
        self.upstreams = self.engine.upstreams
        self.adapters = tuple(
            Adapter(plan, tuple(Unit(unit, self.engine) for unit in plan.units)) for plan in self.plan.adapters
        )
        self.units = tuple(unit for adapter in self.adapters for unit in adapter.units)
        self.skills = skills_of(self)

    def _engine(self, settings: Settings) -> Engine:
        """Make what runs the units, and what sends their requests."""
        redactor = self.variables.redactor
        seen: Variables = self.variables
        complete = None
        if settings.mock:  # all there is of it: other variables, another transport, and stand-ins for steps' values
            seen, complete = StandInVariables(self.variables), with_stand_ins
            settings = replace(settings, transport=lambda _: MockTransport(redactor, FORWARD))
        connections = picked([api.namespace for api in self.plan.apis.values()], settings.connections)
        upstreams = {
            key: StreamingUpstream(
                api,
                seen,
                settings,
                redactor,
                comma_arrays=matches(api.namespace, settings.comma_arrays),
                connections=connections.get(api.namespace),
                renew=None if settings.mock else self.variables.renew,
            )
            for key, api in self.plan.apis.items()
        }
        for upstream in upstreams.values():
            upstream.peers = upstreams
        units = tuple(unit for adapter in self.plan.adapters for unit in adapter.runnable)
        for action in (unit.action for unit in units):
            for call in () if action is None else (each for _, made in action.calls for each in made.every):
                upstreams[call.operation.api].prepare(call)
        made = Engine(upstreams, seen, redactor, self.roots, complete=complete, observer=settings.observer)
        made.units, made.label = units, self.label
        made.scripting = scripting_for(self.plan, self.path.parent, self.roots, seen, settings.environment)
        return made

    def of_kind(self, kind: str) -> tuple[Adapter, ...]:
        """Return its adapters of one kind."""
        return tuple(adapter for adapter in self.adapters if adapter.kind == kind)

    @property
    def namespace(self) -> str:
        """A name for the capability: its first consumed namespace, else its first adapter's, else the file's."""
        for name in (*self.plan.apis, *(adapter.namespace for adapter in self.adapters)):
            if name:
                return name
        return self.path.stem

    @property
    def label(self) -> str:
        """What the file calls itself."""
        info = self.plan.info
        return (info.label if info else None) or self.path.stem

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        """The diagnostics that are errors."""
        return tuple(found for found in self.diagnostics if found.severity is Severity.ERROR)

    @property
    def document(self) -> CapabilityDocument:
        """The file's canonical model; read again if it was forgotten."""
        if self._document is None:
            self._document = _loaded(self.path, self.settings).document
        return self._document

    def forget_document(self) -> None:
        """Free the model of the file, which is ten times larger than the plan, once nobody looks at it any more."""
        self._document = None

    def lint(self) -> tuple[Diagnostic, ...]:
        """Return what works and is worth saying all the same; ``diagnostics`` has what linking found."""
        found = lint(self.document, self.plan, str(self.path))
        foreign = Findings(str(self.path))
        check_foreign_secrets(self.document, self.plan, self.reach(), foreign)
        beside = lint_files(self.document, self.path, self.variables, self.roots)
        return (*found, *beside, *lint_skills(self.skills, str(self.path)), *foreign)

    def reach(self) -> Reach:
        """Return which variables go where, and which files are read (SEMANTICS 9)."""
        return reach_of(self)

    def missing_variables(self) -> dict[str, list[str]]:
        """Return the variables that have no value, each with what it blocks (SEMANTICS 2)."""
        missing: dict[str, dict[str, None]] = {}
        for name, blocked in self.needed_variables():
            if self.variables.get(name) is None:
                missing.setdefault(name, {})[blocked] = None
        return {name: list(blocked) for name, blocked in missing.items()}

    def environment_names(self) -> frozenset[str]:
        """Return the names of the environment's variables that it may read."""
        needed = (name.rpartition(".")[2] for name, _ in self.needed_variables())
        asked = (found.name for unit in self.units for found in unit.inputs if found.location == "environment")
        return frozenset((*needed, *asked, *self.variables.bound_keys))

    def apis_without_base(self) -> list[str]:
        """Return the consumed namespaces that have no base URI; calls to them need ``--base-uri``."""
        return [api.namespace for api in self.plan.apis.values() if not api.base.text.strip()]

    def needed_variables(self) -> Iterator[tuple[str, str]]:
        """Yield the variables that anything needs, with what needs them."""
        for api in self.plan.apis.values():
            yield from ((name, api.namespace) for name in api.variables)
        for adapter in self.adapters:
            yield from ((name, adapter.namespace) for name in adapter.plan.variables)
        for adapter in self.adapters:
            yield from ((name, unit.name) for unit in adapter.plan.runnable for name in unit.variables)

    def _variable_names(self) -> Iterator[str]:
        yield from (name for api in self.plan.apis.values() for name in api.variables)
        yield from (name for adapter in self.plan.adapters for name in adapter.variables)
        yield from (name for unit in self.plan.units for name in unit.variables)

    def _hosts(self) -> set[str]:
        """Return the variables that are hosts and ports of base URIs and nothing else."""
        apis = self.plan.apis.values()
        others = [name for api in apis for name in api.variables[len(api.base.variables) :]]
        others += [name for adapter in self.plan.adapters for name in adapter.variables]
        others += [name for unit in self.plan.units for name in unit.variables]
        return {name for api in apis for name in api.base.origin_names}.difference(others)

    def _learn_literal_secrets(self) -> None:
        """A secret that stands in the file, or in ``--auth``, is hidden as well as one that a variable brings."""
        asked = [(api.authentication, api.secrets) for api in self.plan.apis.values()]
        asked += [(adapter.model.authentication, adapter.secrets) for adapter in self.plan.adapters]
        for authentication, compiled in asked:
            texts = {} if authentication is None else authentication.secrets()
            for key, text in texts.items():
                # A bare bind name is no secret: messages say which variable lacks a value.
                is_name = isinstance(compiled.get(key), Variable)
                if not has_placeholder(text) and not is_name:
                    self.variables.redactor.learn_credential(text)
        for user in (user_of(api.base.text) for api in self.plan.apis.values()):
            password = user.partition(":")[2]
            if password and not has_placeholder(user):
                for text in (unquote(password), password, basic_credential(user)):
                    self.variables.redactor.learn_credential(text)

    async def aclose(self) -> None:
        """Close all connections, and end what runs its scripts."""
        for upstream in self.upstreams.values():
            await upstream.aclose()
        if self.engine.scripting is not None:
            await self.engine.scripting.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        return f"<Capability {self.label!r}: {len(self.units)} units>"


def load(
    path: str | Path,
    *,
    variables: Mapping[str, str] | None = None,
    base_uris: Mapping[str, str] | None = None,
    settings: Settings | None = None,
    before: Capability | None = None,
) -> Capability:
    """Load a capability file.

    A file with errors loads too: ``diagnostics`` has them all, and units that mean nothing are not executable.

    Args:
        path: the file.
        variables: values that win over binds and the environment.
        base_uris: base URIs by consumes namespace (or pattern), which win over the file's.
        settings: everything else; the two above are added to it.
        before: the same file, loaded earlier: what was secret stays hidden. See ``naftiko.engine.keeping`` too.

    Raises:
        CapabilityError: the file can't be read at all.
    """
    merged = _merged(settings or Settings(), variables or {}, base_uris or {})
    with collection_paused():
        return Capability(_loaded(Path(path), merged), merged, before)


def _loaded(path: Path, settings: Settings) -> Loaded:
    return load_document(path, import_root=settings.import_root, file_roots=settings.file_roots)


def loads(text: str, *, path: str | Path = "capability.yaml", settings: Settings | None = None) -> Capability:
    """Load a capability from text; ``path`` names it in diagnostics and is the base of its imports."""
    return Capability(parse_document(text, Path(path)), settings or Settings())


def _merged(settings: Settings, variables: Mapping[str, str], base_uris: Mapping[str, str]) -> Settings:
    return replace(
        settings,
        variables={**settings.variables, **variables},
        base_uris={**settings.base_uris, **base_uris},
    )


def _link_settings(loaded: Loaded, settings: Settings) -> LinkSettings:
    """Resolve the operator's patterns to this file's namespaces; an exact name wins over a pattern."""
    names = [entry.namespace or "" for entry in loaded.document.consumes if isinstance(entry, ConsumesHttp)]
    return LinkSettings(
        picked(names, settings.base_uris),
        picked(names, settings.authentication),
        *(settings.resilience, settings.caller_limits, settings.websockets),
    )


def run_to_end(work: Coroutine[Any, Any, ResultT]) -> ResultT:
    """Finish a coroutine that doesn't wait, such as one that builds a request, without an event loop.

    Raises:
        NaftikoError: it would wait.
    """
    try:
        work.send(None)
    except StopIteration as finished:
        return finished.value  # type: ignore[no-any-return]  # a coroutine's result
    work.close()
    raise NaftikoError("this needs the network (a token is fetched): use `await unit.arequest(...)`")
