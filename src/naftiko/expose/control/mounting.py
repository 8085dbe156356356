"""The app of control adapters, and those that an operator opens for files that declare none."""

from __future__ import annotations

import ipaddress
import logging
from collections.abc import Mapping, Sequence
from typing import cast

from naftiko.document.model import BearerAuthentication, ControlAdapter
from naftiko.document.model.control import ControlLogs, ControlManagement, ScriptingManagement
from naftiko.engine.capability import Adapter, Capability
from naftiko.expose.authentication import guard
from naftiko.expose.control.app import ControlApp, Door
from naftiko.expose.control.options import ControlOptions
from naftiko.expose.control.switches import PROBED, Switches
from naftiko.expose.http.gate import Gate
from naftiko.expose.served import Exposed
from naftiko.expression.scope import Scope
from naftiko.expression.template import Value
from naftiko.ground.errors import NaftikoError
from naftiko.ground.types import Position
from naftiko.plan.unit import AdapterPlan

_log = logging.getLogger(__name__)


def build(exposed: Sequence[Exposed], options: ControlOptions) -> ControlApp:
    """Return the app of control adapters that share a listener.

    Raises:
        NaftikoError: nothing is operated.
    """
    if options.processes is None:
        raise NaftikoError("a control adapter is served by `naftiko serve` alone")
    doors = [_door(each, options) for each in exposed]
    gate = Gate(
        hosts=options.allowed_hosts,
        origins=options.allowed_origins,
        takes_short_names=True,
    )
    return ControlApp(doors, options.processes, gate, options.metrics_prefix)


def probe_app(capabilities: Sequence[Capability], options: ControlOptions) -> ControlApp:
    """Return the app that probes ask, who have neither a login nor our name: health and metrics, nothing else.

    Raises:
        NaftikoError: nothing is operated.
    """
    if options.processes is None:
        raise NaftikoError("probes are answered by `naftiko serve` alone")
    doors = [Door(str(each.path), "", None, PROBED) for each in capabilities]
    return ControlApp(doors, options.processes, None, options.metrics_prefix)


def _door(exposed: Exposed, options: ControlOptions) -> Door:
    capability, adapter = exposed
    model = cast(ControlAdapter, adapter.plan.model)
    its_guard = guard(
        model.authentication, adapter.plan.secrets, Scope({}, capability.variables), shared=capability.shared
    )
    switches = Switches.of(model)
    is_open = not options.is_loopback and its_guard is None and _is_local(model.address)
    if is_open and switches.only_looking() != switches:
        _log.warning(
            "%s: its control adapter is for this machine alone, and was moved to an address that others reach: "
            "what changes something is off, since nothing is asked of callers",
            capability.path.name,
        )
        switches = switches.only_looking()
    return Door(str(capability.path), adapter.namespace, its_guard, switches)


def _is_local(address: str | None) -> bool:
    host = (address or "localhost").strip("[] ")
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def opened(address: str, port: int, token: str | None) -> Adapter:
    """Return the control adapter that an operator opens for a file that declares none, with all that there is.

    Args:
        address: where it listens; one that others reach shows, and changes nothing, where there is no token.
        port: likewise.
        token: a bearer token that callers must have; ``None``: nothing is asked of them.
    """
    secrets: Mapping[str, Value] = {} if token is None else {"token": lambda _: token}
    if token is None and not _is_local(address):
        management = ControlManagement(info=True)
    else:
        logs = ControlLogs(stream=True)
        scripting = ScriptingManagement()
        management = ControlManagement(info=True, reload=True, validate_=True, logs=logs, scripting=scripting)
    model = ControlAdapter(
        address=address,
        port=port,
        management=management,
        authentication=None if token is None else BearerAuthentication(token=token),
    )
    plan = AdapterPlan(
        kind=model.kind,
        namespace="",
        model=model,
        units=(),
        position=Position("--control", 1, 1),
        secrets=secrets,
    )
    return Adapter(plan, ())
