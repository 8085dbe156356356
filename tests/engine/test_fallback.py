"""What is answered in place of a failure, and that it says so."""

from __future__ import annotations

import pytest
from resilience_world import RESET, Seen, status, world

import naftiko
from naftiko.ground.errors import UpstreamRefused, UpstreamStatus
from virtual_time import virtual_time

FILE = """
naftiko: 1.0.0-alpha2
consumes:
- type: http
  namespace: notes
  baseUri: "NOTES"
  resiliency: {circuitBreaker: {slidingWindowSize: 3}}
  resources:
  - path: /notes/{id}
    operations:
    - {name: get, method: GET, inputParameters: [{name: lang, in: query}], resiliency: {fallback: {call: archive.read}}}
    - {name: with, method: GET, resiliency: {fallback: {call: archive.read, with: {id: "old-{{id}}", lang: xx}}}}
    - {name: constant, method: GET, resiliency: {fallback: {value: {n: 0, of: "nobody"}, status: 203}}}
    - {name: text, method: GET, outputRawFormat: csv, resiliency: {fallback: {value: "n\\n7\\n"}}}
    - {name: back, method: GET, resiliency: {fallback: archive.back}}
- type: http
  namespace: archive
  baseUri: "ARCHIVE"
  resources:
  - path: /archive/{id}
    operations:
    - {name: read, method: GET, inputParameters: [{name: lang, in: query}]}
    - {name: back, method: GET, resiliency: {fallback: {call: notes.back}}}
exposes:
- type: mcp
  namespace: mcp
  tools:
  - {name: get, description: d, call: notes.get}
  - {name: with, description: d, call: notes.with}
  - {name: constant, description: d, call: notes.constant}
  - {name: back, description: d, call: notes.back}
  - {name: text, description: d, call: notes.text, outputParameters: [{type: array, mapping: $}]}
  - name: mapped
    description: d
    call: notes.get
    outputParameters: [{type: object, properties: {got: {type: integer, mapping: $.n}}}]
  - name: steps
    description: d
    inputParameters: [{name: id, type: string, description: d}]
    steps: [{type: call, name: one, call: notes.get, with: {id: "{{id}}"}}]
    mappings: [{targetName: got, value: $.one.n}]
"""


def load(notes, archive, size=3, **settings):
    made = naftiko.loads(
        FILE.replace("Size: 3", f"Size: {size}").replace("NOTES", notes.url).replace("ARCHIVE", archive.url),
        settings=naftiko.Settings(environment={}, **settings),
    )
    assert not made.errors, made.errors
    return made


async def run(api, name, **inputs):
    return await next(unit for unit in api.units if unit.name == name).run({"id": "7", **inputs})


def notes_of(answer):
    return [value for name, value in answer.headers if name == "naftiko-note"]


@pytest.mark.parametrize(("fault", "reason"), [(status(500), "500"), (status(429), "429"), (RESET, "upstream-broken")])
@virtual_time
async def test_another_operation_answers_with_the_same_arguments(fault, reason):
    async with world(fault) as notes, world() as archive, load(notes, archive) as api:
        answer = await run(api, "get", lang="en")
        assert answer.value == {"n": 1}
        assert notes_of(answer) == [f'fallback;from="archive.read";reason="{reason}"']
        assert [asked.path for asked in archive.asked] == ["/archive/7?lang=en"]
        good = await run(api, "get")
        assert notes_of(good) == []
    assert len(archive.asked) == 1


@virtual_time
async def test_its_own_arguments_may_be_made_of_them():
    async with world(status(500)) as notes, world() as archive, load(notes, archive) as api:
        assert (await run(api, "with")).value == {"n": 1}
    assert [asked.path for asked in archive.asked] == ["/archive/old-7?lang=xx"]


@virtual_time
async def test_a_constant_answers():
    async with world(status(500)) as notes, world() as archive, load(notes, archive) as api:
        answer = await run(api, "constant")
        assert (answer.status, answer.value) == (203, {"n": 0, "of": "nobody"})
        assert notes_of(answer) == ['fallback;from="constant";reason="500"']
        notes.usual = status(500)
        assert (await run(api, "text")).value == [{"n": "7"}]


@virtual_time
async def test_what_is_mapped_and_what_is_made_of_steps_is_labelled_too():
    async with world() as notes, world() as archive, load(notes, archive, size=100) as api:
        notes.usual = status(502)
        for name in ("mapped", "steps"):
            answer = await run(api, name)
            assert answer.value == {"got": 1}
            assert notes_of(answer) == ['fallback;from="archive.read";reason="502"']
        notes.usual = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 8\r\n\r\n{"n": 2}'
        for name in ("mapped", "steps"):
            answer = await run(api, name)
            assert (answer.value, notes_of(answer)) == ({"got": 2}, [])


@virtual_time
async def test_an_open_breaker_is_a_failure():
    async with world() as notes, world() as archive, load(notes, archive) as api:
        notes.usual = status(500)
        found = [notes_of(await run(api, "get"))[0] for _ in range(5)]
    assert [each.rpartition("=")[2] for each in found] == ['"500"'] * 3 + ['"circuit-open"'] * 2
    assert (len(notes.asked), len(archive.asked)) == (3, 5)


@virtual_time
async def test_a_name_of_any_letters_is_told_in_ascii():
    text = FILE.replace("archive.read", '"archive.заметка"').replace("name: read", "name: заметка")
    async with world(status(500)) as notes, world() as archive:
        text = text.replace("NOTES", notes.url).replace("ARCHIVE", archive.url)
        async with naftiko.loads(text) as api:
            assert api.errors == ()
            (note,) = notes_of(await run(api, "get"))
    assert note.startswith('fallback;from="archive.%D0%B7')


@pytest.mark.parametrize("fault", [status(404), status(400), status(409)])
@virtual_time
async def test_what_a_caller_did_wrong_is_told(fault):
    async with world(fault) as notes, world() as archive, load(notes, archive) as api:
        with pytest.raises(UpstreamStatus):
            await run(api, "get")
    assert archive.asked == []


@virtual_time
async def test_when_both_fail_the_first_failure_is_told():
    seen = Seen()
    async with world(status(503)) as notes, world(status(500)) as archive, load(notes, archive, observer=seen) as api:
        with pytest.raises(UpstreamStatus, match="the upstream answered 503"):
            await run(api, "get")
    assert ("fallback", "failed") in seen.outcomes


@virtual_time
async def test_what_stands_in_has_no_stand_in_of_its_own():
    async with world() as notes, world() as archive, load(notes, archive) as api:
        notes.usual = archive.usual = status(500)
        with pytest.raises(UpstreamStatus):
            await run(api, "back")
    assert (len(notes.asked), len(archive.asked)) == (1, 1)


@virtual_time
async def test_a_refused_credential_is_for_the_operator_to_mend():
    async with world(status(401), status(401)) as notes, world() as archive:
        text = FILE.replace("NOTES", notes.url).replace("ARCHIVE", archive.url)
        text = text.replace("  resiliency: {c", "  authentication: {type: bearer, token: t0ken}\n  resiliency: {c", 1)
        async with naftiko.loads(text) as api:
            with pytest.raises(UpstreamRefused):
                await run(api, "get")
    assert archive.asked == []


@pytest.mark.parametrize(
    ("fallback", "said"),
    [
        ("archive.nothing", "`archive` has no operation `nothing`"),
        ("nowhere.nothing", "nowhere"),
        ("notes.get", "`notes.get` would stand in for itself"),
        ("notes.text", "`notes.text` answers csv, and `notes.get` json"),
        ("{value: {a: 1}}}, outputRawFormat: xml, body: {type: raw", "`value` must be text in that format"),
        ("{call: archive.keyed}", "`archive.keyed` requires `key`, which `notes.get` has no value for"),
    ],
)
def test_a_fallback_that_can_not_be_is_told_where_it_stands(fallback, said):
    text = FILE.replace("{call: archive.read}", fallback, 1).replace(
        "    - {name: back, method: GET, resiliency: {fallback: {call: notes.back}}}",
        "    - {name: keyed, path: '/{key}', method: GET}\n    - {name: back, method: GET}",
    )
    found = [each for each in naftiko.loads(text).diagnostics if said in each.message]
    assert [each.severity.value for each in found] == ["error"]
    assert found[0].position.line == 11
