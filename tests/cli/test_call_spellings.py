"""``naftiko call --dry-run``: what other spellings of the language send (SEMANTICS 1.3)."""

from __future__ import annotations

import json

import pytest

API = """naftiko: 1.0.0-alpha2
consumes:
- type: http
  namespace: depot
  baseUri: https://depot.test/v1
  {authentication}
  {operations}
exposes:
{exposes}
"""
RESOURCES = "resources: [{name: crates, path: /crates, operations: [{name: list-crates, method: GET}]}]"
TOOL = "- {type: mcp, namespace: agents, tools: [{name: crates, description: d, call: depot.list-crates}]}"
BEARER = 'authentication: {type: bearer, token: "{{DEPOT_TOKEN}}"}'


@pytest.fixture
def sent(run, tmp_path):
    """Return what a dry run of a unit of a file shows; its credential shows as three stars."""

    def lines(text, unit="crates", *arguments, **files):
        for name, other in files.items():
            (tmp_path / f"{name}.yaml").write_text(other)
        path = tmp_path / "capability.yaml"
        path.write_text(text)
        done = run("call", path, unit, *arguments, "--dry-run", "--var", "DEPOT_TOKEN=k")
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    return lines


def api(authentication=BEARER, operations=RESOURCES, exposes=TOOL):
    return API.format(authentication=authentication, operations=operations, exposes=exposes)


LIST = ["GET https://depot.test/v1/crates", "authorization: Bearer ***"]


@pytest.mark.parametrize(
    "text",
    [
        api(),
        api(authentication=BEARER.replace("authentication", "auth")),
        api(exposes=TOOL.replace("call:", "calls:")),
        api(exposes=TOOL.replace("call:", "operation:")),
        api(exposes=TOOL.replace("name: crates", "id: crates")),
        api(operations=RESOURCES.replace("{name: list-crates", "{operationId: list-crates")),
        api(operations="resources: [{name: list-crates, path: /crates, method: GET}]"),
        api(operations="operations: [{name: list-crates, path: /crates, method: GET}]"),
        api(operations="paths: {/crates: {get: {operationId: list-crates}}}"),
        api(exposes="- {type: http, paths: {/crates: {get: {operationId: crates, operation: depot.list-crates}}}}"),
        api(exposes="- {type: http, name: crates, path: /crates, method: GET, call: depot.list-crates}"),
        api(exposes="- {type: rest, resources: [{name: crates, path: /c, method: GET, call: depot.list-crates}]}"),
    ],
)
def test_every_spelling_sends_the_same(sent, text):
    assert sent(text) == LIST


SHARED = api(exposes="").replace("exposes:\n\n", "").replace("depot\n", "the-depot\n")
USER = "naftiko: 1.0.0-alpha1\nIMPORTS\nexposes:\n" + TOOL + "\n"


@pytest.mark.parametrize(
    "imports",
    [
        "import: [{name: depot, location: ./shared.yaml}]",
        "imports: {depot: ./shared.yaml}",
        "capability: {imports: [{from: ./shared.yaml, import: the-depot, as: depot}]}",
        "consumes: [{import: depot, location: ./shared.yaml}]",
        "consumes: [{imports: [{name: depot, location: ./shared.yaml}]}]",
    ],
)
def test_imports_everywhere_send_the_same(sent, imports):
    assert sent(USER.replace("IMPORTS", imports), shared=SHARED) == LIST


def test_imports_of_a_path_keep_the_names_of_its_file(sent):
    text = USER.replace("depot.list-crates", "the-depot.list-crates")
    assert sent(text.replace("IMPORTS", "imports: [./shared.yaml]"), shared=SHARED) == LIST


@pytest.mark.parametrize("adapter", ["rest", "mcp"])
def test_a_flat_file_sends_its_operations(sent, adapter):
    text = (
        "naftiko: 1.0.0-alpha2\ninfo: {name: Depot, baseUrl: https://depot.test/v1}\nauth: {type: bearer, token: '{{DEPOT_TOKEN}}'}\n"
        "operations: [{id: crates, method: GET, path: '/crates/{id}'}]\n"
    )
    shown = sent(text, "crates", "id=a/b", "--adapter", adapter)
    assert shown == ["GET https://depot.test/v1/crates/a%2Fb", "authorization: Bearer ***"]


def test_a_structure_as_a_value_is_sent_as_one(sent):
    parameters = (
        "inputParameters: [{name: filter, in: body, value: {kind: wood, owner: '{{owner}}', size: [1, 2.5]}},"
        " {name: owner, in: query}, {name: page, in: body, const: 5}, {name: tags, in: query, value: [a, b]}]"
    )
    operations = (
        f"resources: [{{path: /crates, name: r, operations: [{{name: list-crates, method: POST, {parameters}}}]}}]"
    )
    shown = sent(api(operations=operations), "crates", "owner=me")
    assert shown[0] == "POST https://depot.test/v1/crates?owner=me&tags=a&tags=b"
    body = json.loads("".join(shown[shown.index("{") :]))
    assert body == {"filter": {"kind": "wood", "owner": "me", "size": [1, 2.5]}, "page": 5}


def test_a_structure_as_an_answer_is_given_as_one(run, tmp_path):
    path = tmp_path / "mock.yaml"
    outputs = "outputParameters: [{name: crate, value: {id: '{{id}}', tags: [x, '{{id}}']}}]"
    tool = f"{{name: crate, description: d, inputParameters: [{{name: id, type: integer}}], {outputs}}}"
    path.write_text(f"naftiko: 1.0.0-alpha2\nexposes: [{{type: mcp, namespace: m, tools: [{tool}]}}]\n")
    done = run("call", path, "crate", "id=7", "--format", "json")
    assert (done.returncode, done.stdout) == (0, '{"crate":{"id":7,"tags":["x",7]}}\n')
