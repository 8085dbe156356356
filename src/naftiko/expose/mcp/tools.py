"""The tools of a server: what tools/list shows, and what tools/call does (SEMANTICS 3.7, 3.8 and 7)."""

from __future__ import annotations

import logging
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from functools import partial
from time import perf_counter
from typing import Any, Protocol

from mcp.server.context import ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp.shared.inbound import x_mcp_header_map
from mcp_types import INVALID_PARAMS, CallToolRequestParams, PaginatedRequestParams

from naftiko.document.suggest import did_you_mean
from naftiko.engine.answer import FIRST_PAGE, Answer
from naftiko.engine.memory import SMALL
from naftiko.engine.paging.listing import PagesWanted
from naftiko.engine.process_pool import Shared, current
from naftiko.engine.process_pool.outside import ROLE, lacks_memory
from naftiko.engine.run import Finish
from naftiko.expose.http.limits import CallLimit
from naftiko.expose.http.problems import report
from naftiko.expose.limiting import Limiter, limiter_of
from naftiko.expose.mcp import revisions
from naftiko.expose.mcp.callers import arrive, arrived, asked_by, asking, caller_of
from naftiko.expose.mcp.continuing import ContinueTool
from naftiko.expose.mcp.exact_numbers import as_written, marked
from naftiko.expose.mcp.failures import failed_result
from naftiko.expose.mcp.fitting import CONTINUE, Fitting, fitted
from naftiko.expose.mcp.handles import Handles, Place
from naftiko.expose.mcp.options import McpOptions
from naftiko.expose.mcp.progress import reporting
from naftiko.expose.mcp.results import lightened, noted, tool_result
from naftiko.expose.mcp.search import CallTool, search_tools
from naftiko.expose.mcp.sources import McpSource
from naftiko.expose.mcp.tool import Tool, tools_of
from naftiko.ground.errors import TakesLong
from naftiko.observe.audit import Outcome, audit, audits
from naftiko.observe.observer import sees
from naftiko.observe.requests import request_now

_log = logging.getLogger(__name__)


class OwnTool(Protocol):
    """A tool of the server itself, such as ``naftiko-continue``."""

    @property
    def name(self) -> str:
        """How clients call it."""
        ...

    @property
    def schema(self) -> Mapping[str, Any]:
        """Of its arguments."""
        ...

    def declaration(self, *, modern: bool) -> dict[str, Any]:
        """Return it as tools/list shows it, in wire form."""
        ...

    async def call(self, arguments: Mapping[str, Any], version: str) -> dict[str, Any]:
        """Return its result, in wire form.

        Raises:
            CallError: it can't be called so.
        """
        ...


class Home(Shared):
    """What has a book, in each process of a pool."""

    @property
    def tools(self) -> ToolBook:
        """The book."""
        raise NotImplementedError


class ToolBook:
    """The tools of a server, in the order of its adapters; of two with the same name the first one is served.

    Args:
        sources: the adapters.
        options: which tools are served, and how.
        limit: how many calls may run at once, in the whole app.
        home: what has it, where calls may run in another process.

    Attributes:
        is_observed: whether somebody sees what runs, and wants to know who asks.
        requests: who sees requests that run nothing, or ``None``.
        streams: whether something that they call answers with a stream.
    """

    def __init__(
        self, sources: Sequence[McpSource], options: McpOptions, limit: CallLimit, home: Home | None = None
    ) -> None:
        self._home = home
        self._every: list[Tool] = []
        self._places: dict[int, int] = {}
        self._tools: dict[str, Tool] = {}
        self._by_real_name: dict[str, Tool] = {}
        self._by_identity: dict[str, Tool] = {}
        for source in sources:
            for tool in tools_of(source, options):
                self._places[id(tool)] = len(self._every)
                self._every.append(tool)
                first = self._tools.setdefault(tool.name, tool)
                self._by_real_name.setdefault(source.prefix + tool.unit.name, tool)
                if first is not tool:
                    here, there = tool.unit.plan.position, first.unit.plan.position
                    # `naftiko serve` shows it with both positions; whoever embeds the app finds it here.
                    _log.debug("%s: a second tool `%s`; %s is served", here, tool.name, there)
                else:
                    self._by_identity.setdefault(tool.identity, tool)
        self.is_observed = any(source.capability.engine.observer is not None for source in sources)
        observers = (source.capability.engine.observer for source in sources)
        self.requests = next((each for each in observers if each is not None and sees(each, "request")), None)
        self._mirrored = frozenset(name for name, tool in self._tools.items() if x_mcp_header_map(tool.schema))
        self._mirrored |= {name for name, tool in self._by_real_name.items() if x_mcp_header_map(tool.schema)}
        self._limit = limit
        self._handles = Handles()
        self.streams = any(tool.streams for tool in self._every)
        self._own: dict[str, OwnTool] = {}
        if options.tool_mode == "search":
            self._own |= {own.name: own for own in search_tools(self)}
        if any((tool.may_exceed or tool.is_paged) and tool.is_repeatable for tool in self._tools.values()):
            own = ContinueTool(self, self._handles)
            self._own[own.name] = own
        listed = [] if options.tool_mode == "search" else list(self._tools.values())
        own_listed = [own for own in self._own.values() if own.name != CONTINUE or options.lists_continue]
        shown: Sequence[Tool | OwnTool] = [*listed, *own_listed]
        self._lists: dict[bool, dict[str, Any]] = {
            modern: marked(revisions.complete(tools=[tool.declaration(modern=modern) for tool in shown]))
            for modern in (False, True)
        }

    def __bool__(self) -> bool:
        return bool(self._tools or self._own)

    def __iter__(self) -> Iterator[Tool]:
        return iter(self._tools.values())

    def find(self, name: str) -> Tool | None:
        """Return a tool by its name for clients, or by its real one."""
        return self._tools.get(name) or self._by_real_name.get(name)

    def has(self, name: str) -> bool:
        """Tell whether there is a tool of this name."""
        return name in self._tools or name in self._own or name in self._by_real_name

    def identified(self, identity: str) -> Tool | None:
        """Return a tool by its ``namespace/name``."""
        return self._by_identity.get(identity)

    def unknown(self, name: str) -> str:
        """Return what to say about a name that is no tool's."""
        hint = did_you_mean(name, self._tools)
        return f"Unknown tool: {name}{f' ({hint})' if hint else ''}"

    def has_mirrored_arguments(self, name: str) -> bool:
        """Tell whether a tool wants arguments in headers as well (``x-mcp-header``)."""
        return name in self._mirrored

    def schema_of(self, name: str) -> Mapping[str, Any] | None:
        """Return a tool's input schema, which the SDK asks for before a call."""
        tool = self._own.get(name) or self.find(name)
        return None if tool is None else tool.schema

    async def list(self, context: ServerRequestContext[Any, Any], _params: PaginatedRequestParams) -> dict[str, Any]:
        """Answer tools/list."""
        return self.listed(modern=revisions.is_modern(context.protocol_version))

    def listed(self, *, modern: bool) -> dict[str, Any]:
        """Return the list of the tools, in wire form, its numbers marked: one page, always in the same order."""
        return self._lists[modern]

    async def call(self, context: ServerRequestContext[Any, Any], params: CallToolRequestParams) -> dict[str, Any]:
        """Answer tools/call; whatever fails but the name is a result with ``isError``.

        Raises:
            MCPError: -32602, there is no such tool.
        """
        arguments = as_written(params.arguments or {})
        tool = self.find(params.name) if self.streams else None
        async with reporting(context, params.name, streams=tool is not None and tool.streams):
            calling = self.result(params.name, arguments, context.protocol_version)
            result = await (asked_by(caller_of(context), calling) if self.is_observed else calling)
        if result is None:
            _tell(params.name, arguments, None, perf_counter())
            raise MCPError(INVALID_PARAMS, self.unknown(params.name))
        marked_result: dict[str, Any] = marked(result)
        return marked_result

    def result(
        self, name: str, arguments: Mapping[str, Any], version: str
    ) -> Coroutine[Any, Any, dict[str, Any] | None]:
        """Return the result of a call, in wire form; ``None`` where there is no such tool."""
        tool = None if name in self._own else self.find(name)
        return self._own_result(name, arguments, version) if tool is None else self.run(tool, arguments, version)

    async def _own_result(self, name: str, arguments: Mapping[str, Any], version: str) -> dict[str, Any] | None:
        own = self._own.get(name)
        if own is None:
            return None
        began = perf_counter()
        try:
            result = await own.call(arguments, version)
        except Exception as error:  # noqa: BLE001  # what escapes here is told to the client by the SDK
            result = failed_result(name, report(error, str, unit=f"tool {name}"))
        _tell(name, arguments, result, began)
        return result

    async def run(
        self, tool: Tool, arguments: Mapping[str, Any], version: str, place: Place | None = None
    ) -> dict[str, Any]:
        """Call a tool; return its result, or the rest of it from a place on, in wire form and within its budget."""
        began = perf_counter()
        try:
            with self._limit:
                running = self._run(tool, arguments, version, place)
                unit = tool.unit
                if unit.hooks is None or ROLE.outside is not None:
                    result = await running
                else:
                    with unit.run_of(unit.hooks, asking.get()):
                        result = await running
        except Exception as error:
            if ROLE.outside is not None and lacks_memory(error):
                raise  # it is the job that ends, and the server that tells it
            result = failed_result(tool.unit.name, report(error, tool.redact, unit=f"tool {tool.unit.name}"))
        _tell(tool.name, arguments, result, began)
        return result

    async def _run(self, tool: Tool, arguments: Mapping[str, Any], version: str, place: Place | None) -> dict[str, Any]:
        unit = tool.unit
        at = self._places[id(tool)]
        try:
            # What can't be executed says so, whatever its arguments are.
            checked = {} if unit.plan.action is None else unit.plan.inputs.check(arguments)
        except TakesLong:
            pool = current()
            if pool is None:
                raise
            unit.check_held()
            lane, learn = unit.call or unit.name, unit.learn
            return await pool.run(_run_apart, self, at, arguments, version, place, lane=lane, learn=learn)
        finish = Finish(partial(self.finished, at, arguments, version, place), reads=True)
        if tool.is_paged:
            finish.pages = PagesWanted(budget=tool.budget, start=(place and place.pages) or FIRST_PAGE)
        result: dict[str, Any] = await unit.run_checked(checked, finish=finish)
        return result

    async def run_at(self, at: int, arguments: Mapping[str, Any], version: str, place: Place | None) -> dict[str, Any]:
        """Call a tool, known by its place in the book."""
        return await self._run(self._every[at], arguments, version, place)

    def finished(
        self, at: int, arguments: Mapping[str, Any], version: str, place: Place | None, answer: Answer
    ) -> dict[str, Any]:
        """Return the result that an answer makes, in wire form and within the budget of the tool at a place."""
        tool = self._every[at]
        result = tool_result(answer, tool.unit.plan, tool.shape, version) if place is None else {}
        if tool.budget or place is not None or answer.pages is not None:
            result = fitted(result, answer, Fitting(tool, arguments, version, self._handles, place))
        if tool.is_noted:
            result = noted(result, answer)
        return lightened(result) if len(answer.sent) > SMALL else result

    def __reduce__(self) -> tuple[Any, ...]:
        """In another process it is the book of the same home."""
        return _book_of, (self._home,)


class LimitedToolBook(ToolBook):
    """The same where tools have limits for callers; who has none pays for nothing of it."""

    def __init__(
        self, sources: Sequence[McpSource], options: McpOptions, limit: CallLimit, home: Home | None = None
    ) -> None:
        super().__init__(sources, options, limit, home)
        adapters = {id(unit.plan): source for source in sources for unit in source.adapter.units}
        self._limiters: dict[int, Limiter] = {}
        for tool in self._every:
            source = adapters[id(tool.unit.plan)]
            limiter = limiter_of(source.capability, source.adapter.plan, tool.unit.plan)
            if limiter is not None:
                self._limiters[id(tool)] = limiter

    async def call(self, context: ServerRequestContext[Any, Any], params: CallToolRequestParams) -> dict[str, Any]:
        """See ``ToolBook.call``; in a session each message has a request of its own."""
        arrive(context)
        return await super().call(context, params)

    def limiter_at(self, at: int) -> Limiter | None:
        """Return what limits the tool at a place; ``None``: nothing does."""
        return self._limiters.get(id(self._every[at]))

    def place_of(self, name: str, arguments: Mapping[str, Any]) -> int | None:
        """Return the place of the tool that a call runs, be it by way of one of our own; ``None``: none."""
        own = self._own.get(name)
        tool = None if own is not None else self.find(name)
        if isinstance(own, CallTool):
            called = arguments.get("name")
            tool = self.find(called) if isinstance(called, str) else None
        elif isinstance(own, ContinueTool):
            tool = own.continued(arguments)
        return None if tool is None else self._places[id(tool)]

    async def _run(self, tool: Tool, arguments: Mapping[str, Any], version: str, place: Place | None) -> dict[str, Any]:
        limiter = self._limiters.get(id(tool))
        if limiter is None or ROLE.outside is not None:  # the server has let it in
            return await super()._run(tool, arguments, version, place)
        async with limiter.calling(arrived.get()):
            return await super()._run(tool, arguments, version, place)


def tool_book(
    sources: Sequence[McpSource], options: McpOptions, limit: CallLimit, home: Home | None = None
) -> ToolBook:
    """Return the tools of a server; see ``ToolBook``."""
    has_limits = any(unit.plan.limits is not None for source in sources for unit in source.adapter.units)
    return (LimitedToolBook if has_limits else ToolBook)(sources, options, limit, home)


def _tell(name: str, arguments: Mapping[str, Any], result: Mapping[str, Any] | None, began: float) -> None:
    """Tell the logs how a call went, ``None`` of a tool that isn't there."""
    record = request_now.get()
    is_error = result is None or bool(result.get("isError"))
    if record is not None:
        record.failed = is_error
        if result is not None:
            record.tool = name
    if audits():
        outcome: Outcome = "unknown" if result is None else "error" if is_error else "ok"
        audit(name, arguments, outcome, perf_counter() - began, record)


def _book_of(home: Home) -> ToolBook:
    return home.tools


async def _run_apart(
    book: ToolBook, at: int, arguments: Mapping[str, Any], version: str, place: Place | None
) -> dict[str, Any]:
    """Call a tool in another process of the pool."""
    return await book.run_at(at, arguments, version, place)
