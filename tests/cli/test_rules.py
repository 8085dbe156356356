"""Every rule: registered, reported somewhere, documented, and its examples do what they say."""

from __future__ import annotations

import ast
import difflib
import re
from collections import defaultdict
from pathlib import Path

import pytest

import naftiko
from naftiko.cli.explain import all_rules_markdown
from naftiko.document.rules import CHAPTERS, RULES
from naftiko.engine.capability import Capability, load
from naftiko.ground.types import Diagnostic, Severity

ROOT = Path(__file__).parents[2]
SOURCE = Path(naftiko.__file__).parent
REPORTING = {"error", "warning", "hint"}

BASE = {
    "naftiko": "naftiko: 1.0.0-alpha2\n",
    "info": "info:\n  label: Shop\n  description: Products.\n  tags: [shop]\n",
    "binds": "binds:\n- namespace: env\n  keys: {SHOP_TOKEN: SHOP_TOKEN}\n",
    "consumes": """consumes:
- type: http
  namespace: shop
  baseUri: https://api.shop.example
  description: The shop.
  authentication: {type: bearer, token: "{{SHOP_TOKEN}}"}
  resources:
  - path: /products/{id}
    operations:
    - {name: get-product, method: GET}
""",
    "exposes": """exposes:
- type: mcp
  namespace: shop-mcp
  description: The shop.
  tools:
  - {name: get-product, description: A product., call: shop.get-product}
""",
}
"""A good capability; a rule's example replaces the sections that it has."""

MADE = {
    "yaml-encoding": (
        b"naftiko: 1.0.0-alpha2\ninfo:\n  label: Caf\xe9\n",
        b"naftiko: 1.0.0-alpha2\ninfo:\n  label: Cafe\n",
    ),
}
"""Examples that a page can't show as they are: other bytes, or hundreds of tools."""


def sections(text: str) -> dict[str, str]:
    """Split YAML into its top-level sections."""
    parts = re.split(r"(?m)^(?=[a-z]\w*:)", text)
    return {part.partition(":")[0]: part for part in parts if part.strip()}


def with_tools(count: int, description: str = "A product.") -> bytes:
    tools = "".join(
        f"  - {{name: tool-{at}, description: {description}, call: shop.get-product}}\n" for at in range(count)
    )
    head = BASE["exposes"].partition("  - ")[0]
    return "".join({**BASE, "exposes": head + tools}.values()).encode()


def example(fragment: str) -> bytes:
    found = sections(fragment)
    base = dict(BASE)
    if "consumes" in found and "get-product" not in fragment:
        del base["exposes"]  # the example is about another operation than the one that is exposed
    root = {} if {"nafitko", "naftiko"} & found.keys() else {"naftiko": BASE["naftiko"]}
    rest = {key: text for key, text in base.items() if key != "naftiko"}
    return "".join({**root, **rest, **found}.values()).encode()


def pair(rule: str) -> tuple[bytes, bytes]:
    made = {
        **MADE,
        "many-tools": (with_tools(41), with_tools(40)),
        "tool-description-length": (with_tools(1, "w" * 1025), with_tools(1, "w" * 1024)),
        "too-many-tools": (with_tools(129), with_tools(128)),
        "tool-list-tokens": (with_tools(100, "word " * 200), with_tools(30)),
    }
    return made.get(rule) or (example(RULES[rule].bad), example(RULES[rule].good))


def loaded(content: bytes, directory: Path) -> Capability:
    (directory / "shared.yaml").write_text(BASE["consumes"])
    path = directory / "capability.yaml"
    path.write_bytes(content)
    return load(path)


def found_in(capability: Capability) -> tuple[Diagnostic, ...]:
    return (*capability.diagnostics, *(capability.lint() if capability.usable else ()))


def rules_of(capability: Capability) -> set[str]:
    return {diagnostic.rule for diagnostic in found_in(capability)}


EXAMPLES = [
    rule
    for rule in RULES
    if rule not in {"unreadable-file", "unavailable-format", "unavailable-script", "script-syntax", "script-file"}
]
"""A file that can't be read is no text (``test_validate`` has one), and a library is there or not (``test_lint_files``)."""


@pytest.mark.parametrize("rule", EXAMPLES)
def test_the_bad_example_breaks_the_rule_and_the_good_one_does_not(rule, tmp_path):
    bad, good = pair(rule)
    assert rule in rules_of(loaded(bad, tmp_path))
    assert rule not in rules_of(loaded(good, tmp_path))


@pytest.mark.parametrize("rule", EXAMPLES)
def test_the_good_example_has_no_error(rule, tmp_path):
    """What a page recommends works."""
    assert loaded(pair(rule)[1], tmp_path).errors == ()


ELSEWHERE = {
    "missing-type": "tools:",
    "nothing-served": "type: rest",
    "implied-call": "name: get-product",
    "required-parameter": "shop.get-product",
    "blocked-call": "shop.get-product",
    "lost-path-parameter": "id, in: path",
    "unauthenticated-api": "SHOP_TOKEN",
    "unplaced-credential": "{name: get-product",
    "foreign-secret": "https:",
    "oauth2-scopes": "type: oauth2",
    "many-tools": "type: mcp",
    "too-many-tools": "type: mcp",
    "tool-list-tokens": "type: mcp",
    "missing-description": "type: mcp",
    "skill-not-in-mcp": "{type: bearer",
}
"""Rules whose place is not what the good example changes: what stands at the place."""


def differing(bad: list[str], good: list[str]) -> set[int]:
    """Return the lines of the bad example, from 1, that the good one has otherwise; beside it, where it has more."""
    found: set[int] = set()
    for kind, start, end, _, _ in difflib.SequenceMatcher(None, bad, good, autojunk=False).get_opcodes():
        if kind != "equal":
            found |= set(range(start + 1, end + 1)) or {start, start + 1}
    return found


@pytest.mark.parametrize("rule", EXAMPLES)
def test_the_finding_stands_where_the_example_is_wrong(rule, tmp_path):
    bad, good = (text.decode("latin-1").splitlines() for text in pair(rule))
    capability = loaded(pair(rule)[0], tmp_path)
    places = [found.position for found in found_in(capability) if found.rule == rule]
    if rule in ELSEWHERE:
        assert any(bad[place.line - 1][place.column - 1 :].startswith(ELSEWHERE[rule]) for place in places)
    else:
        assert any(place.line in differing(bad, good) for place in places)
    assert all(place.column <= len(bad[place.line - 1]) + 1 for place in places)


def test_the_base_of_the_examples_is_good(tmp_path):
    """Nothing at all is found in it, hints included."""
    assert rules_of(loaded("".join(BASE.values()).encode(), tmp_path)) == set()


def reported_rules() -> dict[str, set[str]]:
    """Return every rule id that the source reports, with the severities it is reported with."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and node.args:
                name = getattr(node.func, "attr", getattr(node.func, "id", ""))
                severity = "error" if name in {"CannotLink", "cannot"} else name
                rule = node.args[0]
                if severity in REPORTING and isinstance(rule, ast.Constant) and _is_rule(rule.value, node):
                    found[rule.value].add(severity)
    return found


def _is_rule(value: object, node: ast.Call) -> bool:
    """A report has a rule and a message; a log line has a message only."""
    return isinstance(value, str) and re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", value) is not None and len(node.args) > 1


def test_every_rule_that_the_code_reports_is_registered():
    assert set(reported_rules()) - set(RULES) == set()


def test_every_registered_rule_is_reported_somewhere():
    assert set(RULES) - set(reported_rules()) == set()


def test_a_rule_is_reported_with_its_registered_severity():
    """Some are milder in places; the registered severity is among them."""
    wrong = {
        rule: severities
        for rule, severities in reported_rules().items()
        if RULES[rule].severity.value not in severities
    }
    assert wrong == {}


def test_ids_are_unique_and_every_page_is_complete():
    every = [rule for rules in CHAPTERS.values() for rule in rules]
    assert len(every) == len(RULES)
    for rule in every:
        assert rule.summary.endswith(".")
        assert all((rule.why, rule.fix, rule.bad, rule.good)), rule.id
        assert rule.bad != rule.good


def test_the_documentation_is_what_the_registry_says():
    """Made by: naftiko explain --all > docs/rules.md."""
    assert (ROOT / "docs/rules.md").read_text("utf-8") == all_rules_markdown()


REFERENCE_RULES_NOT_KEPT = {
    "standalone-no-imports": "a file without `capability` may import here",
    "exposes-namespace-required": "an adapter without a namespace works",
    "aggregates-namespace-required": "missing-name",
}


def test_the_references_own_rules_are_covered():
    """34 rules of the reference's rule sets: each is stood for by one of ours, or left out for a reason."""
    covered = [name for rule in RULES.values() for name in rule.covers]
    assert len(covered) == len(set(covered))
    assert len(covered) + len(REFERENCE_RULES_NOT_KEPT) == 34


def test_most_rules_are_not_hints():
    """Severities mean something: an error can't be executed, a warning is probably not meant."""
    assert {rule.severity for rule in RULES.values()} == set(Severity)
