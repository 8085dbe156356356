"""Link the consumed APIs: their base URIs, authentication and operations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from naftiko.document.findings import Findings, Reporter
from naftiko.document.model import (
    Authentication,
    CallerLimits,
    CapabilityDocument,
    ConsumesHttp,
    ConsumesWebSocket,
    Fallback,
    Import,
    Resilience,
    SeveralAuthentication,
    UnknownConsumes,
)
from naftiko.document.shell import as_template
from naftiko.expression.references import Names
from naftiko.expression.template import TemplateError, Value
from naftiko.ground.types import Position
from naftiko.link.callables import Callables, NameOrigin
from naftiko.link.lost_path import PathPlaces
from naftiko.link.operations import OperationCompiler
from naftiko.link.resilience import Levels, ScopeOf, link_resilience, with_policies
from naftiko.link.websockets import of_kind
from naftiko.plan.base import BaseUri, parse_base
from naftiko.plan.credentials import compile_secrets, unplaced, unusable
from naftiko.plan.operation import Operation
from naftiko.plan.unit import ApiPlan


@dataclass(frozen=True, slots=True)
class LinkSettings:
    """What the operator says about consumed APIs, by namespace; it wins over the file.

    Attributes:
        base_uris: base URIs, which may hold variables too.
        authentication: ours to the API; ``None``: none, whatever the file says.
        resilience: the policies of whatever the file declares none for.
        caller_limits: of callers, by the names of ``naftiko.link.caller_limits``.
        websockets: the operations that open WebSockets, whatever the file says: ``namespace.operation``, or patterns.
    """

    base_uris: Mapping[str, str] = field(default_factory=dict)
    authentication: Mapping[str, Authentication | None] = field(default_factory=dict)
    resilience: Resilience | None = None
    caller_limits: Mapping[str, CallerLimits] = field(default_factory=dict)
    websockets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Apis:
    """The consumed APIs by key, their operations, and by an operation's key what stands in for it."""

    plans: Mapping[str, ApiPlan]
    operations: Callables[Operation]
    fallbacks: Mapping[str, Fallback]


def link_apis(
    document: CapabilityDocument,
    names: Names,
    findings: Findings,
    settings: LinkSettings,
) -> Apis:
    """Link all consumes entries.

    Args:
        document: the file.
        names: what names mean in it.
        findings: where problems are told.
        settings: the operator's.
    """
    operations: Callables[Operation] = Callables("operation")
    plans: dict[str, ApiPlan] = {}
    fallbacks: dict[str, Fallback] = {}
    for entry in document.consumes:
        if isinstance(entry, Import):  # one that failed
            operations.lack(entry.alias or entry.namespace)
        elif isinstance(entry, UnknownConsumes):
            operations.unsupported[entry.namespace or ""] = (
                f"`{entry.namespace}` is of type `{entry.type}`, which can't be called"
            )
        elif isinstance(entry, ConsumesHttp):
            _link_api(entry, names, findings, settings, operations, plans, fallbacks)
    policies = ((operation.api, operation.resilience) for operation in operations)
    for key in {api for api, made in policies if made is not None and made.cache is not None}:
        plans[key] = replace(plans[key], caches=True)
    return Apis(plans, operations, fallbacks)


def _link_api(
    entry: ConsumesHttp,
    names: Names,
    findings: Findings,
    settings: LinkSettings,
    operations: Callables[Operation],
    plans: dict[str, ApiPlan],
    fallbacks: dict[str, Fallback],
) -> None:
    namespace = entry.namespace or ""
    if entry.namespace is None:
        findings.at(entry.node).warning(
            "missing-name", "a consumes entry without a namespace", hint="add `namespace: NAME`, so that calls find it"
        )
    operations.declare(namespace)
    api = _of_its_own(
        entry, [each for each in plans.values() if each.namespace == namespace], names, findings, settings
    )
    plans.setdefault(api.key, api)
    places = PathPlaces(entry, (api.base, _parsed(entry.base_uri or "", entry, names)))
    compiler = _compiler(entry, api, places, names, findings, settings)
    wider: Levels = (("api", entry.resiliency), ("operator", settings.resilience))
    for resource in entry.resources:
        for model in resource.operations:
            try:
                operation = compiler.compile(resource, model)
            except TemplateError as error:
                findings.at(model.node).error("broken-template", f"operation `{model.name}`: {error}")
                continue
            if model.name is None:
                findings.at(model.node).warning("missing-name", "a consumed operation without a name can't be called")
                continue
            operation = _placed(operation, api, findings.at(model.node))
            levels: Levels = (("operation", model.resiliency), ("resource", resource.resiliency), *wider)
            levels = of_kind(operation, levels, findings)
            operation = with_policies(operation, levels, resource.path or "", fallbacks, findings)
            origin = NameOrigin(
                resource=resource.name,
                resource_path=resource.path or "",
                path=places.path(resource, model),
                method=operation.method,
                description=model.description,
            )
            if not operations.add(namespace, model.name, operation, origin):
                here = findings.at(model.at("name"))
                _tell_second(here, namespace, model.name, operations.first(namespace, model.name).position)


def _tell_second(here: Reporter, namespace: str, name: str, first: Position) -> None:
    here.warning(
        "duplicate-operation",
        f"a second operation `{namespace}.{name}`: a call means the one whose path ends the unit's, "
        "whose resource has the name of the unit's or whose description is the unit's; where none is, "
        "the first unit that calls it means the first, the second the second",
        hint="rename one, or call it with its resource's name: `namespace.resource.operation`",
        related=(first,),
    )


def _compiler(
    entry: ConsumesHttp, api: ApiPlan, places: PathPlaces, names: Names, findings: Findings, settings: LinkSettings
) -> OperationCompiler:
    stand_in = settings.base_uris.get(api.namespace)
    return OperationCompiler(entry, names, findings, places, stand_in, api.key, settings.websockets)


def _of_its_own(
    entry: ConsumesHttp, others: Sequence[ApiPlan], names: Names, findings: Findings, settings: LinkSettings
) -> ApiPlan:
    """Return the API of an entry; of several entries of a namespace each has its own base URI and credential.

    One that says neither goes on with the first. Those that are the same are one API, with one pool of connections.

    Args:
        entry: the entry.
        others: the APIs of its namespace so far.
        names: what names mean in the file.
        findings: where problems are told.
        settings: the operator's, which are for all entries of a namespace.
    """
    if not others:
        return _api(entry, names, findings, settings)
    goes_on = not (entry.base_uri or "").strip() and entry.authentication is None and entry.tls is None
    does = "go to the first one's base URI" if goes_on else "go to its own base URI, with its own authentication"
    findings.at(entry.at("namespace")).warning(
        "duplicate-namespace",
        f"a second consumes entry `{entry.namespace}`: its operations are added, and {does}",
        hint="give each a namespace of its own: what is forwarded to this one goes to the first",
        related=(others[0].position,),
    )
    if goes_on:
        return others[0]
    made = _api(entry, names, findings, settings, others)
    return next((each for each in others if _where(each) == _where(made)), made)


def _where(api: ApiPlan) -> tuple[str, Authentication | None]:
    """Return where calls go, and as whom, wherever that stands in the file."""
    return api.base.text, None if api.authentication is None else api.authentication.without_place()


def _placed(operation: Operation, api: ApiPlan, here: Reporter) -> Operation:
    """Return an operation, blocked, and told so, where its requests have no place for the API's credential."""
    why = "" if api.blocked or operation.blocked else unplaced(api.credentials, api.base, operation)
    if not why:
        return operation
    here.error("unplaced-credential", f"`{operation.key}` can't be called: {why}", hint=_UNPLACED)
    return replace(operation, blocked=why)


_UNPLACED = "correct the `placement` of the authentication, or the operation"


def _api(
    entry: ConsumesHttp,
    names: Names,
    findings: Findings,
    settings: LinkSettings,
    others: Sequence[ApiPlan] = (),
) -> ApiPlan:
    namespace = entry.namespace or ""
    ours = _with_tls(settings.authentication.get(namespace, entry.authentication), entry)
    if entry.tunnel is not None:
        findings.at(entry.tunnel.node).warning(
            "unsupported-tunnel", "tunnels are not dialled; calls go out directly to the base URI"
        )
    written = entry.base_uri or (others[0].base.text if others else "")
    base = _parsed(settings.base_uris.get(namespace, written), entry, names)
    secrets, needed = compile_secrets(ours, names, findings)
    parameters, broken = OperationCompiler(entry, names, findings).shared()
    reasons = (_blocked(base, entry, findings), broken, _uncredited(entry, ours, secrets, findings))
    return ApiPlan(
        namespace=namespace,
        key=f"{namespace} ({len(others) + 1})" if others else namespace,
        base=base,
        authentication=ours,
        credentials=() if ours is None else ours.places(),
        secrets=secrets,
        variables=(*base.variables, *needed),
        parameters=parameters,
        resilience=link_resilience((("api", entry.resiliency), ("operator", settings.resilience)), ScopeOf(), findings),
        position=findings.position(entry.node),
        blocked="; ".join(filter(None, reasons)),
    )


def _with_tls(ours: Authentication | None, entry: ConsumesHttp) -> Authentication | None:
    """Return the credential with what the entry's ``tls`` says, which ``--auth`` leaves as it is."""
    if entry.tls is None or ours is None:
        return entry.tls if ours is None else ours
    return SeveralAuthentication(all=(*ours.parts(), entry.tls), node=ours.node or entry.tls.node)


def _parsed(text: str, entry: ConsumesHttp, names: Names) -> BaseUri:
    return parse_base(text, names, is_socket=isinstance(entry, ConsumesWebSocket))


def _blocked(base: BaseUri, entry: ConsumesHttp, findings: Findings) -> str:
    """Return, and tell, why nothing of an API can be called; callers see it, so it never shows the address itself."""
    where = findings.at(entry.at("baseUri"))
    if base.broken:
        reason = "its base URI lacks a brace"
        where.error("broken-template", reason, hint="a variable of a base URI is `{{NAME}}`")
        return reason
    if base.climbs:
        reason = "its base URI holds a `.` or `..` segment"
        where.error("dot-segment", reason, hint="write the path that is meant")
        return reason
    if base.wrong:
        reason = f"nothing can be sent to its base URI: {base.wrong}"
        template = as_template(base.text)
        hint = f"write `{template}`" if template else "write a URL such as `https://api.example.net/v1`"
        where.error("bad-base-uri", reason, hint=hint)
        return reason
    return ""


def _uncredited(
    entry: ConsumesHttp, ours: Authentication | None, secrets: Mapping[str, Value], findings: Findings
) -> str:
    """Return, and tell, why calls to an API would go out without the credential that it declares."""
    why = unusable(ours, secrets)
    if ours is None or why is None:
        return ""
    hint = f"give one when serving: --auth {entry.namespace or 'NAMESPACE'}=bearer:TOKEN"
    message = f"the authentication of `{entry.namespace}` {why.reason}: no call goes out without it"
    why.tell(findings.at(ours.at(why.key)), message, hint)
    return f"its authentication {why.reason}; {hint}"
