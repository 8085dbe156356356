"""Five capabilities against their own ``/openapi.json``: schemathesis finds no answer that the document does not say.

Each is served on a real socket in front of a stand-in of what it consumes. Every operation gets its boundary values
and at most 25 generated requests, half of them against the document, always the same ones.
"""

from __future__ import annotations

import asyncio
import copy
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from examples.koyeb import stand_in_koyeb
from jsonschema import Draft202012Validator
from mcp_wire import serving
from starlette.responses import JSONResponse, Response

import naftiko
from naftiko.engine.settings import Settings
from naftiko.expose.rest import rest_app
from naftiko.testing import RecordedRequest, StandInUpstream

schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed (pip install schemathesis)")

FILES = Path(__file__).parent.parent / "fixtures"
FIRST = FILES.parent.parent / "capabilities" / "koyeb-instances.yaml"
TUTORIAL = FILES / "tutorial" / "step-10-rest-adapter.yaml"
KEY = "the-key-of-the-ledger"
LIMIT = 60.0


def shipyard() -> StandInUpstream:
    """The tutorial's two APIs, as far as shapes go: a ship, its crew, a voyage, and the dockyard's XML."""
    upstream = StandInUpstream()
    ship = {"imo_number": "IMO-1", "vessel_name": "Star", "dimensions": {"length_overall": 9}, "assignedCrew": ["C-1"]}
    upstream.on("GET", "/ships", [ship])
    upstream.on("GET", "/ships/{imo}", ship)
    upstream.on("GET", "/crew", [{"crewId": "C-1", "fullName": "Ada", "role": "captain"}])
    upstream.on("POST", "/voyages", lambda request: JSONResponse({**request.json(), "voyageId": "V-1"}, 201))
    upstream.on("GET", "/vessels", Response("<vessels><vessel><vesselCode>V</vesselCode></vessel></vessels>"))
    return upstream


def print_shop() -> StandInUpstream:
    upstream = StandInUpstream()
    upstream.on("POST", "/orders", _fields)
    upstream.on("POST", "/prints", lambda request: {"size": len(request.body)})
    return upstream


def _fields(request: RecordedRequest) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(request.body.decode(), strict_parsing=False).items()}


def staff() -> StandInUpstream:
    upstream = StandInUpstream()
    upstream.on("GET", "/teams/{id}", lambda request: {"name": f"Team {request.path_params['id']}", "members": [1, 3]})
    upstream.on("GET", "/people", [{"id": 1, "name": "Ada", "role": "lead"}, {"id": 2, "name": "Bo", "role": "member"}])
    upstream.on("POST", "/people", lambda request: JSONResponse({"id": 7, **request.json()}, 201))
    return upstream


def bank() -> StandInUpstream:
    upstream = StandInUpstream()
    upstream.on("GET", "/accounts", {"accounts": [{"iban": "SE1", "balance": 1.5}, {"iban": "SE2"}]})
    upstream.on("GET", "/accounts/{iban}", lambda request: {"iban": request.path_params["iban"]})
    upstream.on("DELETE", "/accounts/{iban}", Response(status_code=204))
    return upstream


@dataclass(frozen=True)
class Case:
    """A capability, what it consumes, and how it is called.

    Attributes:
        seen: statuses that must be among the answers: the run reached what it is about.
    """

    file: Path
    upstream: Callable[[], StandInUpstream]
    seen: set[int]
    variables: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


CASES = {
    "koyeb": Case(FIRST, stand_in_koyeb, {200, 404, 405}, {"KOYEB_API_KEY": "koyeb-token"}),
    "tutorial": Case(TUTORIAL, shipyard, {200, 201, 400, 405}),
    "forms": Case(FILES / "schemathesis" / "forms.yaml", print_shop, {200, 400, 405}),
    "orchestrated": Case(FILES / "schemathesis" / "orchestrated.yaml", staff, {200, 201, 400, 405}),
    "authenticated": Case(
        FILES / "schemathesis" / "authenticated.yaml",
        bank,
        {200, 204, 400, 401, 405},
        {"BANK_PASSWORD": "p", "LEDGER_KEY": KEY},
        {"X-Ledger-Key": KEY},
    ),
}


@pytest.mark.parametrize("name", CASES)
async def test_answers_are_as_the_document_says(name):
    """No 500, the statuses, types and shapes of the document, and nothing accepted that it forbids."""
    case = CASES[name]
    with case.upstream() as upstream:
        settings = Settings(base_uris={"*": upstream.url}, environment={}, variables=case.variables)
        capability = naftiko.load(case.file, settings=settings)
        assert not capability.errors, [str(found) for found in capability.errors]
        async with serving(rest_app(capability)) as url:
            run = await asyncio.wait_for(asyncio.to_thread(Run, url, case.headers), LIMIT)
    assert not run.broken, run.broken
    assert not run.failures, "\n\n".join(run.failures)
    assert case.seen <= set(run.statuses), run.statuses
    assert 500 not in run.statuses
    assert run.statuses.total() >= 40  # how many it makes differs a little by release


class Run:
    """A whole run of schemathesis.

    Attributes:
        statuses: how often each status came.
        failures: what is not as the document says.
        broken: what kept schemathesis from its work.
    """

    def __init__(self, url: str, headers: Mapping[str, str]) -> None:
        from schemathesis.engine import events, from_schema

        self.statuses: Counter[int] = Counter()
        self.failures: list[str] = []
        self.broken: list[str] = []
        schema = schemathesis.openapi.from_url(
            f"{url}/openapi.json", config=_config(headers), headers=dict(headers), timeout=LIMIT
        )
        self._document = schema.raw_schema
        for event in from_schema(schema).execute():
            if isinstance(event, events.NonFatalError):
                self.broken.append(f"{event.label}: {event.value!r}")
            elif isinstance(event, events.FatalError):
                self.broken.append(repr(event.exception))
            elif isinstance(event, events.ScenarioFinished):
                self.failures += self._judged(event)

    def _judged(self, event: Any) -> Iterator[str]:
        recorder = event.recorder
        for interaction in recorder.interactions.values():
            if interaction.response is not None:
                self.statuses[interaction.response.status_code] += 1
        for identity, checks in recorder.checks.items():
            case, interaction = recorder.cases[identity].value, recorder.interactions[identity]
            for check in checks:
                found = check.failure_info
                if found is not None and not self._is_meant(check.name, case, interaction.response):
                    answer = f"{interaction.response.status_code} {interaction.response.content[:300]!r}"
                    yield f"{event.label}: {found.failure.title}: {found.failure.message}\n{found.code_sample}\n{answer}"

    def _is_meant(self, check: str, case: Any, response: Any) -> bool:
        """Tell what is no fault: the upstream's own refusal, and input that is understood although it is not exact."""
        if check == "positive_data_acceptance":
            return response.headers["content-type"] != ["application/problem+json"]
        if check == "negative_data_rejection" and case.media_type:
            # A form has texts only: what is left of a list or an object in one is a text, or nothing. A body that is no
            # object is its field's value (SEMANTICS 3.5).
            is_fields = case.media_type == "application/json" and isinstance(case.body, dict)
            return not is_fields or self._is_repaired(case)
        return False

    def _is_repaired(self, case: Any) -> bool:
        """Tell whether a body fits but for numbers and booleans where a text is expected (SEMANTICS 3.6)."""
        operation = self._document["paths"][case.path][case.method.lower()]
        schema = copy.deepcopy(operation["requestBody"]["content"]["application/json"]["schema"])
        for inner in schema.get("properties", {}).values():
            kinds = [inner["type"]] if isinstance(inner.get("type"), str) else inner.get("type", [])
            inner["type"] = [*kinds, "number", "boolean"] if "string" in kinds else kinds
        return Draft202012Validator(schema).is_valid(case.body)


def _config(headers: Mapping[str, str]) -> Any:
    from schemathesis.config import SchemathesisConfig

    return SchemathesisConfig.from_dict(
        {
            "seed": 1,
            "headers": dict(headers),
            "request-timeout": 10,
            "generation": {"max-examples": 25, "deterministic": True, "database": "none", "no-shrink": True},
            "phases": {"stateful": {"enabled": False}},  # the document has no links
        }
    )
