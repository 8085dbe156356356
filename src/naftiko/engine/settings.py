"""What an operator decides about a capability, beside its file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from naftiko.document.model import Authentication, CallerLimits, Resilience
from naftiko.engine.sending import Policy
from naftiko.engine.transport import Limits
from naftiko.observe.observer import Observer

if TYPE_CHECKING:
    from naftiko.engine.shared_state import SharedState


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of one capability.

    Attributes:
        variables: values for variables, which win over binds and the environment.
        environment: what variables are read from; ``None``: the process's environment.
        read_environment: reads that anew, once a secret may have been rotated; ``None``: it stays as it is.
        base_uris: base URIs by consumes namespace, or by a pattern such as ``github-*``.
        authentication: ours to an API, by consumes namespace or pattern; ``None``: none, whatever the file says.
        comma_arrays: namespaces, or patterns, whose query arrays are one comma-separated value.
        websockets: operations that open WebSockets, whatever the file says: ``namespace.operation``, or patterns.
        mock: send nothing out; each call answers with the request it would have made.
        limits: of every upstream.
        connections: the most at once, by consumes namespace or pattern, where it is another number than in ``limits``.
        import_root: the directory tree that imports may not leave; ``None``: the file's own directory.
        file_roots: directories or files beside the capability's directory below which files may lie that it names.
        allow_env: the environment's variables that it may read, names or patterns; none: all that it names.
        deny_env: those that it may not read.
        transport: makes the transport of an API; the seam for tests.
        policies: what wraps whatever sends requests to upstreams, the outermost first; see ``Policy``.
        resilience: the policies of whatever the file declares none for; see ``naftiko.link.resilience``.
        caller_limits: how much one caller may ask for, by ``""``, adapter or ``ADAPTER.UNIT``; see
            ``naftiko.link.caller_limits``.
        observer: what sees each run of a unit, each step and each exchange; see ``Observer``.
        shared: what is shared with other processes, by way of a store that whoever made it closes; ``None``: nothing.
    """

    variables: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] | None = None
    read_environment: Callable[[], Mapping[str, str]] | None = field(default=None, compare=False)
    base_uris: Mapping[str, str] = field(default_factory=dict)
    authentication: Mapping[str, Authentication | None] = field(default_factory=dict)
    comma_arrays: tuple[str, ...] = ()
    websockets: tuple[str, ...] = ()
    mock: bool = False
    limits: Limits = field(default_factory=Limits)
    connections: Mapping[str, int] = field(default_factory=dict)
    import_root: Path | None = None
    file_roots: tuple[Path, ...] = ()
    allow_env: tuple[str, ...] = ()
    deny_env: tuple[str, ...] = ()
    transport: Callable[[str], httpx.AsyncBaseTransport] | None = None
    policies: tuple[Policy, ...] = ()
    resilience: Resilience | None = None
    caller_limits: Mapping[str, CallerLimits] = field(default_factory=dict)
    observer: Observer | None = None
    shared: SharedState | None = None
