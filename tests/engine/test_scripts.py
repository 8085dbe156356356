"""Script steps: what they see and return, how they fail, and what they may not do (SEMANTICS 5.8)."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

import naftiko
from naftiko.engine.scripting.runs import ScriptFailed
from naftiko.engine.settings import Settings
from naftiko.ground.errors import NotExecutable

PEOPLE = [{"login": "ann", "id": 1}, {"login": "bot", "id": 2}]
FILE = """\
naftiko: 1.0.0-beta5
info: {{label: Scripts}}
consumes:
- {{type: http, namespace: up, baseUri: "https://up.example", resources: [{{name: p, path: /p, operations: [{{name: list, method: GET}}, {{name: add, method: POST}}]}}]}}
exposes:
- type: mcp
  namespace: m
  tools:
  - name: tool
    description: A tool.
    inputParameters: [{{name: name, type: string, required: false}}, {{name: n, type: integer, required: false}}]
    steps:
    - {{type: call, name: people, call: up.list}}
    - {{type: script, name: s, file: {file}{more}}}
{after}- type: control
  port: 9464
  management: {{scripting: {{defaultLocation: "file://scripts"{management}}}}}
"""  # fmt: skip


@pytest.fixture
def scripts(tmp_path: Path) -> Path:
    (tmp_path / "scripts" / "lib").mkdir(parents=True)
    return tmp_path / "scripts"


def capability(
    scripts: Path, file: str, *, more: str = "", after: str = "", management: str = "", **environment: str
) -> naftiko.Capability:
    path = scripts.parent / "c.yaml"
    path.write_text(FILE.format(file=file, more=more, after=after, management=management))

    def answered(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=PEOPLE if request.method == "GET" else {"added": True})

    return naftiko.load(
        path, settings=Settings(transport=lambda _: httpx.MockTransport(answered), environment=environment)
    )


async def answered(loaded: naftiko.Capability, **inputs: Any) -> Any:
    async with loaded:
        answer = await loaded.units[0].run(inputs)
    return answer.value


async def result_of(scripts: Path, name: str, text: str, *, management: str = "", **inputs: Any) -> Any:
    (scripts / name).write_text(text)
    language = ", language: python" if name.endswith(".py") else ", language: javascript"
    return await answered(capability(scripts, name, more=language, management=management), **inputs)


async def failure_of(scripts: Path, name: str, text: str, *, management: str = "") -> ScriptFailed:
    with pytest.raises(ScriptFailed) as failed:
        await result_of(scripts, name, text, management=management)
    return failed.value


# --- what they see and return ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.js", "var active = context.people.filter((p) => p.login !== 'bot'); result = {active, n: context.n}"),
        ("a.py", "result = {'active': [p for p in context['people'] if p['login'] != 'bot'], 'n': context['n']}"),
    ],
)
async def test_a_script_sees_inputs_and_earlier_steps(scripts, name, text):
    assert await result_of(scripts, name, text, n=5) == {"active": PEOPLE[:1], "n": 5}


@pytest.mark.parametrize(
    ("name", "text"), [("a.js", "const result = context"), ("a.py", "result = dict(context)")], ids=["js", "py"]
)
async def test_with_is_filled_and_wins_over_inputs(scripts, name, text):
    (scripts / name).write_text(text)
    language = "python" if name.endswith("py") else "js"
    more = f", language: {language}, with: {{name: 'Hi {{{{name}}}}', first: '$.people[0].login', five: 5}}"
    found = await answered(capability(scripts, name, more=more), name="Nina", n=2)
    assert found == {"name": "Hi Nina", "n": 2, "people": PEOPLE, "first": "ann", "five": 5}


async def test_values_of_javascript(scripts):
    text = """
        var result = {i: 42, d: 1.5, whole: 2.0, s: 'text \u2603', t: true, n: null, u: undefined, arr: [1, 'two', [3]],
          nan: NaN, inf: -Infinity, date: new Date(0), map: new Map([['k', 1]]), set: new Set([1, 2]),
          big: 12345678901234567890n, sym: Symbol('q'), fn() {}, re: /x/}"""
    assert await result_of(scripts, "a.js", text) == {
        "i": 42,
        "d": 1.5,
        "whole": 2,
        "s": "text \u2603",
        "t": True,
        "n": None,
        "u": None,
        "arr": [1, "two", [3]],
        "nan": "NaN",
        "inf": "-Infinity",
        "date": "1970-01-01T00:00:00.000Z",
        "map": {"k": 1},
        "set": [1, 2],
        "big": 12345678901234567890,
        "sym": "Symbol(q)",
        "fn": {},
        "re": {},
    }


async def test_values_of_python(scripts):
    text = """
import datetime
result = {'i': 42, 'd': 1.5, 'whole': 2.0, 's': 'text \u2603', 't': True, 'n': None, 'arr': [1, 'two', (3,)],
    'nan': float('nan'), 'inf': -float('inf'), 'date': datetime.date(2026, 1, 2), 'set': {1}, 1: 2,
    'big': 12345678901234567890}
"""
    assert await result_of(scripts, "a.py", text) == {
        "i": 42,
        "d": 1.5,
        "whole": 2.0,
        "s": "text \u2603",
        "t": True,
        "n": None,
        "arr": [1, "two", [3]],
        "nan": "NaN",
        "inf": "-Infinity",
        "date": "2026-01-02",
        "set": [1],
        "1": 2,
        "big": 12345678901234567890,
    }


@pytest.mark.parametrize(
    ("name", "text"),
    [("a.js", "let x = 1"), ("a.js", "var result = null"), ("a.py", "x = 1"), ("a.py", "result = None")],
)
async def test_a_script_without_a_result_is_as_if_it_were_not_there(scripts, name, text):
    assert await result_of(scripts, name, text) == PEOPLE


async def test_a_promise_is_waited_for(scripts):
    assert await result_of(scripts, "a.js", "var result = (async () => { await null; return [1] })()") == [1]
    failed = await failure_of(scripts, "a.js", "var result = Promise.reject(new Error('no'))")
    assert "no" in failed.detail
    assert "never settled" in (await failure_of(scripts, "a.js", "var result = new Promise(() => {})")).detail


@pytest.mark.parametrize(
    ("name", "library", "text"),
    [
        ("a.js", "function twice(x) { return 2 * x }\nconst ten = 10", "result = twice(ten)"),
        ("a.py", "ten = 10\ndef twice(x):\n    return 2 * x\n", "result = twice(ten)"),
    ],
)
async def test_dependencies_run_first_in_the_same_scope(scripts, name, library, text):
    (scripts / "lib" / f"l{name[1:]}").write_text(library)
    (scripts / name).write_text(text)
    language = "python" if name.endswith("py") else "javascript"
    loaded = capability(scripts, name, more=f", language: {language}, dependencies: [lib/l{name[1:]}]")
    assert await answered(loaded) == 20


async def test_each_run_has_a_scope_of_its_own(scripts):
    for name, text in (("a.js", "globalThis.n = (globalThis.n || 0) + 1; result = n"), ("a.py", "result = 1")):
        (scripts / name).write_text(text)
        loaded = capability(scripts, name, more=f", language: {'python' if name.endswith('py') else 'javascript'}")
        async with loaded:
            assert [(await loaded.units[0].run({})).value for _ in range(3)] == [1, 1, 1]


async def test_a_file_that_changes_is_read_anew(scripts):
    (scripts / "a.js").write_text("result = 1")
    loaded = capability(scripts, "a.js", more=", language: javascript")
    async with loaded:
        assert (await loaded.units[0].run({})).value == 1
        (scripts / "a.js").write_text("result = 22")
        assert (await loaded.units[0].run({})).value == 22


async def test_later_steps_and_mappings_see_the_result(scripts):
    (scripts / "a.js").write_text("result = {id: context.people[1].id}")
    after = '    mappings: [{targetName: found.id, value: "$.s.id"}, {targetName: text, value: "no. {{s.id}}"}]\n'
    loaded = capability(scripts, "a.js", more=", language: javascript", after=after)
    assert await answered(loaded) == {"found": {"id": 2}, "text": "no. 2"}


# --- how they fail --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text", "detail"),
    [
        ("a.js", "let a = 1\nthrow new Error('boom')", "failed: Error: boom (a.js:2:"),
        ("a.js", "var x = {;", "failed: SyntaxError: "),
        ("a.js", "\n\nnone()", "failed: ReferenceError: none is not defined (a.js:3:"),
        ("a.js", "var result = {}; result.result = result", "failed: TypeError: circular reference"),
        ("a.py", "a = 1\nraise ValueError('boom')", "failed: ValueError: boom (a.py:2:"),
        ("a.py", "x = = 1", "failed: SyntaxError: "),
        ("a.py", "def f():\n    yield 1", "failed: NotImplementedError: "),
        ("a.py", "result = []\nresult.append(result)", "failed: "),
    ],
)
async def test_a_failure_says_what_and_where(scripts, name, text, detail):
    failed = await failure_of(scripts, name, text)
    assert failed.detail.startswith(f"Script step 's' {detail}")
    assert (failed.status, failed.step) == (500, "s")


@pytest.mark.parametrize(
    ("more", "management", "detail"),
    [
        (", language: javascript", ", enabled: false", "requires scripting support. Scripting is disabled"),
        (", language: javascript, location: 'file://none'", "", "cannot read file a.js: No such file"),
        (", language: javascript, dependencies: [none.js]", "", "cannot read file none.js: No such file"),
        (", language: javascript, location: 'file:///etc', file: hosts", "", "cannot read file hosts: it lies outside"),
    ],
)
async def test_what_may_not_run_says_why(scripts, more, management, detail):
    (scripts / "a.js").write_text("result = 1")
    file = "a.js" if "file: hosts" not in more else "hosts"
    loaded = capability(scripts, file, more=more.replace(", file: hosts", ""), management=management)
    with pytest.raises(ScriptFailed) as failed:
        await answered(loaded)
    assert failed.value.detail.startswith(f"Script step 's' {detail}")


async def test_the_environment_switches_scripts_off_where_the_file_says_nothing(scripts):
    (scripts / "a.js").write_text("result = 1")
    path = scripts.parent / "c.yaml"
    text = FILE.format(file="a.js", more=", language: javascript, location: 'file://scripts'", after="", management="")
    path.write_text(
        text[: text.index("- type: control")].replace("    - {type: call, name: people, call: up.list}\n", "")
    )
    for name in ("NAFTIKO_SCRIPTING", "IKANOS_SCRIPTING"):
        with pytest.raises(ScriptFailed, match="disabled"):
            await answered(naftiko.load(path, settings=Settings(environment={name: "false"})))
    assert await answered(naftiko.load(path, settings=Settings(environment={}))) == 1


@pytest.mark.parametrize(
    ("step", "rule"),
    [
        (", language: groovy", "unsupported-step"),
        (", language: ruby", "unsupported-step"),
        ("", "script-defaults"),
        (", language: javascript, dependencies: [../x.js]", "script-path"),
        (", language: javascript, dependencies: ['/etc/x.js']", "script-path"),
        (", language: javascript, dependencies: ['a b.js']", "script-path"),
        (", language: python, with: {x: '{{#a}}'}", "broken-template"),
    ],
)
async def test_what_can_not_run_is_told_at_load(scripts, step, rule):
    loaded = capability(scripts, "a.js", more=step)
    (error,) = loaded.errors
    assert (error.rule, error.position.line) == (rule, 14)
    assert not loaded.units[0].executable
    with pytest.raises(NotExecutable):
        await answered(loaded)


def test_a_language_that_is_not_allowed_is_told_at_load(scripts):
    loaded = capability(scripts, "a.py", more=", language: python", management=", allowedLanguages: [javascript]")
    assert [error.rule for error in loaded.errors] == ["script-language"]


@pytest.mark.parametrize(
    ("name", "text", "rule", "words"),
    [
        ("a.js", "let a\nvar x = {;", "script-syntax", "a.js:2:"),
        ("a.py", "a = 1\nx = = 1", "script-syntax", "a.py:2:"),
        ("a.py", "import os\ndef f():\n    yield 1\n", "script-syntax", "yield"),
        ("a.js", None, "script-file", "No such file"),
        ("a.js", b"\xff\xfe", "script-file", "UTF-8"),
    ],
)
def test_lint_reads_and_parses_scripts_and_runs_none(scripts, name, text, rule, words):
    if text is not None:
        (scripts / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    loaded = capability(scripts, name, more=f", language: {'python' if name.endswith('py') else 'javascript'}")
    (found,) = [found for found in loaded.lint() if found.rule.startswith("script")]
    assert (found.rule, found.position.line) == (rule, 14)
    assert words in found.message


@pytest.mark.parametrize(("name", "text"), [("a.js", "for (;;);"), ("a.py", "while True: pass"), ("a.js", "throw 1")])
def test_lint_does_not_run_what_it_parses(scripts, name, text):
    (scripts / name).write_text(text)
    loaded = capability(scripts, name, more=f", language: {'python' if name.endswith('py') else 'javascript'}")
    assert [found for found in loaded.lint() if found.rule.startswith("script")] == []


def test_a_link_that_leads_out_is_not_followed(scripts, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside") / "x.js"
    outside.write_text("result = 1")
    (scripts / "a.js").symlink_to(outside)
    loaded = capability(scripts, "a.js", more=", language: javascript")
    assert [found.rule for found in loaded.lint() if found.rule.startswith("script")] == ["script-file"]
    with pytest.raises(ScriptFailed, match="leads out of"):
        asyncio.run(answered(loaded))


# --- what they may not do -------------------------------------------------------------------------------------------

SOON = ", timeout: 300"
ZOO = {
    "js: endless": ("a.js", "for (;;);", "exceeded the timeout limit (300 ms)"),
    "js: endless, caught": ("a.js", "try { for (;;); } catch (e) { for (;;); }", "exceeded the timeout limit"),
    "js: endless promises": (
        "a.js",
        "const f = () => Promise.resolve().then(f); f(); result = 1",
        "exceeded the timeout",
    ),
    "js: regex": ("a.js", "/(a+)+b/.test('a'.repeat(50))", "exceeded the timeout limit"),
    "js: memory": ("a.js", "let a = []; for (;;) a.push(new Uint8Array(1e6))", "exceeded the memory limit"),
    "js: string": ("a.js", "let s = 'a'; for (;;) s += s", ""),
    "js: recursion": ("a.js", "(function f() { f() })()", "failed: RangeError: Maximum call stack size exceeded"),
    "js: result": ("a.js", "result = 'x'.repeat(5e6)", "exceeded the limit of a result"),
    "js: import": ("a.js", "import('fs').then((x) => { result = x }); result = import('fs')", "failed: ReferenceError"),
    "js: require": ("a.js", "result = require('fs')", "failed: ReferenceError"),
    "js: environment": ("a.js", "result = process.env", "failed: ReferenceError: process is not defined"),
    "js: network": ("a.js", "result = fetch('http://127.0.0.1')", "failed: ReferenceError: fetch is not defined"),
    "py: endless": ("a.py", "while True: pass", "exceeded the timeout limit (300 ms)"),
    "py: memory": ("a.py", "x = 'a' * 10 ** 10", "exceeded the memory limit"),
    "py: list": ("a.py", "x = [0] * 10 ** 9", "exceeded the memory limit"),
    "py: recursion": ("a.py", "def f(): return f()\nf()", "failed: RecursionError"),
    "py: result": ("a.py", "result = 'x' * 5_000_000", "exceeded the limit of a result"),
    "py: import": ("a.py", "import socket", "failed: ModuleNotFoundError"),
    "py: environment": ("a.py", "import os\nresult = os.environ['PATH']", "failed: "),
    "py: files": ("a.py", "result = open('/etc/passwd').read()", "failed: PermissionError"),
    "py: eval": ("a.py", "result = ().__class__.__base__.__subclasses__()", "failed: "),
}


@pytest.mark.parametrize(("name", "text", "detail"), ZOO.values(), ids=ZOO)
async def test_the_zoo(scripts, name, text, detail):
    assert (await failure_of(scripts, name, text, management=SOON)).detail.startswith(f"Script step 's' {detail}")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "a.js",
            "Object.prototype.toString = Array.prototype.map = JSON.stringify = () => { throw 1 }; result = [{a: 1}]",
        ),
        ("a.js", "globalThis.JSON = globalThis.Promise = globalThis.Object = 5; result = [{a: 1}]"),
        ("a.py", "import json\njson = None\ncontext = None\nresult = [{'a': 1}]"),
    ],
)
async def test_tricks_with_what_everybody_uses_change_nothing(scripts, name, text):
    assert await result_of(scripts, name, text) == [{"a": 1}]


async def test_statements_are_limited_by_the_time_that_they_take(scripts):
    failed = await failure_of(scripts, "a.js", "for (;;);", management=", statementLimit: 20000")
    assert "exceeded the statement limit (20000): it took more than 0.2 s of a processor" in failed.detail


async def test_a_hundred_thousand_results(scripts):
    text = "result = Array.from({length: 100000}, (_, i) => i)"
    assert await result_of(scripts, "a.js", text) == [*range(100_000)]
    assert await result_of(scripts, "a.py", "result = list(range(100000))") == [*range(100_000)]


async def test_two_hundred_at_once_and_the_loop_goes_on(scripts):
    """Every script runs to its end, bad ones beside good ones, and nobody else waits for them."""
    (scripts / "a.js").write_text("if (context.n % 20 === 0) for (;;); result = context.n")
    loaded = capability(scripts, "a.js", more=", language: javascript", management=", timeout: 100")
    beats = 0

    async def beat() -> None:
        nonlocal beats
        while True:
            await asyncio.sleep(0.005)
            beats += 1

    async with loaded:
        beating = asyncio.create_task(beat())
        found = await asyncio.gather(*(loaded.units[0].run({"n": n}) for n in range(200)), return_exceptions=True)
        beating.cancel()
    for n, each in enumerate(found):
        assert isinstance(each, ScriptFailed) if n % 20 == 0 else each.value == n
    assert beats > 20  # ten endless ones take half a second at least


async def test_a_caller_who_leaves_ends_the_script(scripts):
    for name, text in (("a.js", "for (;;);"), ("a.py", "while True: pass")):
        (scripts / name).write_text(text)
        language = "python" if name.endswith("py") else "javascript"
        loaded = capability(scripts, name, more=f", language: {language}", management=", statementLimit: 100000000")
        began = time.monotonic()
        async with loaded:
            running = asyncio.create_task(loaded.units[0].run({}))
            await asyncio.sleep(0.3)
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running
        assert time.monotonic() - began < 30  # far from the minute that it may take


def children() -> set[str]:
    found = Path(f"/proc/self/task/{os.getpid()}/children")
    return set(found.read_text().split()) if found.exists() else set()


async def test_no_process_is_left(scripts):
    before = children()
    await result_of(scripts, "a.js", "result = 1")
    await result_of(scripts, "a.py", "result = 1")
    gc.collect()
    assert children() <= before


async def test_what_is_printed_is_logged_for_who_looks(scripts, caplog):
    caplog.set_level("DEBUG", "naftiko")
    await result_of(scripts, "a.js", "console.log('seen', {a: 1}); print('x'.repeat(100000)); result = 1")
    await result_of(scripts, "a.py", "print('seen by python')\nresult = 1")
    said = [record.getMessage() for record in caplog.records if "printed" in record.getMessage()]
    assert said[0].startswith("script step 's' printed: seen {\"a\":1}\nxxx")
    assert len(said[0]) < 10_000
    assert "seen by python" in said[1]


async def test_runs_are_counted_and_limits_change_while_it_runs(scripts):
    (scripts / "a.js").write_text("if (context.n) throw 1; result = 1")
    loaded = capability(scripts, "a.js", more=", language: javascript")
    async with loaded:
        governance = loaded.engine.scripting.governance
        await loaded.units[0].run({})
        with pytest.raises(ScriptFailed):
            await loaded.units[0].run({"n": 1})
        shown = governance.show()["stats"]
        assert (shown["totalExecutions"], shown["totalErrors"]) == (2, 1)
        assert shown["averageDurationMs"] > 0
        governance.change({"enabled": False})
        with pytest.raises(ScriptFailed, match="disabled"):
            await loaded.units[0].run({})


async def test_no_script_runs_where_nothing_is_sent(scripts):
    """What it would make of answers that nobody gave is unknown."""
    (scripts / "a.js").write_text("result = context.people.length")
    loaded = capability(scripts, "a.js", more=", language: javascript")
    mocked = naftiko.load(loaded.path, settings=Settings(mock=True))
    async with mocked:
        planned = await mocked.units[0].run({})
    assert "GET" in json.dumps(planned.value)
