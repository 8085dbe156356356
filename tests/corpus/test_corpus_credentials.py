"""Every authentication that public files declare to an API is sent as it is declared, or not at all and told why.

What is expected is computed straight from the YAML, entry by entry.
"""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from corpus_run import PARTS, capability_files

import naftiko
from naftiko.engine.bodies import Body
from naftiko.engine.request import Draft
from naftiko.engine.settings import Settings
from naftiko.ground.errors import CallError
from public_files import CORPUS

pytestmark = pytest.mark.corpus

VALUE = "a-value-of-the-corpus"
BASIC = base64.b64encode(f"{VALUE}:{VALUE}".encode()).decode()
LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


def declared(path: Path) -> dict[str, Mapping[str, Any]]:
    """The authentication of each namespace that has one and stands once in the file."""
    try:
        document = yaml.load(path.read_text("utf-8"), LOADER)  # texts alone
    except yaml.YAMLError:  # nothing of it is served
        return {}
    root = document if isinstance(document, dict) else {}
    found = root.get("consumes") or (root.get("capability") or {}).get("consumes") or []
    entries = [entry for entry in found if isinstance(entry, dict) and entry.get("namespace")]
    names = Counter(entry["namespace"] for entry in entries)
    return {
        entry["namespace"]: entry["authentication"]
        for entry in entries
        if names[entry["namespace"]] == 1 and isinstance(entry.get("authentication"), dict)
    }


def is_variable(block: Mapping[str, Any], key: str) -> bool:
    """Whether a value is one variable and nothing else, which then has the value of all variables here."""
    text = str(block.get(key, ""))
    return text.startswith("{{") and text.endswith("}}") and text.count("{{") == 1


def expected(block: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Place, name and beginning of what is sent; nothing of a digest, which needs a challenge first."""
    kind = str(block.get("type", "")).lower()
    if kind in {"bearer", "oauth2"}:
        yield "header", "authorization", f"Bearer {VALUE if is_variable(block, 'token') else ''}"
    elif kind == "basic":
        whole = BASIC if is_variable(block, "username") and is_variable(block, "password") else ""
        yield "header", "authorization", f"Basic {whole}"
    elif kind == "awssigv4":
        yield "header", "authorization", f"AWS4-HMAC-SHA256 Credential={VALUE}/"
        yield "header", "x-amz-date", "20"
    elif kind == "apikey":
        for name in block.get("headers", {}):
            yield "header", name.lower(), ""
        name = block.get("key") or block.get("name")
        place = block.get("placement") or block.get("in") or "header"
        if name:
            yield place, name.lower() if place == "header" else name, ""
    else:
        assert kind == "digest", block


def written(draft: Draft, place: str, name: str) -> str | None:
    if place == "header":
        return next((value for own, value in draft.sent_headers() if own.lower() == name), None)
    if place == "query":
        return next((pair.partition("=")[2] for pair in draft.query if pair.partition("=")[0] == name), None)
    assert place == "body"
    return draft.body.data.decode() if draft.body is not None and f'"{name}"'.encode() in draft.body.data else None


@pytest.mark.parametrize("part", range(PARTS))
async def test_every_declared_authentication_is_sent_or_told(part, record_property):
    kinds: Counter[str] = Counter()
    for path in capability_files(CORPUS, part):
        wanted = declared(path)
        if not wanted:
            continue
        needed = {
            name
            for api in naftiko.load(path, settings=Settings(environment={})).plan.apis.values()
            for name in api.variables
        }
        given = dict.fromkeys((*needed, "AWS_REGION"), VALUE)
        capability = naftiko.load(path, settings=Settings(environment={}, variables=given))
        for namespace, block in wanted.items():
            upstream = capability.upstreams.get(namespace)
            if upstream is None:
                continue
            kind = str(block.get("type"))
            assert upstream.plan.authentication is not None, (path, namespace)
            if upstream.plan.blocked:
                kinds[f"{kind}: not executable"] += 1
                assert any(found.rule in REASONS for found in capability.errors), (path, namespace)
                continue
            draft = Draft("POST", "https://upstream.example/things", [])
            draft.body = Body(b"{}", "application/json")
            try:
                await upstream.authorize(draft)
            except CallError as error:
                raise AssertionError(f"{path} {namespace}: {error}") from error
            for place, name, start in expected(block):
                found = written(draft, place, name)
                assert found is not None, (path, namespace, place, name)
                assert found.startswith(start), (path, namespace, place, name)
            kinds[f"{kind}: sent"] += 1
        await capability.aclose()
    record_property("credentials", dict(kinds))
    assert kinds


REASONS = {
    "unknown-authentication",
    "incomplete-authentication",
    "unknown-placement",
    "broken-template",
    "bad-base-uri",
}
