"""Suggestions and hints cost little however much is wrong, however much is known, and however long a word is."""

from __future__ import annotations

import cProfile
import pstats

import pytest
from click.testing import CliRunner

from naftiko.cli.application import application
from naftiko.document.suggest import did_you_mean, listed, nearest

HEAD = "naftiko: 1.0.0-alpha2\ncapability:\n  consumes:\n    - {type: http, namespace: up, baseUri: 'http://127.0.0.1:9', resources: [\n"
EXPOSED = "]}\n  exposes:\n    - {type: rest, namespace: front, port: 8080, resources: [\n"


def operation(at: int) -> str:
    return f"{{name: r{at}, path: /r{at}, operations: [{{name: get-the-thing-number-{at:05d}, method: GET}}]}},\n"


def route(at: int, more: str) -> str:
    return f"{{name: x{at}, path: /x{at}, operations: [{{name: o{at}, method: GET, {more}}}]}},\n"


def step(at: int) -> str:
    read = f"with: {{a: $.stepp-withh-number-{at:05d}.b}}"
    return f"{{type: call, name: step-with-number-{at:05d}, call: up.get-the-thing-number-{at:05d}, {read}}},\n"


KINDS = {
    "calls": lambda at: route(at, f"call: up.gett-the-thingy-number-{at:05d}-x"),
    "namespaces": lambda at: route(at, f"call: upp{at}.get-thing-nmber-{at:05d}"),
    "keys": lambda at: route(at, f"methood{at}: GET, call: up.get-the-thing-number-{at:05d}"),
    "arguments": lambda at: route(at, f"call: up.get-the-thing-number-{at:05d}, with: {{aaa{at}: rest.bbb{at}}}"),
}


def document(kind: str, count: int) -> str:
    consumed = "".join(map(operation, range(count)))
    if kind == "steps":
        exposed = route(0, "steps: [" + "".join(map(step, range(count))) + "]")
    else:
        exposed = "".join(map(KINDS[kind], range(count)))
    return f"{HEAD}{consumed}{EXPOSED}{exposed}]}}\n"


@pytest.mark.parametrize("kind", [*KINDS, "steps"])
def test_what_is_wrong_a_thousand_times_costs_as_much_each_time(kind, tmp_path):
    """Counted in calls, not in seconds: twice as much takes twice as many; so does what is said."""
    calls, sizes = [], []
    for count in (100, 200):
        path = tmp_path / f"{count}.yaml"
        path.write_text(document(kind, count))
        profile = cProfile.Profile()
        done = profile.runcall(CliRunner().invoke, application, ["validate", str(path)])
        assert done.exception is None or isinstance(done.exception, SystemExit), done.output
        calls.append(pstats.Stats(profile).total_calls)  # type: ignore[attr-defined]
        sizes.append(len(done.output))
    assert calls[1] < 2.5 * calls[0]
    assert sizes[1] < 2.6 * sizes[0]


def test_a_near_name_is_found_among_thousands():
    known = [f"get-the-thing-number-{at:05d}" for at in range(5000)] + ["list-ships", "riskDetection-id"]
    assert nearest("list-shps", known) == "list-ships"
    assert nearest("riskdetection_id", known) == "riskDetection-id"
    assert nearest("lits-ships", known) == "list-ships"
    assert nearest("get-the-thing-number-0123x", known) in known
    assert did_you_mean("quite another", known) == ""


def test_a_word_of_a_caller_that_is_longer_than_any_name_is_not_looked_at():
    assert nearest("x" * 1_000_000, ["x" * 400, "list-ships"]) is None
    assert nearest("", ["a"]) is None


def test_a_hint_lists_some_of_many():
    assert listed([]) == "none"
    assert listed(["a", "b"]) == "a, b"
    assert listed(map(str, range(1000))).endswith("18, 19 and 980 more")
