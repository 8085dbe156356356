"""``naftiko schema``: what editors check files with, and the tables of docs/language.md."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import jsonschema
import pytest
import yaml
from click.testing import CliRunner

from naftiko.cli.schema import schema

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "language.md"


def test_it_prints_a_schema_that_the_first_capability_fits(run):
    done = run("schema")
    assert done.returncode == 0
    read = yaml.load((ROOT / "capabilities" / "koyeb-instances.yaml").read_text("utf-8"), yaml.CSafeLoader)
    jsonschema.validate(json.loads(json.dumps(read, default=str)), json.loads(done.stdout))


@pytest.mark.parametrize("file", sorted((ROOT / "examples").glob("*.yaml")), ids=lambda file: file.name)
def test_the_examples_fit(file):
    written = json.loads(CliRunner().invoke(schema, []).output)
    read = yaml.load(file.read_text("utf-8"), yaml.CSafeLoader)
    if isinstance(read, dict) and {"naftiko", "ikanos"} & read.keys():
        jsonschema.validate(json.loads(json.dumps(read, default=str)), written)


def test_it_writes_a_file_and_says_how_to_use_it(tmp_path, run):
    file = tmp_path / "capability.schema.json"
    done = run("schema", "-o", str(file))
    assert done.returncode == 0
    assert json.loads(file.read_text("utf-8"))["title"] == "Naftiko capability"
    assert f"$schema={file}" in done.stderr
    assert not done.stdout


def test_a_file_that_can_not_be_written_is_told(tmp_path, run):
    done = run("schema", "-o", str(tmp_path / "none" / "schema.json"))
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    assert "none" in done.stderr


def test_the_page_has_the_tables_of_all_keys():
    text = PAGE.read_text("utf-8")
    tables = CliRunner().invoke(schema, ["--keys"]).output
    found = re.search(r"(<!-- keys: .*? -->\n)(.*?)(<!-- end of keys -->)", text, re.DOTALL)
    assert found is not None
    if os.environ.get("UPDATE_DOCS"):
        PAGE.write_text(text[: found.start(2)] + tables + text[found.end(2) :], "utf-8")
        return
    assert found[2] == tables, "UPDATE_DOCS=1 pytest tests/cli/test_schema_command.py writes it anew"


def test_the_links_of_the_tables_lead_somewhere():
    text = PAGE.read_text("utf-8")
    headings = {
        re.sub(r"[^a-z0-9 -]", "", line.lstrip("# ").lower()).replace(" ", "-")
        for line in text.splitlines()
        if line.startswith("#")
    }
    assert set(re.findall(r"\]\(#([^)]*)\)", text)) <= headings
