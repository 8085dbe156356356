"""Steps: what they see of one another, which run together, and how a flow fails (SEMANTICS 5.5)."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest

import naftiko
from naftiko.engine.settings import Settings
from naftiko.ground.errors import NotExecutable, UpstreamStatus, UpstreamTimeout

OPERATIONS = {
    "users": {"path": "/users", "method": "GET"},
    "profile": {"path": "/profiles/{id}", "method": "GET"},
    "echo": {"path": "/echo/{region}", "method": "GET"},
    "slow-a": {"path": "/slow/a", "method": "GET"},
    "slow-b": {"path": "/slow/b", "method": "GET"},
    "broken": {"path": "/broken", "method": "GET"},
    "create": {"path": "/create", "method": "POST", "body": {"type": "json", "data": {"name": "{{name}}"}}},
    "sheet": {"path": "/sheet", "method": "GET", "outputRawFormat": "csv"},
}
USERS = [{"id": "u-1", "email": "ann@x", "n": 5}, {"id": "u-2", "email": "bob@x", "n": 7}]
DOCUMENTS: dict[str, Any] = {
    "/users": USERS,
    "/profiles/u-2": {"id": "u-2", "home": {"region": "eu"}, "tags": ["a", "b"]},
    "/echo/eu": {"echoed": True},
    "/create": {"created": 1},
}


class Recorder:
    """An upstream that remembers the order of its requests and how many were open at once."""

    def __init__(self, pause: float = 0.0) -> None:
        self.paths: list[str] = []
        self.bodies: list[bytes] = []
        self.open = 0
        self.most = 0
        self.cancelled: list[str] = []
        self._pause = pause

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        self.paths.append(path)
        self.bodies.append(request.content)
        self.open += 1
        self.most = max(self.most, self.open)
        try:
            await asyncio.sleep(self._pause)
            if path == "/broken":
                return httpx.Response(404, json={"message": "no such thing"})
            if path == "/sheet":
                return httpx.Response(200, text="code,name\n5,five\n7,seven\n")
            return httpx.Response(200, json=DOCUMENTS.get(path, {"path": path}))
        except asyncio.CancelledError:
            self.cancelled.append(path)
            raise
        finally:
            self.open -= 1


def flow(steps, recorder, *, mappings=(), outputs=(), inputs=("email",), consumed=None):
    """The unit of these steps."""
    operations = {name: {**operation, **(consumed or {}).get(name, {})} for name, operation in OPERATIONS.items()}
    resources = [
        {"name": name, "path": operation.pop("path"), "operations": [{"name": name, **operation}]}
        for name, operation in operations.items()
    ]
    tool = {
        "name": "go",
        "description": "d",
        "inputParameters": [{"name": name, "type": "string", "required": False} for name in inputs],
        "steps": steps,
        "mappings": list(mappings),
        "outputParameters": list(outputs),
    }
    document = {
        "naftiko": "1.0.0-alpha5",
        "capability": {
            "consumes": [
                {"namespace": "api", "type": "http", "baseUri": "https://api.example", "resources": resources}
            ],
            "exposes": [{"type": "mcp", "namespace": "tools", "port": 1, "tools": [tool]}],
        },
    }
    settings = Settings(environment={}, transport=lambda _: httpx.MockTransport(recorder))
    return naftiko.loads(json.dumps(document), settings=settings).units[0]


def call(name, operation=None, /, **with_):
    return {"name": name, "type": "call", "call": f"api.{operation or name}", **({"with": with_} if with_ else {})}


def lookup(name, index, match, value, *fields):
    return {
        "name": name,
        "type": "lookup",
        "index": index,
        "match": match,
        "lookupValue": value,
        "outputParameters": list(fields),
    }


CHAIN = [
    call("users"),
    lookup("who", "users", "email", "{{email}}", "id"),
    call("profile", id="$.who.id"),
    call("echo", region="{{profile.home.region}}"),
]


async def test_data_flows_from_step_to_step():
    """Lookup results too; the last step's result is the answer (REFERENCE 16.4, 39)."""
    recorder = Recorder()
    answer = await flow(CHAIN, recorder).run({"email": "bob@x"})
    assert recorder.paths == ["/users", "/profiles/u-2", "/echo/eu"]
    assert answer.value == {"echoed": True}


async def test_mappings_build_the_answer():
    """Dots nest; sources are paths with indexes, templates and literals; nothing found is null."""
    mappings = [
        {"targetName": "who.id", "value": "$.who.id"},
        {"targetName": "who.region", "value": "$.profile.home.region"},
        {"targetName": "first", "value": "$.profile.tags[0]"},
        {"targetName": "all", "value": "$.users[*].id"},
        {"targetName": "text", "value": "{{email}} in {{profile.home.region}}"},
        {"targetName": "fixed", "value": "literal"},
        {"targetName": "missing", "value": "$.profile.nope"},
    ]
    answer = await flow(CHAIN[:3], Recorder(), mappings=mappings).run({"email": "bob@x"})
    assert answer.value == {
        "who": {"id": "u-2", "region": "eu"},
        "first": "a",
        "all": ["u-1", "u-2"],
        "text": "bob@x in eu",
        "fixed": "literal",
        "missing": None,
    }


async def test_without_mappings_outputs_apply_to_the_last_step():
    """As in simple mode."""
    outputs = [{"name": "region", "type": "string", "mapping": "$.home.region"}]
    assert (await flow(CHAIN[:3], Recorder(), outputs=outputs).run({"email": "bob@x"})).value == {"region": "eu"}


async def test_steps_that_need_nothing_of_one_another_overlap():
    """Three at once take as long as one; what needs them waits for them."""
    recorder = Recorder(pause=0.1)
    steps = [call("users"), call("a", "slow-a"), call("b", "slow-b"), call("echo", region="{{a.path}}-{{b.path}}")]
    loop = asyncio.get_running_loop()
    started = loop.time()
    await flow(steps, recorder).run({})
    assert recorder.most == 3
    assert recorder.paths[3] == "/echo//slow/a-/slow/b"
    assert 0.19 < loop.time() - started < 0.38


async def test_a_step_that_changes_something_keeps_its_place():
    """A POST waits for all before it, and all after it wait for the POST."""
    recorder = Recorder(pause=0.02)
    await flow([call("a", "slow-a"), call("create", name="x"), call("b", "slow-b")], recorder).run({})
    assert recorder.paths == ["/slow/a", "/create", "/slow/b"]
    assert recorder.most == 1


async def test_a_failing_step_is_named_and_ends_the_flow():
    """Later steps are not called."""
    recorder = Recorder()
    with pytest.raises(UpstreamStatus) as caught:
        await flow([call("users"), call("find-it", "broken"), call("create", name="{{find-it.id}}")], recorder).run({})
    assert (caught.value.step, caught.value.operation) == ("find-it", "api.broken")
    assert "/create" not in recorder.paths


async def test_a_failing_step_cancels_the_ones_beside_it():
    """Nobody waits for an answer that can't be used."""
    recorder = Recorder()

    async def upstream(request):
        if request.url.path == "/broken":
            await asyncio.sleep(0.02)
            return httpx.Response(500)
        recorder._pause = 30
        return await recorder(request)

    started = asyncio.get_running_loop().time()
    with pytest.raises(UpstreamStatus):
        await flow([call("a", "slow-a"), call("broken")], upstream).run({})
    assert recorder.cancelled == ["/slow/a"]
    assert asyncio.get_running_loop().time() - started < 1


async def test_a_cancelled_flow_cancels_its_calls():
    """When the caller goes away, so do the upstream calls."""
    recorder = Recorder(pause=30)
    running = asyncio.create_task(flow([call("a", "slow-a"), call("b", "slow-b")], recorder).run({}))
    while recorder.open < 2:  # noqa: ASYNC110  # the upstream's state has no event
        await asyncio.sleep(0.001)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert sorted(recorder.cancelled) == ["/slow/a", "/slow/b"]


async def test_a_step_out_of_time_is_named():
    """A time limit is an upstream error like any other."""

    async def upstream(_request):
        raise httpx.ReadTimeout("late")

    with pytest.raises(UpstreamTimeout) as caught:
        await flow([call("users")], upstream).run({})
    assert caught.value.step == "users"


# Lookups


@pytest.mark.parametrize(
    ("value", "fields", "expected"),
    [
        ("bob@x", ("id",), {"id": "u-2"}),
        ("bob@x", ("id", "nope"), {"id": "u-2", "nope": None}),
        ("bob@x", (), USERS[1]),
        ("nobody", ("id",), None),
        ("$.ids", ("id",), [{"id": "u-2"}, {"id": "u-1"}]),
        ("$.none", ("id",), []),
    ],
)
async def test_lookups(value, fields, expected):
    """One value or a list; hits keep the order of the values; none is null, or an empty list."""
    recorder = Recorder()

    async def upstream(request):
        if request.url.path == "/slow/a":
            return httpx.Response(200, json=["bob@x", "nobody", "ann@x"])
        if request.url.path == "/slow/b":
            return httpx.Response(200, json=[])
        return await recorder(request)

    steps = [
        call("users"),
        call("ids", "slow-a"),
        call("none", "slow-b"),
        lookup("found", "users", "email", value, *fields),
    ]
    answer = await flow(steps, upstream, mappings=[{"targetName": "found", "value": "$.found"}]).run({})
    assert answer.value == {"found": expected}


async def test_lookups_compare_as_text_and_read_other_formats():
    """5 is "5" in a CSV file."""
    steps = [call("sheet"), lookup("row", "sheet", "code", "{{email}}", "name")]
    assert (await flow(steps, Recorder()).run({"email": "7"})).value == {"name": "seven"}


async def test_a_lookup_in_parallel_arrays():
    """An object of arrays is a table, column by column."""

    async def upstream(_request):
        return httpx.Response(200, json={"id": ["u-1", "u-2"], "email": ["ann@x", "bob@x"]})

    steps = [call("users"), lookup("who", "users", "email", "{{email}}", "id")]
    assert (await flow(steps, upstream).run({"email": "bob@x"})).value == {"id": "u-2"}


async def test_consumed_outputs_are_seen_beside_the_fields():
    """Named ones; in an array each element gets them (REFERENCE 16.4, 42)."""
    consumed = {"profile": {"outputParameters": [{"name": "region-of", "type": "string", "value": "$.home.region"}]}}
    mappings = [{"targetName": "a", "value": "$.profile.region-of"}, {"targetName": "b", "value": "$.profile.id"}]
    answer = await flow(CHAIN[:3], Recorder(), mappings=mappings, consumed=consumed).run({"email": "bob@x"})
    assert answer.value == {"a": "eu", "b": "u-2"}


@pytest.mark.parametrize(
    ("steps", "reason"),
    [
        ([lookup("who", "nope", "email", "x")], "nope"),
        ([call("x", "nope")], "nope"),
        ([call("users"), {"name": "s", "type": "script", "location": "file:///x"}], "script"),
    ],
)
async def test_a_flow_that_means_nothing_says_why(steps, reason):
    """It is listed, and answers with the reason (SEMANTICS 1.4)."""
    unit = flow(steps, Recorder())
    assert not unit.executable
    with pytest.raises(NotExecutable, match=reason):
        await unit.run({})


ONE_USER = {"id": "u-2", "home": {"region": "eu"}, "tags": ["a", "b"]}


@pytest.mark.parametrize(
    ("targets", "expected"),
    [
        ([("a", "$.profile"), ("a.b", "$.profile.id")], {"a": {**ONE_USER, "b": "u-2"}}),
        ([("a", "$.profile"), ("a.home.x", "$.profile.id")], {"a": {**ONE_USER, "home": {"region": "eu", "x": "u-2"}}}),
        ([("a", "$.profile.id"), ("a.b", "$.profile.id")], {"a": {"b": "u-2"}}),
        ([("a", "$.profile.tags"), ("a.b.c", "$.profile.id")], {"a": {"b": {"c": "u-2"}}}),
        ([("a", "$.profile.nothing"), ("a.b", "$.profile.id")], {"a": {"b": "u-2"}}),
        ([("a.b", "$.profile.id"), ("a", "$.profile.tags")], {"a": ["a", "b"]}),
        ([("a.b", "$.profile.id"), ("a.b", "$.profile.home")], {"a": {"b": {"region": "eu"}}}),
        ([("a.b", "$.profile.id"), ("a.c", "$.profile.id")], {"a": {"b": "u-2", "c": "u-2"}}),
        (
            [("a.b", "$.profile"), ("a.b.c", "$.profile.id"), ("d", "$.profile")],
            {"a": {"b": {**ONE_USER, "c": "u-2"}}, "d": ONE_USER},
        ),
        ([("", "x"), (".", "$.profile.id"), ("..", "y")], {"": {"": {"": "y"}}}),
    ],
)
async def test_targets_inside_of_one_another(targets, expected):
    """The later one wins; what a step found is never changed, and nothing raises."""
    mappings = [{"targetName": name, "value": value} for name, value in targets]
    capability = flow(CHAIN[:3], Recorder(), mappings=mappings)
    assert (await capability.run({"email": "bob@x"})).value == expected
