"""Consumed APIs: base URIs, credentials, paths."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from pydantic.alias_generators import to_camel

from naftiko.document.findings import Findings
from naftiko.document.model import (
    Authentication,
    Bind,
    CapabilityDocument,
    ConsumedOperation,
    ConsumedResource,
    ConsumesHttp,
)
from naftiko.document.nodes import Node
from naftiko.document.shell import meant
from naftiko.expression.template import has_placeholder
from naftiko.plan.addresses import password_of, without_user
from naftiko.plan.unit import ApiPlan, CapabilityPlan

EXAMPLE_HOSTS = ("example.com", "example.org", "example.net", "example.edu")
"""Names that never lead anywhere (RFC 2606 chapter 3)."""
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_VARIABLE_LIKE = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+")
_USER_HINT = 'write `authentication: {type: basic, username: …, password: "{{API_PASSWORD}}"}`, and no user in the URL'
_LITERAL_HINT = 'declare a bind and write its name: "{{API_TOKEN}}"'


def check_apis(document: CapabilityDocument, plan: CapabilityPlan, findings: Findings) -> None:
    """Check every consumed API."""
    bound = bound_names(document)
    entries = [entry for entry in document.consumes if isinstance(entry, ConsumesHttp)]
    for api in plan.apis.values():
        entry = next(each for each in entries if (each.namespace or "") == api.namespace)
        _check_base(api, entry, findings)
        _check_paths(entry, findings)
        if api.authentication is not None:
            _check_credential(api, entry, api.authentication, bound, findings)


def is_example(host: str) -> bool:
    """Tell whether a host is one of the names that are reserved for examples."""
    return any(host == name or host.endswith(f".{name}") for name in EXAMPLE_HOSTS)


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine."""
    return host in _LOOPBACK or host.endswith(".localhost")


def _check_base(api: ApiPlan, entry: ConsumesHttp, findings: Findings) -> None:
    text = api.base.text.strip()
    here = findings.at(entry.at("baseUri"))
    if not text:
        here.warning(
            "empty-base-uri",
            f"`{api.namespace}` has no base URI: no call to it can be sent",
            hint=f"set `baseUri`, or give it when serving: --base-uri {api.namespace}=https://…",
        )
        return
    if text.endswith("/"):
        shown = without_user(text)
        here.hint("base-uri-slash", f"the base URI `{shown}` ends with `/`", hint=f"write `{shown.rstrip('/')}`")
    password = password_of(text)
    if password and not has_placeholder(password):
        here.warning("literal-secret", "the password of `baseUri` stands in the file itself", hint=_USER_HINT)
    host = _host(text)
    if is_example(host):
        here.warning(
            "example-host",
            f"`{host}` is a name for examples: nothing answers there",
            hint=f"set the real host, or give it when serving: --base-uri {api.namespace}=https://…",
        )


def _host(uri: str) -> str:
    """Return a URI's host in lower case; ``""`` where a placeholder or anything else makes it none."""
    try:
        return (urlsplit(uri if "://" in uri else f"https://{uri}").hostname or "").lower()
    except ValueError:  # brackets that are no IPv6 address
        return ""


def _check_paths(entry: ConsumesHttp, findings: Findings) -> None:
    for resource in entry.resources:
        things: list[ConsumedResource | ConsumedOperation] = [resource, *resource.operations]
        for thing in things:
            if thing.path and "?" in thing.path.partition("#")[0]:
                findings.at(thing.at("path")).hint(
                    "query-in-path",
                    f"the path `{thing.path}` holds a query",
                    hint="declare it as input parameters with `in: query`; a fixed one has a `value`",
                )


def bound_names(document: CapabilityDocument) -> frozenset[str]:
    """Return the names of all binds' variables: one of them is no literal secret (``bare-bind`` tells it)."""
    return frozenset(name for bind in document.binds if isinstance(bind, Bind) for name in bind.keys)


def _check_credential(
    api: ApiPlan, entry: ConsumesHttp, authentication: Authentication, bound: frozenset[str], findings: Findings
) -> None:
    node = authentication.node or entry.node
    if _is_plain_http(api.base.text.strip()):
        findings.at(entry.at("baseUri")).warning(
            "insecure-credential",
            f"the credential of `{api.namespace}` travels over plain http, where anybody on the way can read it",
            hint="use https",
        )
    declared = [part.node for each in (entry.authentication, entry.tls) if each is not None for part in each.parts()]
    for part in authentication.parts():
        _check_addresses(part, findings)
        if getattr(part, "scopes", None) == ():
            findings.at(part.node or node).hint(
                "oauth2-scopes", "no scopes are named, so the token may do anything", hint="add `scopes: [...]`"
            )
        if any(part.node is each for each in declared):  # one that the operator gave is not in the file
            check_literals(part, bound, findings)


def _check_addresses(authentication: Authentication, findings: Findings) -> None:
    for key, uri in authentication.addresses().items():
        if _is_plain_http(uri):
            findings.at(authentication.at(key)).warning(
                "insecure-credential",
                f"`{key}` is plain http, where anybody on the way can read the credential",
                hint="use https",
            )


def _is_plain_http(uri: str) -> bool:
    host = _host(uri)
    return uri.lower().startswith(("http://", "ws://")) and bool(host) and "{" not in host and not is_loopback(host)


def check_literals(authentication: Authentication, bound: frozenset[str], findings: Findings) -> None:
    """Tell secrets that stand in the file itself; the message never shows them."""
    for key, text, node in _secrets(authentication):
        variable = meant(text)
        if variable is not None:
            findings.at(node).warning(
                "shell-variable", f"`{key}` is no template: the text itself is used", hint=f"write `{variable}`"
            )
        elif text.strip() and not has_placeholder(text) and not _is_name(text.strip(), bound):
            findings.at(node).warning(
                "literal-secret", f"the secret `{key}` stands in the file itself", hint=_LITERAL_HINT
            )


def _is_name(text: str, bound: frozenset[str]) -> bool:
    """Tell the bare name of a variable, of this file or of one that imports it."""
    return text in bound or _VARIABLE_LIKE.fullmatch(text) is not None


def _secrets(authentication: Authentication) -> Iterator[tuple[str, str, Node | None]]:
    for part in authentication.parts():
        for found, text in part.secrets().items():
            name, _, inner = found.partition(".")
            key = to_camel(name)
            yield (inner, text, part.at(name, inner)) if inner else (key, text, _value_node(part, key))


def _value_node(authentication: Authentication, key: str) -> Node | None:
    """Return where a secret stands, under its own key or an older one."""
    for spelling in (key, "token", "value", "apiKey"):
        node = authentication.at(spelling)
        if node is not authentication.node:
            return node
    return authentication.node
