"""What an operator is told at the start: where everything is, what is missing, what is in conflict (SEMANTICS 2, 8)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from urllib.parse import quote

from naftiko.document.ports import LAST_PORT
from naftiko.engine.capability import Adapter, Capability
from naftiko.engine.transport.environment import environment_faults
from naftiko.expose.announcement import Announcement
from naftiko.expose.registry import KINDS
from naftiko.expose.served import Exposed, Listening
from naftiko.serve.addresses import DEFAULT_HOST, Listener, address_variables, is_http
from naftiko.serve.conflicts import conflicts
from naftiko.serve.given import Given, address_of
from naftiko.serve.sockets import UNIX

_SHOWN = 5
_MANY = 20
"""Adapters of one kind on a port above which they have one line together."""


def where(
    listener: Listener,
    url: str,
    *,
    prefix: bool,
    dev: bool = False,
    allowed_hosts: Sequence[str] = (),
    verbose: bool = True,
) -> Iterator[Announcement]:
    """Yield a line for each adapter behind a listener: its full URL and how much it serves; then more of a kind.

    Args:
        listener: the adapters.
        url: of the socket, without a path.
        prefix: whether each capability is under its namespace.
        dev: whether to say how what is served can be looked at.
        allowed_hosts: names beside loopback's under which clients may call.
        verbose: whether each adapter has its line however many there are; else many of a kind have one together.
    """
    if listener.for_operators:
        yield from _for_operators(listener, url)
        return
    spaces = listener.spaces(prefix=prefix)
    counts = Counter(exposed.adapter.kind for exposed in listener.exposed)
    if not listener.is_loopback and not listener.is_unix:
        yield from _open_to_all(listener, url)
    shortened = {kind for kind, count in counts.items() if count > _MANY and not verbose}
    for each, its in listener.by_kind():
        if each.kind in shortened:
            yield _together(its, url)
    for exposed in listener.exposed:
        if exposed.adapter.kind in shortened:
            continue
        kind, name = KINDS[exposed.adapter.kind], quote(spaces.of(exposed.adapter), safe="")
        yield _adapter(exposed, url + kind.path(name, alone=counts[kind.kind] == 1, prefix=prefix))
    for kind, its in listener.by_kind():
        yield from kind.announced(Listening(its, url, listener.is_loopback, allowed_hosts, dev))


def _for_operators(listener: Listener, url: str) -> Iterator[Announcement]:
    """Yield one line for all adapters of the operator's own port, which has the same paths for each."""
    kind, exposed = next(listener.by_kind())
    amount = max(sum(amounts(each.adapter).values()) for each in exposed)
    whose = exposed[0].capability.label if len(exposed) == 1 else f"{len(exposed)} capabilities"
    facts: dict[str, object] = {
        "event": "listening",
        "adapter": kind.kind,
        "url": url,
        f"{kind.nouns[0]}s": amount,
        "capabilities": len(exposed),
    }
    if not listener.is_loopback and not listener.is_unix:
        yield from _open_to_all(listener, url)
    yield Announcement(f"{kind.kind:<4} {url}  {_amount(kind.nouns[0], amount)}  ({whose})", facts)


def _open_to_all(listener: Listener, url: str) -> Iterator[Announcement]:
    """Yield a warning where whoever reaches an address may call, with the credentials that this server adds."""
    asking_nothing = [
        exposed.adapter.namespace or exposed.adapter.kind
        for exposed in listener.exposed
        if exposed.adapter.plan.model.authentication is None and any(amounts(exposed.adapter).values())
    ]
    if asking_nothing:
        port = url.rpartition(":")[2]
        text = (
            f"warning: whoever reaches {listener.host}, port {port}, may call {_some(asking_nothing)}: "
            "nothing is asked of callers; declare `authentication` in the file, or listen on 127.0.0.1 (--host)"
        )
        facts = {"event": "no-authentication", "url": url, "host": listener.host, "namespaces": asking_nothing}
        yield Announcement(text, facts, is_warning=True)


def _adapter(exposed: Exposed, url: str) -> Announcement:
    adapter, capability = exposed.adapter, exposed.capability
    found = amounts(adapter)
    broken = sum(plan.action is None for plan in adapter.plan.runnable)
    first = next(iter(found))  # an adapter without any says `0 routes`
    amount = ", ".join(_amount(noun, count) for noun, count in found.items() if count or noun == first)
    if broken:
        amount += f" ({broken} not executable)"
    facts: dict[str, object] = {
        "event": "listening",
        "adapter": adapter.kind,
        "url": url,
        "units": len(adapter.units),
        **{f"{noun}s": count for noun, count in found.items() if noun != first},
        "not_executable": broken,
        "namespace": adapter.namespace,
        "capability": capability.label,
    }
    return Announcement(f"{adapter.kind:<4} {url}  {amount}  {adapter.namespace} ({capability.label})", facts)


def _together(every: Sequence[Exposed], url: str) -> Announcement:
    """Return the line of many adapters of one kind."""
    kind = every[0].adapter.kind
    found: Counter[str] = Counter()
    for exposed in every:
        found.update(amounts(exposed.adapter))
    broken = sum(plan.action is None for exposed in every for plan in exposed.adapter.plan.runnable)
    files = len({id(exposed.capability) for exposed in every})
    facts: dict[str, object] = {
        "event": "listening",
        "adapter": kind,
        "url": url,
        "adapters": len(every),
        "files": files,
        **{f"{noun}s": count for noun, count in found.items()},
        "not_executable": broken,
    }
    amount = ", ".join(_amount(noun, count) for noun, count in found.items() if count)
    amount += f" ({broken} not executable)" if broken else ""
    text = f"{kind:<4} {url}  {amount}  {len(every)} adapters of {_amount('file', files)}; --verbose names each"
    return Announcement(text, facts)


def amounts(adapter: Adapter) -> dict[str, int]:
    """Return how much an adapter exposes, by what it is called: routes; tools, resources and prompts."""
    return KINDS[adapter.kind].amounts(adapter)


def _amount(noun: str, count: int) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def unused(given: Given) -> Iterator[Announcement]:
    """Yield a warning for each socket that nobody listens on; who connects to one of systemd would wait for nobody."""
    for name in given.misnamed:
        text = (
            f"warning: --uds {name or given.paths[name]}: no adapter is there for it, by type (rest, mcp) or namespace"
        )
        yield Announcement(text, {"event": "unused-socket", "name": name}, is_warning=True)
    for each in given.unused:
        host, port = address_of(each)
        where = host if host.startswith(UNIX) else f"{host}:{port}"
        why = "no adapter is called so, nor listens on its port; name it after one: FileDescriptorName=rest"
        text = f"warning: systemd passes the socket `{each.name}` at {where}, and {why}"
        facts = {"event": "unused-socket", "name": each.name, "address": where, "reason": why}
        yield Announcement(text, facts, is_warning=True)


def no_port(adapter: Adapter, port: int | str) -> Announcement:
    """Return the line for a file that wants to listen on what is no port: none of it is served."""
    position, name = adapter.plan.position, adapter.namespace or adapter.kind
    what = f"port {port}" if isinstance(port, int) or not port else f"the port `{port}`"
    why = f"`{name}` wants {what}, and ports are 0 to {LAST_PORT}; choose another with --port {name}=PORT"
    facts = {"event": "not-served", "file": position.file, "namespace": adapter.namespace, "reason": why}
    return Announcement(f"not served: {position}: {why}", facts, is_warning=True)


def not_listening(exposed: Exposed, listener: Listener, *, beside: str) -> Announcement:
    """Return the line for an adapter that wants a port which is taken on an address that includes its own."""
    file, namespace = exposed.capability.path, exposed.adapter.namespace
    why = f"port {listener.port} can't be on {listener.host} and on {beside}; choose one address with --host"
    facts = {"event": "not-served", "file": str(file), "namespace": namespace, "reason": why}
    return Announcement(f"not served: {file}: {namespace}: {why}", facts, is_warning=True)


def on_stdio(capabilities: Sequence[Capability]) -> Iterator[Announcement]:
    """Yield a line for each adapter that its file wants on stdin and stdout, where others listen."""
    for capability in capabilities:
        for adapter in capability.adapters:
            if not is_http(adapter):
                file, namespace = capability.path, adapter.namespace
                why = "it is for stdio; a client starts it with --transport stdio"
                facts = {"event": "not-listening", "file": str(file), "namespace": namespace, "reason": why}
                yield Announcement(f"not listening: {file}: {namespace}: {why}", facts, is_warning=True)


def not_beside_stdio(capabilities: Sequence[Capability], options: Sequence[str] = ()) -> Iterator[Announcement]:
    """Yield a line for whatever is for operators where stdin and stdout alone are served, and nothing listens.

    Args:
        capabilities: what is served.
        options: those that ask for a port.
    """
    found = [
        (str(capability.path), f"{adapter.kind} {adapter.namespace}".rstrip())
        for capability in capabilities
        for adapter in capability.adapters
        if KINDS[adapter.kind].for_operators
    ]
    for file, name in (*found, *((option, "") for option in options)):
        why = "stdin and stdout are served, and nothing listens beside them"
        facts = {"event": "not-listening", "file": file, "adapter": name, "reason": why}
        yield Announcement(": ".join(filter(None, ("not listening", file, name, why))), facts, is_warning=True)


def in_conflict(listeners: Sequence[Listener], *, prefix: bool) -> Iterator[Announcement]:
    """Yield a line for each pair of files that want the same, and one that says what to do about it.

    With prefixes nothing is in conflict; the lines say which adapters have another namespace than they ask for.
    """
    for listener in listeners:
        yield from _renamed(listener, prefix=prefix)
    found = [] if prefix else conflicts(listeners)
    for conflict in found:
        amount = " and ".join(_amount(noun, count) for noun, count in conflict.counts.items())
        facts = {
            "event": "conflict",
            "what": conflict.what,
            "served": str(conflict.first),
            "not_served" if conflict.in_vain else "served_too": str(conflict.second),
            **{f"{noun}s": count for noun, count in conflict.counts.items()},
        }
        files = f"{conflict.first.file} and {conflict.second.file}"
        first, second = conflict.first, conflict.second
        served = (
            f"{first} is served, {second} is not"
            if conflict.in_vain
            else f"{first} or {second}, by the inputs of a request"
        )
        yield Announcement(f"conflict: {files} both have {amount}; {conflict.what}: {served}", facts, is_warning=True)
    if found:
        advice = "--prefix serves each capability apart"
        yield Announcement(f"conflict: {advice}", {"event": "advice"}, is_warning=True)


def _renamed(listener: Listener, *, prefix: bool) -> Iterator[Announcement]:
    for renamed in listener.spaces(prefix=prefix).renamed:
        place = KINDS[renamed.adapter.kind].path(renamed.name, alone=False, prefix=prefix)
        if place:  # else its namespace is nowhere to be seen
            file = renamed.capability.path
            why = f"another file has `{renamed.wanted}`"
            facts = {"event": "renamed", "file": str(file), "namespace": renamed.wanted, "name": renamed.name}
            yield Announcement(f"renamed: {file}: `{renamed.wanted}` is at {place}: {why}", facts, is_warning=True)


def surroundings() -> Iterator[Announcement]:
    """Yield what the environment says about connections and can't be done."""
    for fault in environment_faults():
        yield Announcement(f"warning: {fault}", {"event": "environment"}, is_warning=True)


def missing(capabilities: Sequence[Capability]) -> Iterator[Announcement]:
    """Yield what has no value and what that blocks, each once (SEMANTICS 2)."""
    blocked: dict[str, dict[str, None]] = {}
    hints: dict[str, str] = {}
    for name, blocks, hint in _missing(capabilities):
        blocked.setdefault(name, {})[blocks] = None
        hints.setdefault(name, hint)
    for name, several in blocked.items():
        facts = {"event": "missing", "name": name, "blocks": list(several)}
        yield Announcement(f"missing: {name} — blocks {_some(list(several))}; {hints[name]}", facts, is_warning=True)


def _missing(capabilities: Sequence[Capability]) -> Iterator[tuple[str, str, str]]:
    for capability in capabilities:
        for name, blocks in capability.missing_variables().items():
            yield from ((name, blocked, capability.variables.hint(name)) for blocked in blocks)
        for namespace in capability.apis_without_base():
            yield f"the base URI of {namespace}", namespace, f"give it with --base-uri {namespace}=https://HOST"
        for adapter in capability.adapters:
            for name in address_variables(capability, adapter):
                what = f"the address of {adapter.namespace}, which is on {DEFAULT_HOST} instead"
                yield name, what, capability.variables.hint(name)


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
