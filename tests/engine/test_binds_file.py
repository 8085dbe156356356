"""Bind variables from the environment and from files beside the capability."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from naftiko.document.model import Bind
from naftiko.engine.binds import KNOWN, Source, open_source
from naftiko.engine.variables import BoundVariables
from naftiko.ground.errors import MissingVariable

YAML = """\
# secrets of the shipyard
registry-token: "abc 123"
pin: 0123
rate: 1.10
flag: NO
when: 2024-01-01
nothing: ~
empty: ""
database:
  password: hunter2
  hosts: [a, b]
database.password: the flat one wins
a.b:
  c.d: deep
"""


def opened(path: Path, text: str | bytes, location: str | None = None) -> Source:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return open_source(location or f"file:///./{path.name}", path.parent, {})


@pytest.fixture
def yaml(tmp_path: Path) -> Source:
    return opened(tmp_path / "secrets.yaml", YAML)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("registry-token", "abc 123"),
        ("pin", "0123"),
        ("rate", "1.10"),
        ("flag", "NO"),
        ("when", "2024-01-01"),
        ("database.hosts", '["a","b"]'),
        ("database.password", "the flat one wins"),
        ("a.b.c.d", "deep"),
        ("database", '{"password":"hunter2","hosts":["a","b"]}'),
        ("nothing", None),
        ("empty", None),
        ("password", None),
        ("database.user", None),
        ("pin.digits", None),
    ],
)
def test_yaml_scalars_are_text_as_written_and_dotted_keys_walk(yaml, key, value):
    assert yaml.get(key) == value
    assert yaml.reason == ""


def test_json_keeps_numbers_as_written_and_escapes(tmp_path):
    source = opened(
        tmp_path / "s.json", '\ufeff{"n": 0.10, "i": 12345678901234567890, "b": true, "e": "\\ud83d\\ude00\\/"}'
    )
    assert [source.get(key) for key in ("n", "i", "b", "e", "x")] == [
        "0.10",
        "12345678901234567890",
        "true",
        "😀/",
        None,
    ]


@pytest.mark.parametrize("name", [".env", "secrets.env", ".env.local", "PROD.ENV"])
def test_dotenv_by_its_name(tmp_path, name):
    text = "# comment\nexport TOKEN='a b'\nRAW=x#y ${HOME}\nEMPTY=\nMULTI=\"one\\ntwo\"\r\n"
    source = opened(tmp_path / name, text)
    assert source.get("TOKEN") == "a b"
    assert source.get("RAW") == "x#y ${HOME}", "a value is never completed from elsewhere"
    assert source.get("EMPTY") is None
    assert source.get("MULTI") == "one\ntwo"


@pytest.mark.parametrize(
    "location",
    [
        "file:///./shared/my secrets.yaml",
        "file://./shared/my%20secrets.yaml",
        "file://shared/my secrets.yaml",
        "FILE:///./shared/my secrets.yaml",
        "file:./shared/my secrets.yaml",
        "./shared/my secrets.yaml",
        "shared/my secrets.yaml",
        " file:///./shared/../shared/my secrets.yaml ",
        "file:///{base}/shared/my secrets.yaml",
        "file://localhost{base}/shared/my secrets.yaml",
        "{base}/shared/my secrets.yaml",
    ],
)
def test_every_way_to_write_a_path_is_seen_from_the_capability(tmp_path, monkeypatch, location):
    """The working directory plays no part."""
    base = tmp_path / "capabilities"
    (base / "shared").mkdir(parents=True)
    (base / "shared" / "my secrets.yaml").write_text("k: v")
    monkeypatch.chdir(tmp_path)
    assert open_source(location.format(base=base), base, {}).get("k") == "v"


def test_a_location_may_climb_out_of_the_directory(tmp_path):
    (tmp_path / "secrets.yaml").write_text("k: v")
    (tmp_path / "capabilities").mkdir()
    for location in ("file://../secrets.yaml", "file:///../secrets.yaml", "../secrets.yaml"):
        assert open_source(location, tmp_path / "capabilities", {}).get("k") == "v"


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("s.yaml", "a: [hunter2", "line 2: while parsing a flow sequence"),
        ("s.yaml", "a: hunter2\na: hunter2\n", "line 2: `a` stands twice"),
        ("s.yaml", "- hunter2", "it holds no map of keys and values"),
        ("s.yaml", "", "it holds no map of keys and values"),
        ("s.yaml", "a: !ruby/object hunter2", "tag"),
        ("s.yaml", b"a: \xff\xfehunter2", "not UTF-8"),
        (
            "s.yaml",
            "a: &a [x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a]\n"
            + "".join(
                f"{name}: &{name} [{', '.join(['*' + above] * 9)}]\n"
                for above, name in zip("bcdefg", "cdefgh", strict=True)
            ),
            "aliases",
        ),
        ("s.json", '{"a": "hunter2",}', "it is not JSON"),
        ("s.json", '["hunter2"]', "it holds no map"),
        ("s.json", "[" * 100_000, "nested too deeply"),
        ("s.json", b'{"a": "\xff"}', "not UTF-8"),
        (".env", b"A=\xff", "not UTF-8"),
    ],
)
def test_a_broken_file_has_no_values_and_says_why_without_them(tmp_path, name, content, reason):
    source = opened(tmp_path / name, content)
    assert source.get("a") is None
    assert reason in source.reason
    assert "hunter2" not in source.reason


def test_a_line_of_dotenv_that_means_nothing_is_passed_over(tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    source = opened(tmp_path / ".env", "= hunter2\nA=1\n")
    assert source.get("A") == "1"
    assert "hunter2" not in caplog.text


def test_a_file_that_is_not_there_a_directory_and_one_that_is_too_large(tmp_path, monkeypatch):
    assert "there is no file" in open_source("file:///./no.yaml", tmp_path, {}).reason
    assert "can't be read" in open_source("file:///./", tmp_path, {}).reason
    assert "can't be read" in open_source("a\0b.yaml", tmp_path, {}).reason
    with (tmp_path / "large.yaml").open("wb") as file:
        file.truncate(33 * 1024 * 1024)
    assert open_source("large.yaml", tmp_path, {}).reason == "it is larger than 32 MiB"


def test_opening_reads_nothing_and_a_file_is_read_once(tmp_path):
    source = open_source("s.yaml", tmp_path, {})
    (tmp_path / "s.yaml").write_text("k: first")
    assert source.get("k") == "first"
    (tmp_path / "s.yaml").write_text("k: second")
    assert source.get("k") == "first"
    assert open_source("s.yaml", tmp_path, {}).get("k") == "second"


def test_env_is_the_environment():
    source = open_source("env://", Path(), {"A": "1", "EMPTY": ""})
    assert (source.get("A"), source.get("EMPTY"), source.get("B"), source.reason) == ("1", None, None, "")


@pytest.mark.parametrize("scheme", ["github-secrets", "https", "GCP"])
def test_an_unknown_scheme_names_the_known_ones(scheme):
    source = open_source(f"{scheme}://somewhere", Path(), {"A": "1"})
    assert source.get("A") is None
    assert f"`{scheme.lower()}://` is not read here" in source.reason
    assert all(f"{known}://" in source.reason for known in KNOWN)


def bound(base: Path, location: str | None, environment: dict[str, str], **given: str) -> BoundVariables:
    bind = Bind(namespace="shop", location=location, keys={"TOKEN": "registry-token", "MISSING": "absent"})
    return BoundVariables([bind], given=given, environment=environment, base=base)


def test_variables_read_a_bind_and_hide_what_they_found(tmp_path):
    (tmp_path / "secrets.yaml").write_text(YAML)
    variables = bound(tmp_path, "file:///./secrets.yaml", {"TOKEN": "of the environment"})
    assert variables.value("TOKEN") == variables.value("shop.TOKEN") == "abc 123"
    assert variables.redactor.redact("sent abc 123") == "sent ***"
    with pytest.raises(MissingVariable) as caught:
        variables.value("MISSING")
    assert caught.value.hint == "give the key absent a value in file:///./secrets.yaml"
    assert bound(tmp_path, "file:///./secrets.yaml", {}, TOKEN="given").value("TOKEN") == "given"


def test_variables_tell_why_a_source_can_not_be_read(tmp_path):
    with pytest.raises(MissingVariable) as caught:
        bound(tmp_path, "file:///./secrets.yaml", {}).value("TOKEN")
    assert f"(there is no file {tmp_path / 'secrets.yaml'})" in caught.value.hint


async def test_what_is_renewed_is_read_anew(tmp_path):
    (tmp_path / "secrets.yaml").write_text("registry-token: first")
    variables = bound(tmp_path, "file:///./secrets.yaml", {})
    assert variables.value("TOKEN") == "first"
    (tmp_path / "secrets.yaml").write_text("registry-token: second")
    assert variables.value("TOKEN") == "first"
    assert await variables.renew(["TOKEN"])
    assert variables.value("TOKEN") == "second"
    (tmp_path / "secrets.yaml").write_text("registry-token: third")
    assert await variables.renew(["TOKEN"])
    assert not await variables.renew(["OTHER"])
    assert variables.value("TOKEN") == "second", "read a moment ago"


def test_no_scheme_costs_anything_before_it_is_used():
    """What reads YAML files, TLS and .env is imported by the first bind that needs it."""
    code = (
        "import sys, pathlib; from naftiko.engine.binds import open_source;"
        "heavy = {'httpx', 'dotenv', 'truststore', 'naftiko.engine.binds.vault'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120, env={**os.environ}
    )
    assert done.stdout.strip() == "[]"
