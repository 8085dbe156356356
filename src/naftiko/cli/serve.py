"""``naftiko serve``: serve capabilities over REST and MCP."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import click

from naftiko.cli.connections import connection_limits, connection_options
from naftiko.cli.files import default_paths
from naftiko.cli.fronting import front_of, front_options, given_of
from naftiko.cli.listening import OWN_PORT, PORT, CheckedType, NamedNumber, option, own_port
from naftiko.cli.loading import CapabilityFiles
from naftiko.cli.logging_options import logging_options, start_logs
from naftiko.cli.measuring import metrics_of, shown_metrics
from naftiko.cli.names import KnownNames, check_names
from naftiko.cli.options import env_files_read, read_settings_again, shared_options
from naftiko.cli.shared import shared_state, shared_state_options
from naftiko.cli.telling import Teller
from naftiko.cli.tracing import seeing, tracing_of, tracing_options
from naftiko.cli.trusted import Admission
from naftiko.engine.capability import Capability
from naftiko.engine.memory import budget_of
from naftiko.engine.process_pool import SECONDS
from naftiko.engine.settings import Settings
from naftiko.engine.transport import Limits
from naftiko.expose.announcement import Announce, Announcement
from naftiko.expose.http.gate import host_pattern, origin_pattern
from naftiko.expose.mcp.options import MAX_SESSIONS
from naftiko.expose.registry import KINDS
from naftiko.expose.selection import Selection
from naftiko.observe.observer import Observer
from naftiko.observe.redaction import Redactor
from naftiko.serve.addresses import DEFAULT_HOST, is_http
from naftiko.serve.announcements import missing, not_beside_stdio, surroundings
from naftiko.serve.apps import AppOptions
from naftiko.serve.operators import PROBES
from naftiko.serve.process import ServeOptions, serve_stdio
from naftiko.serve.process import serve as serve_all
from naftiko.serve.server import GRACE
from naftiko.serve.signals import end_while_loading
from naftiko.serve.systemd import Notifier
from naftiko.serve.watch import check_watchable
from naftiko.serve.workers import worker_count

_BUDGET = NamedNumber("PATTERN=CHARACTERS", "list-ships=20000")
_MEMORY = CheckedType("SIZE", budget_of)
_HOST = CheckedType("NAME", host_pattern)
_ORIGIN = CheckedType("ORIGIN", origin_pattern)
_CALLS = NamedNumber("[NAMESPACE=]CALLS", "20 or shop=5 (1 at least)", least=1, unnamed="*")


@click.command()
@click.argument("paths", nargs=-1, metavar="[FILE|DIRECTORY|GLOB]...")
@option("--host", metavar="ADDRESS", help="Listen on this address; default: the file's, else 127.0.0.1.")
@option(
    "--port",
    multiple=True,
    type=PORT,
    metavar="NAME=PORT",
    help="Port of an adapter by type (rest, mcp) or namespace; 0 is a free port, which is printed.",
)
@option("--mock", is_flag=True, help="Send nothing out: each call answers with the request it would have made.")
@option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="The longest that a call to a consumed API may take; default: 60, of which 30 may be silence.",
)
@option(
    "--shutdown-timeout",
    type=click.IntRange(0, 86_400),
    default=GRACE,
    metavar="SECONDS",
    help="How long calls in flight may take after Ctrl-C or SIGTERM, before they are cut; default: 10.",
)
@option(
    "--workers",
    default="1",
    metavar="N|auto",
    help="Processes that serve; auto: one a processor. SIGHUP then replaces them one by one, files loaded anew.",
)
@option("--strict", is_flag=True, help="Refuse to start if a file has errors or a variable is missing.")
@option("--prefix", is_flag=True, help="Put a capability's routes under /NAMESPACE, its tools under NAMESPACE_.")
@option(
    "--transport",
    type=click.Choice(["http", "stdio"]),
    default="http",
    help="stdio: serve MCP on stdin and stdout, whatever the files say.",
)
@option(
    "--allow-host",
    multiple=True,
    type=_HOST,
    metavar="NAME",
    help="A host name under which clients may call, beside localhost: MCP, and REST where it listens on loopback alone "
    "or this is given; patterns such as '*.example.com' too.",
)
@option(
    "--allow-origin",
    multiple=True,
    type=_ORIGIN,
    metavar="ORIGIN",
    help="A web origin whose pages may call MCP, and what changes something over REST; patterns too.",
)
@option(
    "--cors-origin",
    multiple=True,
    type=_ORIGIN,
    metavar="ORIGIN",
    help="A web origin whose pages may call REST and read the answers; off by default; patterns too.",
)
@option(
    "--tools",
    type=click.Choice(["list", "search"]),
    default="list",
    help="search: agents find, read and call tools through three tools instead of a list of all.",
)
@option(
    "--allow-tool", multiple=True, metavar="PATTERN", help="Serve only tools and routes that fit, by name or NS/NAME."
)
@option("--deny-tool", multiple=True, metavar="PATTERN", help="Serve no tool and no route that fits.")
@option(
    "--answer-budget",
    type=click.IntRange(min=0),
    metavar="CHARACTERS",
    help="Cut a tool's larger answers, with a handle to fetch the rest; default: 80000; 0: never.",
)
@option(
    "--answer-budgets",
    multiple=True,
    type=_BUDGET,
    metavar="PATTERN=CHARACTERS",
    help="A budget of its own for tools, by name or NS/NAME.",
)
@option("--dev", is_flag=True, help="Say how to look at the MCP server with the MCP Inspector.")
@option(
    "--max-concurrency",
    type=click.IntRange(min=0),
    default=0,
    metavar="CALLS",
    help="Calls at once of a listener's REST or MCP, in each process; more are told to try again; 0: no limit.",
)
@option(
    "--upstream-max-concurrent-calls",
    multiple=True,
    type=_CALLS,
    metavar="[NAMESPACE=]CALLS",
    help="Calls at once, and connections, to each consumed API, or to one; default: 50.",
)
@option(
    "--upstream-max-wait-duration",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="How long a call waits for one of them, before it is told to try again; default: 5.",
)
@option(
    "--upstream-operation-share",
    type=click.FloatRange(min=0, min_open=True, max=1),
    metavar="PART",
    help="The part of them that one operation may hold, so that the others find some; default: 0.8; 1: all.",
)
@option(
    "--max-request-bytes",
    type=click.IntRange(min=0),
    metavar="BYTES",
    help="The largest request body; default: 10 MiB over REST, 4 MiB over MCP.",
)
@option(
    "--control",
    type=OWN_PORT,
    metavar="[HOST:]PORT",
    help="Open a control port for the files that declare no control adapter: health, status, metrics, logs, reload; "
    "on 127.0.0.1 unless a host is named. On another one it needs --control-token to change anything.",
)
@option(
    "--control-token",
    metavar="TOKEN",
    help="A bearer token that callers of --control must have; best given by the environment.",
)
@option(
    "--probe-port",
    type=OWN_PORT,
    metavar="[HOST:]PORT",
    help="Answer /health/live, /health/ready and /metrics there to whoever asks, under any host name; on all "
    "addresses unless a host is named.",
)
@option(
    "--metrics-names",
    type=click.Choice(["ikanos", "naftiko"]),
    default="ikanos",
    help="What the names at /metrics begin with: those that the reference's dashboards look for, or our own.",
)
@front_options
@connection_options
@option(
    "--memory",
    type=_MEMORY,
    default="",
    metavar="SIZE",
    help="What large bodies and documents may hold, such as 512M or 25%, of all workers together; more are told to "
    "try again; default: half of the container's limit, else a quarter of the machine's memory; 0: no limit.",
)
@option(
    "--document-timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=SECONDS,
    metavar="SECONDS",
    help="How long a processor may work on one large document.",
)
@option("--server-timing", is_flag=True, help="Say in REST answers where their time went (Server-Timing).")
@option("--stateful", is_flag=True, help="Keep MCP sessions for clients of older revisions; with one worker only.")
@option(
    "--max-sessions",
    type=click.IntRange(min=1),
    default=MAX_SESSIONS,
    metavar="SESSIONS",
    help="MCP sessions of a port at once; one more ends the one that is idle for longest; default: 1000.",
)
@option(
    "--reload",
    is_flag=True,
    help="Watch the files, what they import and read, and .env files: what changes is served within a second. SIGHUP "
    "reads them once.",
)
@shared_state_options
@logging_options
@tracing_options
@shared_options
def serve(settings: Settings, /, paths: Sequence[str], **given: Any) -> None:
    """Serve capabilities over REST and MCP.

    Directories are searched for capability files. Ctrl-C or SIGTERM stops; requests in flight finish first.
    """
    redactors: list[Redactor] = []
    start_logs(given, redactors)
    end_while_loading()
    tell = Teller(given["log_format"], redactors, verbose=given["verbose"])
    metrics = metrics_of(given, default_paths(paths))
    tracing = tracing_of(given, default_paths(paths), redactors)
    settings = replace(settings, shared=shared_state(given))
    changed = _changed(settings, given, seeing(tracing, metrics))
    known = KnownNames()
    files = CapabilityFiles(
        default_paths(paths),
        changed,
        tell,
        redactors,
        read_settings=_settings_by_now(given, changed),
        # What nothing is sent for is not looked at.
        admission=lambda asks: None if given["mock"] else Admission(tell, strict=given["strict"], asks=asks and None),
        ports=dict(given["port"]),
        others=env_files_read(),
    )
    capabilities, findings = files.load(known)
    check_names(known, settings.environment or {}, warn=_warner(tell), complete=not findings.not_served)
    del known
    lacking = [*surroundings(), *missing(capabilities)] if not given["mock"] else []
    for announcement in lacking:
        tell(announcement)
    tell.tell_left_out()
    if given["strict"] and (findings.errors or findings.not_served or lacking):
        raise click.ClickException("--strict: not started, see above")
    if not capabilities:
        raise click.ClickException("nothing to serve")
    over_stdio = given["transport"] == "stdio" or _is_stdio_alone(capabilities)
    files.tell_uses()
    figures = shown_metrics(metrics, given, capabilities)
    traces = None if tracing is None else tracing.start(capabilities, figures, files)
    if over_stdio:
        _serve_stdio(capabilities, given, tell)
        served_all = True
    else:
        options = replace(
            _serve_options(given),
            figures=figures,
            traces=traces,
            call_seconds=changed.limits.total,
            limits=connection_limits(given, capabilities, tell),
        )
        served_all = serve_all(capabilities, options, tell, files)
    if findings.not_served or not served_all:
        sys.exit(1)


def _changed(settings: Settings, given: dict[str, Any], observer: Observer | None) -> Settings:
    """Return the settings of the capabilities, with what the options of this command say."""
    return replace(
        settings,
        observer=observer or settings.observer,
        mock=given["mock"],
        limits=_limits(settings.limits, given),
        connections=dict(given["upstream_max_concurrent_calls"]),
    )


def _settings_by_now(given: dict[str, Any], first: Settings) -> Callable[[], Settings]:
    """Return what returns the settings as they are by now; it may be called in a thread."""
    context = click.get_current_context()

    def by_now() -> Settings:
        with context.scope(cleanup=False):
            return replace(_changed(read_settings_again(), given, first.observer), shared=first.shared)

    return by_now


def _serve_options(given: dict[str, Any]) -> ServeOptions:
    if given["reload"]:
        check_watchable()
    workers = _workers(given["workers"])
    if given["stateful"] and workers > 1:
        raise click.UsageError(
            f"--stateful keeps each session in the process that opened it, and --workers {given['workers']} means "
            f"{workers} processes, any of which gets a client's next request; serve with one, or without sessions"
        )
    return ServeOptions(
        host=given["host"] or None,
        ports=dict(given["port"]),
        apps=_app_options(given),
        strict=given["strict"],
        workers=workers,
        dev=given["dev"],
        watch=given["reload"],
        verbose=given["verbose"],
        stop_seconds=given["shutdown_timeout"],
        document_seconds=given["document_timeout"],
        memory=budget_of(given["memory"], workers),
        control=own_port(given["control"], DEFAULT_HOST, given["control_token"] or None),
        probes=own_port(given["probe_port"], PROBES),
        front=front_of(given),
        given=given_of(given),
        notifier=Notifier(os.environ),
    )


def _app_options(given: dict[str, Any]) -> AppOptions:
    """Return the options of all kinds of adapters; each takes what it has a name for."""
    same = ("max_request_bytes", "prefix", "max_concurrency", "server_timing", "stateful", "max_sessions")
    said = {
        **{name: given[name] for name in (*same, "answer_budget")},
        "cors_origins": tuple(given["cors_origin"]),
        "allowed_hosts": tuple(given["allow_host"]),
        "allowed_origins": tuple(given["allow_origin"]),
        "answer_budgets": dict(given["answer_budgets"]),
        "tool_mode": given["tools"],
        "metrics_prefix": given["metrics_names"],
        "selection": Selection(tuple(given["allow_tool"]), tuple(given["deny_tool"])),
    }
    try:
        return AppOptions.of(said)
    except ValueError as error:
        raise click.UsageError(str(error)) from error


def _workers(text: str) -> int:
    try:
        return worker_count(text)
    except ValueError:
        raise click.BadParameter(f"`{text}` is no number from 1 to 256, and not auto", param_hint="--workers") from None


def _limits(usual: Limits, given: dict[str, Any]) -> Limits:
    """Return the limits of all upstreams; the time of a whole call bounds all the others, and silence may last it."""
    usual = replace(
        usual,
        queue=given["upstream_max_wait_duration"] or usual.queue,
        share=given["upstream_operation_share"] or usual.share,
    )
    timeout = given["timeout"]
    if timeout is None:
        return usual
    return replace(
        usual,
        total=timeout,
        read=timeout,
        connect=min(usual.connect, timeout),
        queue=min(usual.queue, timeout),
    )


def _serve_stdio(capabilities: Sequence[Capability], given: dict[str, Any], tell: Announce) -> None:
    """Serve on stdin and stdout; tell what would listen elsewhere, and doesn't."""
    asked = [f"--{name.replace('_', '-')}" for name in ("control", "probe_port") if given[name] is not None]
    for announcement in not_beside_stdio(capabilities, asked):
        tell(announcement)
    serve_stdio(capabilities, _app_options(given))


def _is_stdio_alone(capabilities: Sequence[Capability]) -> bool:
    """Tell whether nothing listens that callers have: the files say ``transport: stdio``."""
    adapters = [each for capability in capabilities for each in capability.adapters]
    callers = [each for each in adapters if not KINDS[each.kind].for_operators]
    return not any(map(is_http, callers or adapters))


def _warner(tell: Announce) -> Callable[[str], None]:
    return lambda text: tell(Announcement(f"warning: {text}", {"event": "unknown-name"}, is_warning=True))
