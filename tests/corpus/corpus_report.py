"""What a run over capability files found, and how requests and inputs are compared with what the oracle expects."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import httpx
from oracle import ExpectedRequest, ExpectedUnit, Json, canonical_url, read_json


@dataclass
class Report:
    """What a run found.

    Attributes:
        counts: how many units did what.
        differences: a line for each unit that did something else than expected.
    """

    counts: Counter[str] = field(default_factory=Counter)
    differences: list[str] = field(default_factory=list)

    def differ(self, where: str, what: str, got: object, expected: object) -> None:
        """Note a difference."""
        self.differences.append(f"{where}: {what}\n    got      {str(got)[:300]}\n    expected {str(expected)[:300]}")


def compare_inputs(unit: Any, each: ExpectedUnit, where: str, report: Report) -> None:
    """Compare what a unit asks of its callers: names, places, types, required flags and descriptions."""
    wanted = {
        one.name: (one.location, None if one.any_json else one.type, bool(one.required), one.description)
        for one in each.inputs
    }
    open_types = {one.name for one in each.inputs if one.any_json}
    described = {one.name for one in each.inputs if one.description is not None}
    got = {
        given.name: (
            given.location,
            None if given.name in open_types else given.type or "string",
            given.required,
            given.description if given.name in described else None,
        )
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
