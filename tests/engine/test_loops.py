"""Steps that are done for each item of a list, or only where a condition holds (SEMANTICS 5.9)."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest

import naftiko
from naftiko.engine.settings import Settings
from naftiko.ground.errors import CallError, UpstreamStatus

FILE = """\
naftiko: 1.0.0-beta5
info: {{label: Loops}}
consumes:
- type: http
  namespace: git
  baseUri: https://git.example
  resources:
  - {{name: search, path: /search, operations: [{{name: search, method: GET}}]}}
  - {{name: owner, path: "/owners/{{{{login}}}}", operations: [{{name: owner, method: GET}}, {{name: add, method: POST}}]}}
exposes:
- type: mcp
  namespace: m
  tools:
  - name: tool
    description: A tool.
    inputParameters: [{{name: q, type: string, required: false}}, {{name: list, type: array, required: false}}]
    steps:
    - {{type: call, name: repos, call: git.search}}
    - {{type: call, name: owners, call: git.owner, with: {{login: "{{{{item.owner.login}}}}"}}{more}}}
{after}"""
REPOS = {"total": 3, "open": False, "items": [{"id": n, "owner": {"login": name}} for n, name in enumerate("abc")]}


class Git:
    """An upstream that knows owners; some of them it doesn't find."""

    def __init__(self, gone: str = "", repos: Any = REPOS) -> None:
        self.asked: list[str] = []
        self.gone = gone
        self.repos = repos
        self.open = self.most = 0

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        self.asked.append(path)
        self.open += 1
        self.most = max(self.most, self.open)
        await asyncio.sleep(0.01 if path.endswith(("a", "c")) else 0)
        self.open -= 1
        if path == "/search":
            return httpx.Response(200, json=self.repos)
        name = path.rpartition("/")[2]
        return httpx.Response(404) if name in self.gone else httpx.Response(200, json={"name": name.upper()})


def capability(more: str, after: str = "", upstream: Git | None = None, **settings: Any) -> naftiko.Capability:
    given = Settings(transport=lambda _: httpx.MockTransport(upstream or Git()), **settings)
    return naftiko.loads(FILE.format(more=more, after=after), settings=given)


async def answer_of(loaded: naftiko.Capability, **inputs: Any) -> naftiko.Answer:
    async with loaded:
        return await loaded.units[0].run(inputs)


async def value_of(more: str, after: str = "", upstream: Git | None = None, **inputs: Any) -> Any:
    return (await answer_of(capability(more, after, upstream), **inputs)).value


LOOP = ', forEach: "{{repos.items}}"'


@pytest.mark.parametrize("listed", ['"{{repos.items}}"', "$.repos.items", "'$.repos.items[*]'"])
async def test_a_call_for_each_item_in_their_order(listed):
    assert await value_of(f", forEach: {listed}") == [{"name": "A"}, {"name": "B"}, {"name": "C"}]


async def test_later_steps_and_mappings_see_the_list():
    after = (
        '    mappings: [{targetName: first, value: "$.owners[0].name"}, {targetName: all, value: "$.owners[*].name"}]\n'
    )
    assert await value_of(LOOP, after) == {"first": "A", "all": ["A", "B", "C"]}


async def test_an_input_may_be_the_list():
    more = ', forEach: "{{list}}"'
    found = await value_of(more, list=[{"owner": {"login": "z"}}])
    assert found == [{"name": "Z"}]
    assert await value_of(more) == []


@pytest.mark.parametrize(("more", "most"), [(LOOP + ", concurrency: 1", 1), (LOOP + ", concurrency: 2", 2), (LOOP, 3)])
async def test_so_many_at_once_as_is_said(more, most):
    upstream = Git()
    await value_of(more, upstream=upstream)
    assert upstream.most == most


async def test_what_changes_something_is_done_one_after_the_other():
    upstream = Git()
    await value_of(LOOP, upstream=upstream)
    changing = FILE.format(more=LOOP, after="").replace("call: git.owner", "call: git.add")
    upstream = Git()
    await answer_of(naftiko.loads(changing, settings=Settings(transport=lambda _: httpx.MockTransport(upstream))))
    assert upstream.most == 1
    assert upstream.asked == ["/search", "/owners/a", "/owners/b", "/owners/c"]


async def test_the_first_failure_ends_it_and_says_which_item():
    upstream = Git(gone="b")
    with pytest.raises(UpstreamStatus) as failed:
        await value_of(LOOP + ", concurrency: 1", upstream=upstream)
    assert failed.value.step == "owners[1]"
    assert upstream.asked == ["/search", "/owners/a", "/owners/b"]


async def test_what_fails_is_left_out_and_the_answer_says_so():
    answer = await answer_of(capability(LOOP + ", onError: skip", upstream=Git(gone="b")))
    assert answer.value == [{"name": "A"}, {"name": "C"}]
    assert [*answer.headers] == [("naftiko-note", 'partial;step="owners";done=2;of=3')]


async def test_what_fails_is_collected():
    found = await value_of(LOOP + ", onError: collect", upstream=Git(gone="b"))
    assert found[0] == {"name": "A"}
    assert found[1] == {"index": 1, "kind": "upstream-status", "error": "the upstream answered 404"}


async def test_only_so_many_items_are_done_and_the_answer_says_so():
    upstream = Git()
    answer = await answer_of(capability(LOOP + ", maxItems: 2", upstream=upstream))
    assert answer.value == [{"name": "A"}, {"name": "B"}]
    assert [*answer.headers] == [("naftiko-note", 'partial;step="owners";done=2;of=3')]
    assert len(upstream.asked) == 3


async def test_what_is_left_out_for_both_reasons_is_counted_together():
    answer = await answer_of(capability(LOOP + ", maxItems: 2, onError: skip", upstream=Git(gone="b")))
    assert answer.value == [{"name": "A"}]
    assert [*answer.headers] == [("naftiko-note", 'partial;step="owners";done=1;of=3')]


@pytest.mark.parametrize(
    ("repos", "words"),
    [
        ({"items": {"a": 1}}, "an object and no list"),
        ({"items": "abc"}, "one value and no list"),
        ({"items": [{"owner": {"login": "a"}}] * 1001}, "1001 items, more than 1000"),
    ],
)
async def test_what_is_no_list_to_go_through(repos, words):
    upstream = Git(repos=repos)
    with pytest.raises(CallError, match=words) as failed:
        await value_of(LOOP, upstream=upstream)
    assert (failed.value.step, upstream.asked) == ("owners", ["/search"])


@pytest.mark.parametrize("repos", [{}, {"items": None}, {"items": []}])
async def test_nothing_to_go_through_is_an_empty_list(repos):
    assert await value_of(LOOP, upstream=Git(repos=repos)) == []


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ('"{{repos.total}}"', True),
        ('"{{repos.open}}"', False),
        ('"not {{repos.open}}"', True),
        ('"! {{ repos.total }}"', False),
        ('"{{repos.nothing}}"', False),
        ("$.repos.items", True),
        ('"$.repos.items[7]"', False),
        ('"$.repos.total > 2"', True),
        ('"$.repos.total > 3"', False),
        ('"not $.repos.total > 3"', True),
        ("\"{{repos.total}} == 3 && {{q}} == 'x'\"", True),
        ("\"$.repos.total == 3 && ($.q == 'y' || $.q == 'z')\"", False),
        ('"{{q}}"', True),
        ("true", True),
        ("false", False),
    ],
)
async def test_conditions(condition, holds):
    upstream = Git()
    after = '    mappings: [{targetName: found, value: "$.owners"}, {targetName: total, value: "$.repos.total"}]\n'
    more = f', forEach: "$.repos.items[:1]", condition: {condition}'
    assert await value_of(more, after, upstream, q="x") == {"found": [{"name": "A"}] if holds else None, "total": 3}
    assert len(upstream.asked) == (2 if holds else 1)


async def test_an_optional_input_that_is_not_given_is_no_condition():
    after = '    mappings: [{targetName: found, value: "$.owners"}]\n'
    assert await value_of(LOOP + ', condition: "{{q}}"', after) == {"found": None}


async def test_a_condition_about_the_item_chooses_items():
    found = await value_of(LOOP + ', condition: "$.item.id != 1"')
    assert found == [{"name": "A"}, {"name": "C"}]
    assert await value_of(LOOP + ', condition: "{{item.id}}"') == [{"name": "B"}, {"name": "C"}]  # 0 is no condition


async def test_a_step_that_is_not_done_ends_in_nothing():
    assert await value_of(LOOP + ', condition: "{{repos.open}}"') is None


async def test_a_step_waits_for_what_its_condition_reads():
    text = FILE.format(more="", after="")
    steps = (
        "    - {type: call, name: first, call: git.owner, with: {login: a}}\n"
        "    - {type: call, name: second, call: git.owner, with: {login: b}, condition: \"$.first.name == 'A'\"}\n"
    )
    text = text[: text.index("    - {type: call, name: repos")] + steps
    upstream = Git()
    answer = await answer_of(naftiko.loads(text, settings=Settings(transport=lambda _: httpx.MockTransport(upstream))))
    assert (answer.value, upstream.most) == ({"name": "B"}, 1)


@pytest.mark.parametrize(
    ("more", "rule"),
    [
        (LOOP + ", onError: retry", "unsupported-step"),
        (LOOP + ", concurrency: 0", "unsupported-step"),
        (LOOP + ", maxItems: -1", "unsupported-step"),
        (', condition: "$.repos.total > "', "broken-jsonpath"),
        (', forEach: "$.repos[?"', "broken-jsonpath"),
        (', forEach: "{{#x}}"', "broken-template"),
    ],
)
def test_what_can_not_be_meant_is_told_where_it_stands(more, rule):
    loaded = capability(more)
    (error,) = loaded.errors
    assert (error.rule, error.position.line) == (rule, 19)
    assert not loaded.units[0].executable


async def test_a_dry_run_shows_what_one_item_would_do():
    loaded = capability(LOOP + ', condition: "{{repos.open}}"', mock=True)
    assert "/owners/" in json.dumps((await answer_of(loaded)).value)


def test_a_name_that_is_the_items_is_no_unknown_step():
    assert [found.rule for found in capability(LOOP).lint() if "step" in found.rule] == []
