"""Run every exposed unit of real capability files through the REST app and the MCP server.

A recording transport stands where the upstream would be, and answers data of the shape that a unit's outputs speak of.
What it records, and what the caller gets, is compared with what the oracle computes straight from the YAML: which units
there are, that agents are shown tools that the strictest client in use takes (see ``strict_client``), what they ask for, what a call sends with all inputs and with the required ones alone, and that one without
the required ones sends nothing. Nothing leaves the process, so thousands of units take seconds.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import oracle
from corpus_callers import Answer, ShownTool, call_forward, call_route, call_tool, list_tools, shown_tool
from corpus_report import Report, compare, compare_inputs
from oracle import ExpectedUnit, exact, json_text

import naftiko
from naftiko.engine.settings import Settings

sys.path.append(str(Path(__file__).parents[1] / "expose"))
from strict_client import complaints  # where the tests of MCP are

BASE = "https://upstream.example/base"
MADE_BY_CLIENTS = frozenset({"accept", "accept-encoding", "connection", "content-length", "host", "user-agent"})
"""Headers that a caller can't leave out, since the HTTP client sends them."""


class Recorder:
    """A transport that answers everything and keeps the requests."""

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []
        self.document: Any = {"ok": True}

    def transport(self, namespace: str) -> httpx.MockTransport:
        """Return a transport for an API."""
        del namespace
        return httpx.MockTransport(self.answer)

    def answer(self, request: httpx.Request) -> httpx.Response:
        """Keep the request, answer with the document."""
        self.requests.append(request)
        content = json_text(self.document).encode()
        return httpx.Response(200, content=content, headers={"content-type": "application/json"})


PARTS = 8
"""Parts that the corpus is checked in, so that several processes can share the work."""


def capability_files(corpus: Path, part: int | None = None) -> list[Path]:
    """Return the YAML files of the corpus, or every eighth of them."""
    files = sorted(path for path in corpus.rglob("*") if path.suffix in {".yaml", ".yml"})
    return files if part is None else files[part::PARTS]


def pair_up(
    capability: naftiko.Capability, expected: list[ExpectedUnit], file: str, report: Report
) -> Iterator[tuple[Any, ExpectedUnit]]:
    """Pair units with expectations: both list a file's units in its order, within each kind; none may be left over."""
    mine: dict[tuple[Any, ...], list[Any]] = {}
    for unit in capability.units:
        mine.setdefault(_identity(unit.adapter, unit.method, unit.path, unit.name), []).append(unit)
    for each in expected:
        identity = _identity(each.adapter, each.method, each.path, each.name)
        queue = mine.get(identity)
        if queue:
            yield queue.pop(0), each
        elif not each.shadowed:
            report.differ(f"{file} {each.adapter} {each.name}", "unit", "not listed", identity)
    for identity, queue in mine.items():
        if queue:
            report.differ(file, "unit", f"{len(queue)} listed: {identity}", "none")


def _identity(adapter: str, method: str | None, path: str | None, name: str | None) -> tuple[Any, ...]:
    return ("rest", method, path) if adapter == "rest" else ("mcp", name)


@dataclass
class Site:
    """A file that is served, as its callers see it.

    Attributes:
        rest: a client of its routes.
        mcp: one of its tools; ``None`` where the file has none.
        tools: what ``tools/list`` shows.
        recorder: stands where its upstreams would be.
    """

    rest: httpx.AsyncClient
    mcp: httpx.AsyncClient | None
    tools: list[dict[str, Any]]
    recorder: Recorder


async def run_file(path: Path, report: Report) -> None:
    """Run all units of a file over REST and MCP."""
    expected = oracle.units(path)
    logins = oracle.logins(path) if expected else {}
    needed = {name for unit in expected for pair in oracle.needed_variables(unit).items() for name in pair}
    needed |= {name for _, value in logins.values() for name in oracle.names_in(value)}
    variables = {name: f"value-of-{name}" for name in needed}
    headers = {kind: {name: oracle.filled(value, variables)} for kind, (name, value) in logins.items()}
    recorder = Recorder()
    settings = Settings(variables=variables, environment={}, base_uris={"*": BASE}, transport=recorder.transport)
    capability = naftiko.load(path, settings=settings)
    report.counts["files"] += 1
    async with AsyncExitStack() as stack:
        rest = await stack.enter_async_context(_client(naftiko.rest_app(capability), headers.get("rest", {})))
        mcp, tools = None, []
        if any(each.adapter == "mcp" for each in expected):
            mcp = await stack.enter_async_context(_client(naftiko.mcp_app(capability), headers.get("mcp", {})))
        await stack.enter_async_context(capability)
        if mcp is not None:
            tools = await list_tools(mcp)
            report.counts["tools"] += len(tools)
            for complaint in complaints(tools):  # it would end the session of a client
                report.differ(path.name, "tools/list", complaint, "what the strictest client takes")
        site = Site(rest, mcp, tools, recorder)
        for unit, each in pair_up(capability, expected, path.name, report):
            run = UnitRun(path, unit, each, site, variables, report)
            await run.run()


def _client(app: Any, headers: Mapping[str, str]) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost", headers=headers)


class UnitRun:
    """One unit: what the product says of it, what the oracle expects of it, and where the two differ."""

    def __init__(
        self,
        path: Path,
        unit: Any,
        each: ExpectedUnit,
        site: Site,
        variables: Mapping[str, str],
        report: Report,
    ) -> None:
        self.path = path
        self.unit = unit
        self.each = each
        self.site = site
        self.variables = variables
        self.report = report
        self.where = f"{path.name} {each.adapter} {each.name or each.path}"
        self.tool: ShownTool | None = None

    async def run(self) -> None:
        """Compare everything."""
        each, counts = self.each, self.report.counts
        counts["units"] += 1
        if self.unit.executable != each.executable:
            self._differ("executable", self.unit.reason or "yes", each.reason or "yes")
        if not each.executable:
            counts["not executable"] += 1
            if not self.unit.reason:
                self._differ("reason", "none", each.reason)
            return
        counts["executable"] += 1
        if each.kind == "websocket":  # `test_websocket_file` calls it: no HTTP transport has what it sends
            counts["websocket"] += 1
            return
        if each.kind != "forward":
            compare_inputs(self.unit, each, self.where, self.report)
        if each.adapter == "mcp" and not self._is_shown():
            return
        if each.shadowed:
            counts["shadowed"] += 1
        else:
            await self._work()

    async def _work(self) -> None:
        """Call it as what it is."""
        if self.each.kind == "forward":
            await self._forward()
        elif self.each.mock is not None:
            await self._mock()
        elif self.each.opening is not None:
            await self._steps()
        elif self.each.plan is not None:
            await self._calls()
        else:
            self.report.counts["not called"] += 1

    def _differ(self, what: str, got: object, expected: object) -> None:
        self.report.differ(self.where, what, got, expected)

    def _is_shown(self) -> bool:
        """Find the tool in the list that agents get, and compare what it asks for there."""
        aliases = {given.name: given.alias for given in self.unit.inputs}
        self.tool = shown_tool(self.each, self.unit.alias, aliases, self.site.tools)
        if self.tool is None:
            self._differ("tool", "not listed", self.each.name)
            return False
        wanted = {self.tool.names[one.name] for one in self.each.inputs}
        required = {self.tool.names[one.name] for one in self.each.inputs if one.required}
        got = set(self.tool.schema["properties"]), set(self.tool.schema.get("required", ()))
        if got != (wanted, required) or len(wanted) < len(self.each.inputs) or not self.tool.is_safe:
            self._differ("schema", got, (wanted, required))
        for one in self.each.inputs:
            shown = self.tool.schema["properties"].get(self.tool.names[one.name], {}).get("type")
            if not one.any_json and one.type not in ([shown] if isinstance(shown, str) else shown or ()):
                self._differ(f"schema of {one.name}", shown, one.type)
        return True

    async def _call(self, inputs: Mapping[str, Any]) -> Answer:
        self.site.recorder.requests.clear()
        if self.each.adapter == "rest":
            return await call_route(self.each, inputs, self.site.rest)
        assert self.tool is not None
        assert self.site.mcp is not None
        return await call_tool(self.tool, inputs, self.site.mcp)

    async def _calls(self) -> None:
        """Call with all inputs, with the required ones alone, and without those."""
        inputs = oracle.make_inputs(self.each)
        asked = {one.name: one.required for one in self.each.inputs}
        required = {name: value for name, value in inputs.items() if asked.get(name, name != "body")}
        try:
            wanted = self._expected(inputs)
        except oracle.Unsendable:
            self.report.counts["no expectation"] += 1
            return
        answering = self._answering()
        self.site.recorder.document = answering.document if answering else {"ok": True}
        self.report.counts["match"] += await self._sends(wanted, inputs, answering)
        if len(required) < len(inputs):
            self.report.counts["match without optional"] += await self._sends(
                self._expected(required), required, answering
            )
        await self._refuses(required)

    def _expected(self, inputs: Mapping[str, Any]) -> oracle.ExpectedRequest:
        return oracle.expected_request(self.path, self.each, inputs, base_uri_override=BASE, variables=self.variables)

    def _answering(self) -> oracle.Expected | None:
        """Return the upstream's document and the unit's answer to it, where the oracle knows them."""
        assert self.each.plan is not None
        operation = self.each.plan.operation
        if operation.answers.lower() != "json" or "HEAD" in (operation.method, self.each.method):
            return None
        try:
            return oracle.expected_answer(self.each.plan.outputs)
        except oracle.Unjudged:
            return None

    async def _sends(
        self, wanted: oracle.ExpectedRequest, inputs: Mapping[str, Any], answering: oracle.Expected | None
    ) -> bool:
        """Call; compare what was sent, and the answer."""
        answer = await self._call(inputs)
        if len(self.site.recorder.requests) != 1:
            self._differ(f"{len(self.site.recorder.requests)} requests", answer, wanted.url)
            return False
        assert self.each.plan is not None
        if answer.status != 200 and self.each.plan.operation.answers.lower() == "json":  # what the stand-in speaks
            self._differ("status", answer, 200)
        if answering is not None:
            self.report.counts["answers judged"] += 1
            if answer.value != exact(answering.answer):
                self._differ("answer", answer.value, answering.answer)
            if (
                self.each.adapter == "mcp"
                and isinstance(answering.answer, dict)
                and answer.structured != exact(answering.answer)
            ):
                self._differ("structured answer", answer.structured, answering.answer)
        return compare(self.site.recorder.requests[0], wanted, self.where, self.report)

    async def _refuses(self, required: Mapping[str, Any]) -> None:
        """Without its required inputs a call is refused, each is named, and nothing is sent."""
        left_out = {one.name for one in self.each.inputs if one.required and one.location != "path"} - {
            one.name for one in self.each.inputs if one.location == "header" and one.name.lower() in MADE_BY_CLIENTS
        }
        if not left_out:
            return
        self.report.counts["refused without required"] += 1
        answer = await self._call({name: value for name, value in required.items() if name not in left_out})
        if self.site.recorder.requests or answer.status != 400:
            self._differ("refusal", answer, 400)
        names = {name: name for name in left_out} if self.tool is None else self.tool.names
        unnamed = [name for name in left_out if names[name] not in answer.text]
        if unnamed:
            self._differ("refusal", answer, unnamed)

    async def _mock(self) -> None:
        """A mock answers by itself."""
        inputs = oracle.make_inputs(self.each)
        try:
            wanted = oracle.expected_mock(self.each, inputs)
        except oracle.Unjudged:
            self.report.counts["mock not judged"] += 1
            return
        answer = await self._call(inputs)
        self.report.counts["mock"] += 1
        if (answer.status, answer.value) != (200, wanted) or self.site.recorder.requests:
            self._differ("mock", answer, wanted)

    async def _forward(self) -> None:
        """What is passed on keeps its method, the rest of its path, its query and its body."""
        path, query, content = "a%20b/c", "x=1&x=2&y", b'{"passed on": 1.10}'
        self.site.recorder.requests.clear()
        sent = await call_forward(self.each, f"{path}?{query}", content, self.site.rest)
        self.report.counts["forward"] += 1
        rest = f"{BASE}/{path}" if sent else BASE
        got = [(one.method, str(one.url), one.content) for one in self.site.recorder.requests]
        if got != [("PATCH", f"{rest}?{query}", content)]:
            self._differ("forward", got, rest)
        elif self.each.forwards.get("type") == "bearer":
            wanted = f"Bearer {oracle.filled(self.each.forwards['token'], self.variables)}"
            authorization = self.site.recorder.requests[0].headers.get("authorization")
            if authorization != wanted:
                self._differ("forward's credential", authorization, wanted)

    async def _steps(self) -> None:
        """An orchestration sends what its first step says, whatever follows."""
        inputs = oracle.make_inputs(self.each)
        wanted = oracle.expected_opening(self.path, self.each, inputs, base_uri_override=BASE, variables=self.variables)
        self.site.recorder.document = {"ok": True}
        answer = await self._call(inputs)
        self.report.counts["steps"] += 1
        tries = [Report() for _ in self.site.recorder.requests]
        if not any(
            compare(sent, wanted, self.where, each)
            for sent, each in zip(self.site.recorder.requests, tries, strict=True)
        ):
            found = next((each.differences for each in tries), answer)
            self._differ("first step", found, wanted.url)
