"""Link the consumed APIs: their base URIs, authentication and operations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from naftiko.document.findings import Findings
from naftiko.document.model import (
    ApiKeyAuthentication,
    Authentication,
    BasicAuthentication,
    BearerAuthentication,
    CapabilityDocument,
    ConsumesHttp,
    DigestAuthentication,
    Import,
    OAuth2Authentication,
    UnknownAuthentication,
    UnknownConsumes,
)
from naftiko.plan.base import BaseUri, parse_base
from naftiko.plan.callables import Callables, Origin
from naftiko.plan.lost_path import PathPlaces
from naftiko.plan.operation import Operation, OperationCompiler
from naftiko.plan.references import Names, Variable
from naftiko.plan.template import TemplateError, Value, has_placeholder, parse
from naftiko.plan.unit import ApiPlan


@dataclass(frozen=True, slots=True)
class LinkSettings:
    """What the operator says about consumed APIs, by namespace; it wins over the file.

    Attributes:
        base_uris: base URIs, which may hold variables too.
        authentication: ours to the API.
    """

    base_uris: Mapping[str, str] = field(default_factory=dict)
    authentication: Mapping[str, Authentication] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Apis:
    """The consumed APIs by namespace, and their operations."""

    plans: Mapping[str, ApiPlan]
    operations: Callables[Operation]


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
    for entry in document.consumes:
        if isinstance(entry, Import):  # one that failed
            operations.lack(entry.alias or entry.namespace)
        elif isinstance(entry, UnknownConsumes):
            operations.unsupported[entry.namespace or ""] = (
                f"`{entry.namespace}` is of type `{entry.type}`, which can't be called"
            )
        elif isinstance(entry, ConsumesHttp):
            _link_api(entry, names, findings, settings, operations, plans)
    return Apis(plans, operations)


def _link_api(
    entry: ConsumesHttp,
    names: Names,
    findings: Findings,
    settings: LinkSettings,
    operations: Callables[Operation],
    plans: dict[str, ApiPlan],
) -> None:
    namespace = entry.namespace or ""
    if entry.namespace is None:
        findings.at(entry.node).warning(
            "missing-name", "a consumes entry without a namespace", hint="add `namespace: NAME`, so that calls find it"
        )
    operations.declare(namespace)
    first = plans.get(namespace)
    if first is not None:
        findings.at(entry.at("namespace")).warning(
            "duplicate-namespace",
            f"a second consumes entry `{namespace}`: its operations are added, the first one's base URI is used",
            related=(first.position,),
        )
    else:
        plans[namespace] = _api(entry, namespace, names, findings, settings)
    places = PathPlaces(entry, (plans[namespace].base, parse_base(entry.base_uri or "", names)))
    compiler = OperationCompiler(entry, names, findings, places)
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
            origin = Origin(
                resource=resource.name,
                resource_path=resource.path or "",
                path=places.path(resource, model),
                method=operation.method,
                description=model.description,
            )
            if not operations.add(namespace, model.name, operation, origin):
                findings.at(model.at("name")).warning(
                    "duplicate-operation",
                    f"a second operation `{namespace}.{model.name}`: a call means the one whose path ends the unit's, "
                    "whose resource has the name of the unit's or whose description is the unit's; where none is, "
                    "the first unit that calls it means the first, the second the second",
                    hint="rename one, or call it with its resource's name: `namespace.resource.operation`",
                    related=(operations.first(namespace, model.name).position,),
                )


def _api(
    entry: ConsumesHttp,
    namespace: str,
    names: Names,
    findings: Findings,
    settings: LinkSettings,
) -> ApiPlan:
    ours = settings.authentication.get(namespace, entry.authentication)
    if isinstance(ours, UnknownAuthentication):
        findings.at(ours.at("type")).warning(
            "unknown-authentication",
            f"the authentication `{ours.type}` can't be done; calls go out without it",
            hint=f"give one with --auth {namespace}=bearer:TOKEN",
        )
    if entry.tunnel is not None:
        findings.at(entry.tunnel.node).warning(
            "unsupported-tunnel", "tunnels are not dialled; calls go out directly to the base URI"
        )
    base = parse_base(settings.base_uris.get(namespace, entry.base_uri or ""), names)
    secrets, needed = compile_secrets(ours, names, findings)
    parameters, broken = OperationCompiler(entry, names, findings).shared()
    return ApiPlan(
        namespace=namespace,
        base=base,
        authentication=ours,
        credentials=credentials(ours),
        secrets=secrets,
        variables=(*base.variables, *needed),
        parameters=parameters,
        position=findings.position(entry.node),
        blocked=_blocked(base, entry, findings) or broken,
    )


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
        where.error("bad-base-uri", reason, hint="write a URL such as `https://api.example.net/v1`")
        return reason
    return ""


_SECRET_KEYS = ("username", "password", "token", "value", "client_id", "client_secret", "token_endpoint")
_URI_KEYS = ("authorization_server_uri", "resource", "audience", "key")


def compile_secrets(
    authentication: Authentication | None, names: Names, findings: Findings
) -> tuple[dict[str, Value], tuple[str, ...]]:
    """Compile the values of an authentication's keys; a bare bind name is the bind's value, with a warning.

    Returns:
        the values by key (``headers.NAME`` for those of an API key's map), and the variables they need.
    """
    if authentication is None:
        return {}, ()
    texts = {key: getattr(authentication, key, None) for key in (*_SECRET_KEYS, *_URI_KEYS)}
    if isinstance(authentication, ApiKeyAuthentication):
        texts |= {f"headers.{name}": text for name, text in authentication.headers.items()}
    inside = replace(names, inputs=frozenset(), steps=(), variables={}, used={}, missing={})
    compiled: dict[str, Value] = {}
    for key, text in texts.items():
        if not isinstance(text, str):
            continue
        if key in _SECRET_KEYS and not has_placeholder(text) and inside.variable(text):
            findings.at(authentication.at(key)).warning(
                "bare-bind",
                f"`{text}` is the name of a bind; its value is used",
                hint=f'write `{key}: "{{{{{text}}}}}"`',
            )
            text = f"{{{{{text}}}}}"  # noqa: PLW2901  # the same text, as it was meant
        try:
            template = parse(text, lambda name: _variable(name, inside))
        except TemplateError as error:
            findings.at(authentication.at(key)).error("broken-template", f"`{key}`: {error}")
            continue
        compiled[key] = template.lone.value if template.lone else template.render
    return compiled, tuple(inside.variables)


def _variable(name: str, names: Names) -> Value:
    """In authentication every placeholder is a variable: callers don't choose our credentials."""
    variable = names.variable(name) or name
    names.variables[variable] = None
    return Variable(variable)


def credentials(authentication: Authentication | None) -> tuple[tuple[str, str], ...]:
    """Return where a credential travels: (``header`` or ``query``, name), header names in lower case."""
    if isinstance(authentication, ApiKeyAuthentication):
        named = [("header", name.lower()) for name in authentication.headers]
        if authentication.key:
            query = authentication.placement == "query"
            named.append(("query", authentication.key) if query else ("header", authentication.key.lower()))
        return tuple(named)
    if isinstance(
        authentication, BasicAuthentication | BearerAuthentication | DigestAuthentication | OAuth2Authentication
    ):
        return (("header", "authorization"),)
    return ()
