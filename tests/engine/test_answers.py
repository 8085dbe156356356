"""From an upstream's response to an answer (SEMANTICS 5)."""

from __future__ import annotations

import asyncio
import json
import time

import httpx
import pytest
from consuming import consuming

from naftiko.ground.errors import InputError, UpstreamBroken, UpstreamStatus
from naftiko.ground.sizes import binary_bytes


async def answered(response, operation=None, **tool):
    """The answer of a unit whose upstream gives this response."""
    capability = consuming(operation, tool=tool, handler=lambda _: response)
    return await capability.units[0].run({})


def document(value, **headers):
    return httpx.Response(200, content=json.dumps(value), headers={"content-type": "application/json", **headers})


# As it is


@pytest.mark.parametrize("outputs", [[], [{"type": "object", "mapping": "$."}], [{"type": "array", "mapping": "$"}]])
async def test_the_document_as_it_is_keeps_its_bytes(outputs):
    """Spaces, the order of keys, escapes, large numbers and `1.0` are the upstream's."""
    content = b' {"b" : 1.0, "a":"\\u00e9", "n": 123456789012345678901234567890}\n'
    response = httpx.Response(200, content=content, headers={"content-type": "application/json; charset=utf-8"})
    answer = await answered(response, outputParameters=outputs)
    assert answer.content == content
    assert answer.media_type == "application/json; charset=utf-8"
    assert answer.value == {"b": 1.0, "a": "é", "n": 123456789012345678901234567890}


async def test_a_json_answer_without_a_media_type():
    """Many APIs forget it."""
    answer = await answered(httpx.Response(200, content=b"[1]"))
    assert (answer.content, answer.media_type, answer.value) == (b"[1]", "application/json", [1])


@pytest.mark.parametrize("status", [200, 201, 202, 204, 205, 304])
async def test_no_content_is_no_error(status):
    """Whatever the outputs say."""
    for outputs in ([], [{"name": "id", "type": "string", "mapping": "$.id"}]):
        answer = await answered(httpx.Response(status), outputParameters=outputs)
        assert (answer.status, answer.has_content, answer.content, answer.value) == (status, False, b"", None)


BROKEN = [b'{"a": 1', b"{'a': 1}", b"[1, 2,]", b"<html>", b"\xff\xfe{", b"nope", b"[" + b"1," * 50_000]
JSON = {"content-type": "application/json"}


@pytest.mark.parametrize("content", BROKEN)
async def test_broken_json_that_is_passed_on_keeps_its_bytes(content):
    """Whoever gets them may know better; who wants the value is told (SEMANTICS 5.4)."""
    answer = await answered(httpx.Response(200, content=content, headers=JSON))
    assert (answer.content, answer.media_type) == (content, "application/json")
    with pytest.raises(UpstreamBroken, match=r"api\.do.*json"):
        _ = answer.value


@pytest.mark.parametrize("content", BROKEN)
async def test_broken_json_that_is_mapped_is_an_error(content):
    """With the operation's name, the beginning of what came, and what to do."""
    outputs = [{"name": "a", "type": "integer", "mapping": "$.a"}]
    with pytest.raises(UpstreamBroken, match=r"api\.do.*json") as caught:
        await answered(httpx.Response(200, content=content, headers=JSON), outputParameters=outputs)
    assert "outputRawFormat" in caught.value.hint
    assert caught.value.response.content == content


async def test_a_byte_order_mark_is_not_passed_on():
    """RFC 8259 forbids it, and most readers of JSON fail on it; other media types keep their bytes."""
    for media_type, left in (("application/json", b"[1]"), ("text/csv", b"\xef\xbb\xbf[1]")):
        response = httpx.Response(200, content=b"\xef\xbb\xbf[1]", headers={"content-type": media_type})
        assert (await answered(response)).content == left


CODED = {"content-type": "application/json", "content-encoding": "compress"}


async def test_a_coding_that_is_not_known_is_passed_on_with_its_name():
    """To who gets the headers; nobody else can read it (SEMANTICS 4.8)."""
    answer = await answered(httpx.Response(200, stream=httpx.ByteStream(b"\xef\xbb\xbf\x1f\x9d"), headers=CODED))
    assert (answer.sent, dict(answer.headers)) == (b"\xef\xbb\xbf\x1f\x9d", {"content-encoding": "compress"})
    for read in (lambda: answer.content, lambda: answer.value):
        with pytest.raises(UpstreamBroken, match=r"`api\.do` is in the coding `compress`, which can't be undone here"):
            read()


@pytest.mark.parametrize(
    ("operation", "outputs"),
    [({}, [{"name": "a", "type": "string", "mapping": "$.a"}]), ({"outputRawFormat": "csv"}, [])],
)
async def test_a_coding_that_is_not_known_is_an_error_where_the_answer_is_read(operation, outputs):
    with pytest.raises(UpstreamBroken, match="in the coding `compress`"):
        await answered(
            httpx.Response(200, stream=httpx.ByteStream(b"\x1f\x9d"), headers=CODED),
            operation,
            outputParameters=outputs,
        )


@pytest.mark.parametrize("media_type", ["text/plain", "image/png", "text/html; charset=latin-1", "application/pdf"])
async def test_another_media_type_is_passed_on(media_type):
    """Something that isn't JSON although outputRawFormat was left at its default."""
    answer = await answered(httpx.Response(200, content=b"\x00\xff", headers={"content-type": media_type}))
    assert (answer.content, answer.media_type, answer.value) == (b"\x00\xff", media_type, b"\x00\xff")


async def test_useful_headers_come_along():
    """And no others: no cookies, nothing of the connection."""
    sent = {
        "ETag": '"1"', "Link": "<x>; rel=next", "RateLimit-Remaining": "3", "X-RateLimit-Limit": "9", "Set-Cookie": "a=b", "Server": "x",
        "Connection": "close", "X-Internal": "1", "Location": "/x",
    }  # fmt: skip
    answer = await answered(document({}, **sent))
    assert {name for name, _ in answer.headers} == {
        "etag",
        "link",
        "ratelimit-remaining",
        "x-ratelimit-limit",
        "location",
    }


async def test_a_changed_document_has_no_etag_of_the_upstream():
    """It names other bytes than the ones that are answered."""
    answer = await answered(
        document({"a": 1}, ETag='"1"', Link="<x>"),
        outputParameters=[{"name": "a", "type": "integer", "mapping": "$.a"}],
    )
    assert [name for name, _ in answer.headers] == ["link"]


# Mapped


async def test_mapped_outputs():
    """Types stay native, nothing found is null, nothing is ever an error."""
    outputs = [
        {"name": "id", "type": "string", "mapping": "$.user.id"},
        {"name": "missing", "type": "integer", "mapping": "$.nope[0].x"},
        {"name": "fixed", "type": "string", "const": "c"},
        {
            "name": "user",
            "type": "object",
            "mapping": "$.user",
            "properties": {"n": {"type": "number", "mapping": "$.n"}},
        },
        {"name": "names", "type": "array", "mapping": "$.list", "items": {"type": "string", "mapping": "$.name"}},
    ]
    answer = await answered(
        document({"user": {"id": 7, "n": 1.5}, "list": [{"name": "a"}, {}, None, 3]}), outputParameters=outputs
    )
    assert answer.value == {
        "id": 7, "missing": None, "fixed": "c", "user": {"n": 1.5}, "names": ["a", None, None, None],
    }  # fmt: skip
    assert (answer.media_type, answer.status) == ("application/json", 200)
    assert json.loads(answer.content) == answer.value


@pytest.mark.parametrize("value", [None, 1, "text", [], [None], {"user": 3}, {"user": []}, {"user": {"id": {}}}])
async def test_mapping_never_fails(value):
    """A document of another shape gives nulls."""
    outputs = [
        {"name": "id", "type": "string", "mapping": "$.user.id"},
        {
            "name": "all",
            "type": "array",
            "mapping": "$.user",
            "items": {"type": "object", "properties": {"a": {"mapping": "$.b.c"}}},
        },
    ]
    assert set((await answered(document(value), outputParameters=outputs)).value) == {"id", "all"}


async def test_consumed_outputs_are_visible_under_their_names():
    """An exposed mapping may name a consumed output."""
    operation = {"outputParameters": [{"name": "key", "type": "string", "value": "$.deep.id"}]}
    answer = await answered(
        document({"deep": {"id": "x"}}),
        operation,
        outputParameters=[{"name": "id", "type": "string", "mapping": "$.key"}],
    )
    assert answer.value == {"id": "x"}


async def test_the_status_of_the_upstream_is_kept():
    """201 with a mapped body is still 201."""
    answer = await answered(
        httpx.Response(201, json={"id": 1}), outputParameters=[{"name": "id", "type": "integer", "mapping": "$.id"}]
    )
    assert (answer.status, answer.value) == (201, {"id": 1})


# Formats


@pytest.mark.parametrize(
    ("kind", "content", "expected"),
    [
        ("xml", b"<r><v><c>V001</c></v></r>", {"v": {"c": "V001"}}),
        ("csv", b"id,name\n1,a\n", [{"id": "1", "name": "a"}]),
        ("tsv", b"id\tname\n1\ta\n", [{"id": "1", "name": "a"}]),
        ("yaml", b"a: 42\n", {"a": 42}),
    ],
)
async def test_other_formats_are_answered_as_json(kind, content, expected):
    """The media type of the upstream does not matter, and is not passed on; the case of the format's name neither."""
    for name in (kind, kind.upper()):
        response = httpx.Response(200, content=content, headers={"content-type": "x/y"})
        answer = await answered(response, {"outputRawFormat": name})
        assert answer.value == expected
        assert json.loads(answer.content) == expected
        assert answer.media_type == "application/json"


async def test_text_is_passed_on_as_text():
    """Its bytes are the answer; whoever wants the value gets it decoded."""
    response = httpx.Response(200, content="é".encode(), headers={"content-type": "text/plain; charset=utf-8"})
    answer = await answered(response, {"outputRawFormat": "text"})
    assert (answer.content, answer.media_type) == ("é".encode(), "text/plain; charset=utf-8")
    assert answer.value == "é"


async def test_a_charset_of_the_media_type_counts():
    """ISO 8859-1 text is not read as UTF-8."""
    response = httpx.Response(
        200, content="id\né\n".encode("latin-1"), headers={"content-type": "text/csv; charset=iso-8859-1"}
    )
    assert (await answered(response, {"outputRawFormat": "csv"})).value == [{"id": "é"}]


async def test_a_broken_document_of_another_format():
    """Says which format was expected, and what the upstream said that it sends."""
    response = httpx.Response(200, content=b"<r><v>", headers={"content-type": "text/xml"})
    with pytest.raises(UpstreamBroken, match="xml") as caught:
        await answered(response, {"outputRawFormat": "xml"}, outputParameters=[{"name": "a", "mapping": "$.a"}])
    assert "text/xml" in caught.value.hint


@pytest.mark.parametrize("kind", ["markdown", "html", "yaml", "xml"])
async def test_a_large_document_is_decoded_beside_the_loop(kind):
    """While it is decoded other requests go on: the loop is never away for long."""
    rows = range(6000)
    content = {
        "markdown": "\n\n".join(f"# H{row}\n\ntext *x*" for row in rows),
        "html": "<table><tr><th>a</th></tr>" + "".join(f"<tr><td>{row}</td></tr>" for row in rows) + "</table>",
        "yaml": "\n".join(f"- {{a: {row}, b: text}}" for row in rows),
        "xml": "<r>" + "".join(f"<v><a>{row}</a><b>text</b></v>" for row in range(20_000)) + "</r>",
    }[kind]
    ticks = 0

    async def tick():
        nonlocal ticks
        while True:
            await asyncio.sleep(0)
            ticks += 1

    ticking = asyncio.create_task(tick())
    started = time.perf_counter()
    await answered(httpx.Response(200, text=content), {"outputRawFormat": kind})
    took = time.perf_counter() - started
    ticking.cancel()
    assert ticks > max(3, took * 20), f"{ticks} ticks of the loop in {took:.2f} s"


# Binary


@pytest.mark.parametrize(
    ("declared", "upstream", "expected"),
    [
        (None, "image/png", "image/png"),
        ("image/jpeg", "image/png", "image/jpeg"),
        (None, None, "application/octet-stream"),
    ],
)
async def test_binary_answers_are_bytes_with_a_media_type(declared, upstream, expected):
    """OutputMediaType wins over what the upstream says; outputs don't apply."""
    operation = {"outputRawFormat": "binary"} | ({"outputMediaType": declared} if declared else {})
    headers = {"content-type": upstream} if upstream else {}
    answer = await answered(
        httpx.Response(200, content=b"{\x00\xff", headers=headers),
        operation,
        outputParameters=[{"name": "a", "mapping": "$.a"}],
    )
    assert (answer.content, answer.media_type) == (b"{\x00\xff", expected)


@pytest.mark.parametrize("limit", ["16", "16B", "0.5KiB", None])
async def test_max_binary_size(limit):
    """One byte more is an error that names the limit; exactly the limit is fine."""
    size = binary_bytes(limit)
    operation = {"outputRawFormat": "binary"} | ({"maxBinarySize": limit} if limit else {})
    assert len((await answered(httpx.Response(200, content=b"x" * size), operation)).content) == size
    with pytest.raises(UpstreamBroken, match=f"maxBinarySize of {size} bytes") as caught:
        await answered(httpx.Response(200, content=b"x" * (size + 1)), operation)
    assert "maxBinarySize" in caught.value.hint


async def test_max_binary_size_stops_reading():
    """An endless answer is not read to its end, which it has not."""
    read = 0

    async def endless():
        nonlocal read
        while True:
            read += 1024
            yield b"x" * 1024

    with pytest.raises(UpstreamBroken, match="maxBinarySize"):
        await answered(httpx.Response(200, content=endless()), {"outputRawFormat": "binary", "maxBinarySize": "8KiB"})
    assert read <= 16 * 1024


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("4096", 4096), ("512B", 512), ("512KiB", 524288), ("1.5MiB", 1572864), ("1GiB", 2**30), ("2 MB", 2**21), ("1k", 1024),
        ("10TB", 10 * 2**20), ("MiB", 10 * 2**20), ("", 10 * 2**20), (None, 10 * 2**20), ("0", 10 * 2**20), ("-1", 10 * 2**20),
    ],
)  # fmt: skip
def test_sizes(text, expected):
    """REFERENCE 16.6 (62); what is no size is the default."""
    assert binary_bytes(text) == expected


def test_the_adapters_limit_is_the_second_choice():
    """The operation's own comes first."""
    assert binary_bytes("1KiB", "2KiB") == 1024
    assert binary_bytes(None, "2KiB") == 2048


# Errors


@pytest.mark.parametrize(
    ("status", "word"), [(400, "inputs"), (403, "credential"), (404, "ids"), (429, "wait"), (500, "")]
)
async def test_an_upstreams_own_error(status, word):
    """The response itself is there, with a hint and Retry-After."""
    with pytest.raises(UpstreamStatus) as caught:
        await answered(httpx.Response(status, json={"e": 1}, headers={"retry-after": "7"}))
    assert caught.value.response.status_code == status
    assert (caught.value.operation, caught.value.retry_after) == ("api.do", 7.0)
    assert word in caught.value.hint


async def test_wrong_inputs_are_told_before_anything_is_sent():
    """All of them."""
    parameters = [{"name": name, "in": "query", "type": "integer", "required": True} for name in "abc"]
    capability = consuming({"inputParameters": parameters}, handler=lambda _: pytest.fail("sent"))
    with pytest.raises(InputError) as caught:
        await capability.units[0].run({"a": "x", "b": 1, "zzz": 2})
    assert sorted(problem.name for problem in caught.value.problems) == ["a", "c", "zzz"]
