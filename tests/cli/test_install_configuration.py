"""Put an entry into a client's configuration: whatever else is in it stays, to the byte where that can be said."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from naftiko.cli.clients.configuration import Occupied, Unreadable, changed

ENTRY = {"command": "/bin/naftiko", "args": ["serve", "a.yaml"]}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.text(max_size=8), JSON, max_size=4)


def put(text: str, **options) -> str:
    return changed(text, "mcpServers", "mine", ENTRY, **{"comments": True, **options})


@given(
    beside=OBJECTS,
    servers=st.none() | OBJECTS,
    indent=st.sampled_from([None, 2, 4, "\t"]),
    is_ascii=st.booleans(),
    comments=st.booleans(),
)
def test_whatever_a_file_holds_stays_and_a_second_time_changes_nothing(beside, servers, indent, is_ascii, comments):
    beside.pop("mcpServers", None)
    servers = None if servers is None else {name: value for name, value in servers.items() if name != "mine"}
    before = beside if servers is None else {**beside, "mcpServers": servers}
    text = json.dumps(before, indent=indent, ensure_ascii=is_ascii)
    after = put(text, comments=comments)
    assert json.loads(after) == {**before, "mcpServers": {**(servers or {}), "mine": ENTRY}}
    assert put(after, comments=comments) == after


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", '{\n  "mcpServers": {\n    "mine": #\n  }\n}\n'),
        ("{}", '{\n  "mcpServers": {\n    "mine": #\n  }\n}'),
        ('{"mcpServers": {}}', '{"mcpServers": {\n    "mine": #\n  }}'),
        ('{\n\t"a": 1\n}\n', '{\n\t"a": 1,\n\t"mcpServers": {\n\t\t"mine": #\n\t}\n}\n'),
        ('{\n  "a": 1, // one\n}', '{\n  "a": 1, // one\n  "mcpServers": {\n    "mine": #\n  }\n}'),
        ('{\n  "a": 1 // one, two\n}', '{\n  "a": 1, // one, two\n  "mcpServers": {\n    "mine": #\n  }\n}'),
        ("{\n  // nothing yet\n}", '{\n  // nothing yet\n  "mcpServers": {\n    "mine": #\n  }\n}'),
        ('{\r\n  "a": 1\r\n}\r\n', '{\r\n  "a": 1,\r\n  "mcpServers": {\r\n    "mine": #\r\n  }\r\n}\r\n'),
    ],
)  # fmt: skip
def test_layout_and_comments_stay(text, expected):
    indent = "\t" if "\t" in expected else "  "
    newline = "\r\n" if "\r\n" in expected else "\n"
    entry = json.dumps(ENTRY, indent=indent).replace("\n", newline + indent * 2)
    assert put(text) == expected.replace("#", entry)


def test_of_two_members_with_one_name_the_last_counts_as_it_does_for_every_reader():
    text = '{"mcpServers": {"a": 1}, "mcpServers": {"b": 2}}'
    assert json.loads(put(text))["mcpServers"] == {"b": 2, "mine": ENTRY}


@pytest.mark.parametrize("text", ["{", "[]", "null", "{} {}", '{"mcpServers": 1}', '{"a": 1,, "b": 2}', "{'a': 1}"])
def test_what_is_no_configuration_is_refused(text):
    with pytest.raises(Unreadable):
        put(text)


@pytest.mark.parametrize("text", ['{"a": 1,}', '{"a": 1} // b', '{/* */"a": 1}'])
def test_comments_and_trailing_commas_are_for_clients_that_read_them(text):
    assert "mine" in put(text)
    with pytest.raises(Unreadable):
        put(text, comments=False)


def test_another_entry_is_replaced_only_by_force():
    text = '{"mcpServers": {"mine": {"command": "old"}}}'
    with pytest.raises(Occupied):
        put(text)
    assert json.loads(put(text, force=True))["mcpServers"] == {"mine": ENTRY}
