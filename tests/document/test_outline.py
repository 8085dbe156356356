"""The outline of a file: the adapters that loading it finds, in every way to write them."""

from __future__ import annotations

from pathlib import Path

import pytest

from naftiko.document.load import load_document
from naftiko.document.model import McpAdapter, RestAdapter
from naftiko.document.outline import exposed_adapters

ROOT = Path(__file__).parents[2]
ADAPTER = "{type: rest, namespace: r, port: 81, address: 127.0.0.2, resources: [{name: x, path: /x}]}"
TOOLS = "{type: mcp, namespace: m, port: 91, transport: stdio, tools: [{name: x}]}"
FILES = {
    "in the capability": f"naftiko: 1.0.0-alpha2\ncapability:\n  exposes: [{ADAPTER}, {TOOLS}]\n",
    "at the root": f"ikanos: 1.0.0-beta1\nexposes:\n- {ADAPTER}\n- {TOOLS}\n",
    "at both": f"naftiko: 1.0.0-alpha2\nexposes: [{TOOLS}]\ncapability:\n  exposes: [{ADAPTER}]\n",
    "a map by namespace": "naftiko: 0.5\nexposes:\n  r: {type: api, port: 82}\n  m: {type: mcp}\n",
    "other kinds": "naftiko: 0.5\nexposes: [{type: skill, namespace: s, port: 1}, {type: http, namespace: r, port: 83}]\n",
    "merge keys": f"naftiko: 0.5\nx: &base {ADAPTER}\nexposes:\n- <<: *base\n  namespace: other\n- *base\n",
    "block scalars": "naftiko: 0.5\nexposes:\n- type: rest\n  description: |\n    port: 99\n  port: '84'\n",
    "an import": "naftiko: 0.5\nexposes: [{from: shared.yaml, import: shared-rest, as: mine}]\n",
    "flat": "naftiko: 0.5\ninfo: {name: Flat, baseUrl: http://x.test}\noperations: [{name: get, method: GET, path: /x}]\n",
    "no adapter": "naftiko: 0.5\nconsumes: [{type: http, namespace: a, baseUri: http://x.test}]\n",
    "an empty section": "naftiko: 0.5\nexposes:\n",
    "no list": "naftiko: 0.5\nexposes: text\n",
    "no mappings": "naftiko: 0.5\nexposes: [1, [2], null]\n",
    "a port that is none": "naftiko: 0.5\nexposes: [{type: rest, port: many}, {type: mcp, port: 99999}]\n",
    "broken": "naftiko: 0.5\nexposes: [\n",
    "no mapping": "- naftiko\n",
    "empty": "",
}
SHARED = "exposes: [{type: rest, namespace: shared-rest, port: 85, resources: [{name: x, path: /x}]}]\n"


def essence(adapters) -> list[tuple[object, ...]]:
    return [
        (type(each), each.namespace, each.address, each.port, getattr(each, "transport", None))
        for each in adapters
        if isinstance(each, RestAdapter | McpAdapter)
    ]


@pytest.mark.parametrize("name", FILES)
def test_it_has_the_adapters_of_the_whole_file(tmp_path, name):
    path = tmp_path / "capability.yaml"
    path.write_text(FILES[name])
    (tmp_path / "shared.yaml").write_text(SHARED)
    assert essence(exposed_adapters(path)) == essence(load_document(path).document.exposes)


def test_the_files_of_the_project():
    files = [*ROOT.glob("capabilities/*.yaml"), *ROOT.glob("examples/*.yaml"), *ROOT.glob("tests/**/*.yaml")]
    assert len(files) > 10
    for path in files:
        assert essence(exposed_adapters(path)) == essence(load_document(path).document.exposes), path


def test_it_has_nothing_of_what_the_adapters_expose(tmp_path):
    path = tmp_path / "capability.yaml"
    path.write_text(FILES["at the root"])
    rest, mcp = exposed_adapters(path)
    assert (rest.resources, mcp.tools) == ((), ())


def test_a_file_that_is_not_there_has_none(tmp_path):
    assert exposed_adapters(tmp_path / "nowhere.yaml") == ()
