"""Run every exposed unit of real capability files through the REST app and the MCP server.

A recording transport stands where the upstream would be; what it records is compared with what the oracle computes
straight from the YAML. Nothing leaves the process, so thousands of units take seconds.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import oracle
from oracle import Digits, ExpectedRequest, ExpectedUnit, Json, canonical_url, exact, json_text, read_json

import naftiko
from naftiko.engine.settings import Settings
from naftiko.expose.rest.reading import placeholders_in_order
from naftiko.plan.scope import Scope

BASE = "https://upstream.example/base"
MCP_HEADERS = {
    "content-type": "application/json",
    "accept": "application/json, text/event-stream",
    "mcp-protocol-version": "2025-06-18",
}


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


@dataclass
class Report:
    """What a run found.

    Attributes:
        counts: how many units did what.
        differences: a line for each unit that sent something else than expected.
    """

    counts: Counter[str] = field(default_factory=Counter)
    differences: list[str] = field(default_factory=list)

    def differ(self, where: str, what: str, got: object, expected: object) -> None:
        """Note a difference."""
        self.differences.append(f"{where}: {what}\n    sent     {str(got)[:300]}\n    expected {str(expected)[:300]}")


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


async def run_file(path: Path, report: Report) -> None:
    """Run all units of a file over REST and MCP."""
    expected = oracle.units(path)
    recorder = Recorder()
    needed = {name for unit in expected for pair in oracle.needed_variables(unit).items() for name in pair}
    needed |= {name for adapter in naftiko.load(path).adapters for name in adapter.plan.variables}
    variables = {name: f"value-of-{name}" for name in needed}
    settings = Settings(variables=variables, environment={}, base_uris={"*": BASE}, transport=recorder.transport)
    capability = naftiko.load(path, settings=settings)
    report.counts["files"] += 1
    rest = httpx.AsyncClient(
        transport=httpx.ASGITransport(naftiko.rest_app(capability)),
        base_url="http://localhost",
        headers=_login(capability, "rest"),
    )
    mcp = None
    if any(unit.adapter == "mcp" and unit.executable for unit in capability.units):
        app = naftiko.mcp_app(capability)
        mcp = httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://localhost", headers=_login(capability, "mcp")
        )
    async with capability:
        for unit, each in pair_up(capability, expected, path.name, report):
            await _run_unit(unit, each, Call(rest, mcp, recorder, variables, path), report)
    await rest.aclose()
    if mcp is not None:
        await mcp.aclose()


def _login(capability: naftiko.Capability, kind: str) -> dict[str, str]:
    """Return the header that an adapter of the corpus asks its callers for: a bearer token or an API key."""
    for adapter in capability.adapters:
        asked = adapter.plan.model.authentication
        if adapter.kind == kind and asked is not None:
            told = {key: str(value(Scope({}, capability.variables))) for key, value in adapter.plan.secrets.items()}
            return {"Authorization": f"Bearer {told['token']}"} if "token" in told else {told["key"]: told["value"]}
    return {}


@dataclass
class Call:
    """What a unit is called with."""

    rest: httpx.AsyncClient
    mcp: httpx.AsyncClient | None
    recorder: Recorder
    variables: Mapping[str, str]
    path: Path


async def _run_unit(unit: Any, each: ExpectedUnit, call: Call, report: Report) -> None:
    where = f"{call.path.name} {unit.adapter} {unit.name}"
    report.counts["units"] += 1
    if each.executable:
        report.counts["resolve"] += 1
    if not unit.executable:
        report.counts["not executable"] += 1
        assert unit.reason, f"{where} says no reason"
        return
    report.counts["executable"] += 1
    if each.executable and each.kind != "forward":
        compare_inputs(unit, each, where, report)
    if each.kind != "call" or each.shadowed:
        report.counts[each.kind if not each.shadowed else "shadowed"] += 1
        return
    inputs = oracle.make_inputs(each)
    try:
        oracle.expected_request(call.path, each, inputs, base_uri_override=BASE, variables=call.variables)
    except (oracle.MissingVariable, oracle.Unsendable):
        report.counts["no expectation"] += 1
        return
    await _call_unit(unit, each, call, inputs, report)


async def _call_unit(unit: Any, each: ExpectedUnit, call: Call, inputs: Mapping[str, Any], report: Report) -> None:
    """Call a unit; compare what was sent, and the answer."""
    where = f"{call.path.name} {unit.adapter} {unit.name}"
    wanted = oracle.expected_request(call.path, each, inputs, base_uri_override=BASE, variables=call.variables)
    call.recorder.requests.clear()
    answering = _answering(each)
    call.recorder.document = answering.document if answering else {"ok": True}
    if unit.adapter == "rest":
        answer = await _call_rest(unit, each, inputs, call.rest)
    else:
        answer = await _call_mcp(unit, inputs, call.mcp)
    if len(call.recorder.requests) != 1:
        report.differ(where, "no request", answer, wanted.url)
        return
    if answering is not None:
        report.counts["answers judged"] += 1
        got = _answered(answer, is_tool=unit.adapter == "mcp")
        if got != exact(answering.answer):
            report.differ(where, "answer", got, answering.answer)
    if compare(call.recorder.requests[0], wanted, where, report):
        report.counts["match"] += 1


def _answering(each: ExpectedUnit) -> oracle.Expected | None:
    """Return the upstream's document and the unit's answer to it, where the oracle knows them."""
    assert each.plan is not None
    if each.plan.operation.answers.lower() != "json" or each.plan.operation.method == "HEAD" or each.method == "HEAD":
        return None
    try:
        return oracle.expected_answer(each.plan.outputs)
    except oracle.Unjudged:
        return None


def _answered(answer: str, *, is_tool: bool) -> Any:
    """Return the JSON value that a caller got: the body of a REST answer, the text of a tool's."""
    try:
        if is_tool:
            return read_json(json.loads(answer)["result"]["content"][0]["text"])
        return read_json(answer.partition(" ")[2])
    except (ValueError, LookupError, TypeError):
        return answer


async def _call_rest(unit: Any, each: ExpectedUnit, inputs: Mapping[str, Any], client: httpx.AsyncClient) -> str:
    """Call a route as an HTTP client would: every input where it belongs."""
    by_name = {given.name: given for given in unit.inputs}
    placed = [(by_name[name], name, value) for name, value in inputs.items() if name in by_name]
    query = [
        f"{quote(name, safe='')}={quote(_text(element), safe='')}"
        for given, name, value in placed
        if given.location == "query"
        for element in (value if isinstance(value, list) else [value])
    ]
    headers = {name: _header_text(value) for given, name, value in placed if given.location == "header"}
    cookies = [f"{name}={quote(_text(value), safe='')}" for given, name, value in placed if given.location == "cookie"]
    if cookies:
        headers["Cookie"] = "; ".join(cookies)
    body: Any = None
    for given, _, value in placed:
        if given.location == "body":
            body = _place_in_body(given, value, body, each)
    if body is None and unit.plan.passes_body and "body" in inputs:
        body = inputs["body"]
    content = None if body is None else json_text(body).encode()
    if content is not None:
        headers.setdefault("Content-Type", "application/json")
    path = _filled(unit, inputs)
    url = f"{path}?{'&'.join(query)}" if query else path
    response = await client.request(unit.method, url, headers=headers, content=content)
    return f"{response.status_code} {response.text}"


def _filled(unit: Any, inputs: Mapping[str, Any]) -> str:
    path: str = unit.path
    for name in placeholders_in_order(unit.path):
        owner = next((given for given in unit.inputs if given.location == "path" and given.wire_name == name), None)
        value = inputs.get(owner.name if owner else name, inputs.get(name, "x"))
        for form in (f"{{{{{name}}}}}", f"{{{name}}}", f"{{+{name}}}", f"{{{name}+}}"):
            path = path.replace(form, quote(_text(value), safe=""))
    return path


def _header_text(value: Any) -> str:
    return ",".join(map(_text, value)) if isinstance(value, list) else _text(value)


def _place_in_body(given: Any, value: Any, body: Any, each: ExpectedUnit) -> Any:
    source = next((one.source for one in each.inputs if one.name == given.name), None)
    if given.whole_body:
        return value
    if source:
        return _at_path(body if isinstance(body, dict) else {}, source, value)
    return {**(body if isinstance(body, dict) else {}), given.name: value}


def _at_path(body: dict[str, Any], source: str, value: Any) -> dict[str, Any]:
    """Put a value where a simple JSONPath (``$.a.b``) finds it."""
    inside = body
    *above, last = source.removeprefix("$.").split(".")
    for name in above:
        inside = inside.setdefault(name, {})
    inside[last] = value
    return body


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.text if isinstance(value, Digits) else json_text(value)


async def _call_mcp(unit: Any, inputs: Mapping[str, Any], client: httpx.AsyncClient | None) -> str:
    """Call a tool as an MCP client would, under the property names that it was shown."""
    assert client is not None
    by_name = {given.name: given.alias for given in unit.inputs}
    arguments = {by_name[name]: value for name, value in inputs.items() if name in by_name}
    message = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": unit.alias, "arguments": arguments},
    }
    response = await client.post("/mcp", content=json_text(message).encode(), headers=MCP_HEADERS)
    return response.text


def compare_inputs(unit: Any, each: ExpectedUnit, where: str, report: Report) -> None:
    """Compare what a unit asks of its callers: names, places, types and required flags."""
    wanted = {one.name: (one.location, None if one.any_json else one.type, bool(one.required)) for one in each.inputs}
    open_types = {one.name for one in each.inputs if one.any_json}
    got = {
        given.name: (given.location, None if given.name in open_types else given.type or "string", given.required)
        for given in unit.inputs
    }
    if got != wanted:
        names = [name for name in {**wanted, **got} if got.get(name) != wanted.get(name)]
        sides = [{name: side.get(name) for name in names} for side in (got, wanted)]
        report.differ(where, "inputs", *sides)


def compare(sent: httpx.Request, wanted: ExpectedRequest, where: str, report: Report) -> bool:
    """Compare a request with its expectation; tell every difference."""
    before = len(report.differences)
    if sent.method != wanted.method:
        report.differ(where, "method", sent.method, wanted.method)
    if canonical_url(str(sent.url)) != canonical_url(wanted.url):
        report.differ(where, "url", sent.url, wanted.url)
    headers: dict[str, list[str]] = {}
    for name, value in sent.headers.multi_items():
        headers.setdefault(name.lower(), []).append(value)
    for name, value in wanted.headers:
        if value not in headers.get(name.lower(), []):
            report.differ(where, f"header {name}", headers.get(name.lower()), value)
    for name in wanted.absent_headers:
        if name.lower() in headers:
            report.differ(where, f"header {name}", headers[name.lower()], "absent")
    _compare_body(sent, wanted, where, report)
    return len(report.differences) == before


def _compare_body(sent: httpx.Request, wanted: ExpectedRequest, where: str, report: Report) -> None:
    if isinstance(wanted.body, Json):
        try:
            got = read_json(sent.content)
        except ValueError:
            got = sent.content
        if got != wanted.body.value:
            report.differ(where, "body", sent.content, wanted.body.value)
    elif sent.content != (wanted.body or b""):
        report.differ(where, "body", sent.content, wanted.body)
    if wanted.body is not None and wanted.media_type is not None:
        kind = sent.headers.get("content-type", "").partition(";")[0]
        if kind != wanted.media_type.partition(";")[0]:
            report.differ(where, "media type", kind, wanted.media_type)
