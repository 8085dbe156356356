"""The registry of formats: names, limits, and libraries that are not installed."""

from __future__ import annotations

import builtins
import sys

import pytest

from naftiko.engine.formats import KNOWN, FormatError, FormatOptions, FormatUnavailable, decoder

NEED_A_LIBRARY = {"html": "lxml.etree", "markdown": "markdown_it", "avro": "fastavro"}


def test_the_names_are_those_of_the_contract():
    assert {
        "json",
        "xml",
        "csv",
        "tsv",
        "psv",
        "yaml",
        "html",
        "markdown",
        "avro",
        "protobuf",
        "binary",
        "text",
    } == KNOWN


def test_a_name_may_be_written_in_capitals():
    assert decoder("XmL")(b"<r><a>1</a></r>", None) == {"a": "1"}


def test_an_unknown_name_is_told_with_those_that_are_known():
    with pytest.raises(FormatError) as caught:
        decoder("INI")
    assert caught.value.detail.startswith('Unsupported format "INI"; known: json, xml')


@pytest.mark.parametrize("name", sorted(KNOWN - {"avro", "protobuf"}))
def test_a_body_beyond_the_limit_is_refused_unread(name):
    with pytest.raises(FormatError, match="larger than 4 bytes"):
        decoder(name, FormatOptions(max_bytes=4))(b"12345", None)


@pytest.mark.parametrize(("name", "module"), NEED_A_LIBRARY.items())
def test_a_missing_library_is_told_with_the_extra_that_brings_it(name, module, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(FormatUnavailable, match=r'pip install "naftiko\[formats\]"') as caught:
        decoder(name)
    assert caught.value.extra == "formats"


def test_formats_without_a_library_work_when_none_is_installed(monkeypatch):
    real_import = builtins.__import__

    def refuse(name, *rest):
        if name.split(".")[0] in {"lxml", "cssselect", "markdown_it", "fastavro", "google", "grpc_tools"}:
            raise ImportError(name)
        return real_import(name, *rest)

    monkeypatch.setattr(builtins, "__import__", refuse)
    for name in ("json", "xml", "csv", "tsv", "psv", "yaml", "text", "binary"):
        assert decoder(name) is not None


def test_the_registry_imports_no_library_by_itself():
    import subprocess

    code = (
        "import sys, naftiko.engine.formats as f; f.decoder('json')\n"
        "print([m for m in ('lxml', 'fastavro', 'markdown_it', 'google.protobuf', 'yaml', 'csv') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.strip() == "[]"
