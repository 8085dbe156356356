"""Loading a file: the root key, versions, both places of each section, and what stops a file (SEMANTICS 1.2 to 1.4)."""

from __future__ import annotations

from pathlib import Path

import pytest

from naftiko.document.load import load_document, parse_document
from naftiko.ground.errors import CapabilityError

VERSIONS = ["0.4", "0.5", *(f"1.0.0-{kind}{n}" for kind in ("alpha", "beta") for n in range(1, 6))]


def load(text):
    return parse_document(text, Path("f.yaml"))


def rules(loaded):
    return [found.rule for found in loaded.findings]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("key", ["naftiko", "ikanos"])
def test_the_root_key_and_every_version(key, version):
    loaded = load(f"{key}: {version}\n")
    assert loaded.usable
    assert loaded.document.version == version
    assert not list(loaded.findings)


def test_an_unknown_version_is_a_warning_and_read_as_the_newest():
    loaded = load("naftiko: 9.9\nconsumes: [{namespace: a}]\n")
    assert loaded.usable
    assert rules(loaded) == ["unknown-version"]
    assert loaded.document.consumes[0].namespace == "a"


@pytest.mark.parametrize(
    ("text", "line", "hint"),
    [
        ("consumes: []\n", 1, "start the file with"),
        ("info: {}\nnaftko: 1.0.0-alpha2\n", 2, "did you mean `naftiko`?"),
        ("naftiko: {consumes: []}\n", 1, "start the file with"),
    ],
)
def test_without_a_root_key_it_is_no_capability(text, line, hint):
    loaded = load(text)
    found = next(iter(loaded.findings))
    assert not loaded.usable
    assert (found.rule, found.position.line) == ("no-root-key", line)
    assert hint in found.hint


@pytest.mark.parametrize("text", ["a: b: c", "", "- x", b"\xff\xfe\xff"])
def test_what_is_no_yaml_mapping_is_no_capability(text):
    loaded = load(text)
    assert not loaded.usable
    assert loaded.document.consumes == ()
    assert len(loaded.findings.errors) == 1


@pytest.mark.parametrize("section", ["consumes", "exposes", "aggregates", "binds"])
@pytest.mark.parametrize(
    ("root", "inner", "names"),
    [
        ("[{namespace: a}]", None, ["a"]),
        (None, "[{namespace: b}]", ["b"]),
        ("[{namespace: a}]", "[{namespace: b}]", ["a", "b"]),
        ("[{namespace: a}]", "", ["a"]),
        ("", "[{namespace: b}]", ["b"]),
        ("{a: {}}", "{b: {}}", ["a", "b"]),
        ("", "", []),
    ],
)
def test_root_and_capability_sections_are_joined(section, root, inner, names):
    text = "naftiko: 0.5\n"
    text += f"{section}: {root}\n" if root is not None else ""
    text += f"capability:\n  {section}: {inner}\n" if inner is not None else ""
    loaded = load(text)
    assert [found.namespace for found in getattr(loaded.document, section)] == names


def test_info_may_stand_in_the_capability():
    loaded = load("naftiko: 0.5\ncapability: {info: {label: Mine}}\n")
    assert loaded.document.info.label == "Mine"
    assert not list(loaded.findings)


@pytest.mark.parametrize(("written", "told"), [("", []), ("[1]", ["wrong-type"]), ("word", ["wrong-type"])])
def test_a_capability_that_is_no_mapping(written, told):
    assert rules(load(f"naftiko: 0.5\ncapability: {written}\n")) == told


def test_everything_found_is_told_in_one_go():
    loaded = load(
        "naftiko: 9.9\ninfo: {labl: x}\nconsumes:\n- namespace: a\n  namespace: b\n  resources: 5\n"
        "exposes:\n- type: mpc\n- type: mcp\n  port: x\n"
    )
    assert sorted(rules(loaded)) == [
        "duplicate-key",
        "unknown-key",
        "unknown-kind",
        "unknown-version",
        "wrong-type",
        "wrong-type",
    ]


def test_a_file_that_can_not_be_read_says_why(tmp_path):
    with pytest.raises(CapabilityError, match="no such file"):
        load_document(tmp_path / "gone.yaml")
    with pytest.raises(CapabilityError, match="is a directory"):
        load_document(tmp_path)


def test_a_file_is_loaded_by_its_path(tmp_path):
    (tmp_path / "c.yaml").write_bytes(b"\xef\xbb\xbfnaftiko: 0.5\r\ninfo:\r\n  label: A\r\n")
    loaded = load_document(tmp_path / "c.yaml")
    assert (loaded.path.name, loaded.document.info.label, list(loaded.findings)) == ("c.yaml", "A", [])
