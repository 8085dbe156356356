"""What is told of `pagination`: with positions and what to do (docs/pagination.md)."""

from __future__ import annotations

import textwrap

import pytest

from naftiko.engine.capability import load

HEAD = """naftiko: 1.0.0-alpha2
consumes:
- type: http
  namespace: notes
  baseUri: https://notes.example.net/v1
"""
LIST = """
  resources:
  - path: /notes
    operations:
    - name: list-notes
      method: GET
"""
EXPOSES = """exposes:
- type: mcp
  namespace: tools
  tools:
  - {name: list-notes, description: All notes., call: notes.list-notes}
"""
GOOD = {
    "cursor": "{type: cursor, request: {cursorParam: c}, response: {dataPath: $.items, nextCursorPath: $.next}}",
    "offset": "{type: offset, request: {offsetParam: o, limitParam: l, limitValue: 5}, response: {dataPath: $}}",
    "page-number": "{type: page-number, request: {pageParam: p, startPage: 0}, response: {dataPath: $.items}}",
    "link-header": "{type: link-header, request: {limitParam: l, limitValue: 5}, response: {dataPath: $}}",
    "link-body": "{type: link-body, response: {dataPath: $.items, nextLinkPath: $.links.next.href}}",
    "keyset": "{type: keyset, request: {keyParam: after, keyPath: $.id}, response: {dataPath: $.data}}",
}


def loaded(tmp_path, pages, *, api="", resource=""):
    text = HEAD + (f"  pagination: {api}\n" if api else "") + LIST.lstrip("\n")
    if resource:
        text = text.replace("  - path: /notes\n", f"  - path: /notes\n    pagination: {resource}\n")
    if pages:
        text += f"      pagination: {pages}\n"
    file = tmp_path / "notes.yaml"
    file.write_text(text + EXPOSES, "utf-8")
    return load(file), text


def told(capability):
    return [(found.rule, found.severity.value, found.message) for found in capability.diagnostics]


def pager(capability):
    (unit,) = capability.plan.units
    call = unit.action.only_call
    return call.operation.pager


@pytest.mark.parametrize("style", GOOD)
def test_each_type_is_read_without_a_word(style, tmp_path):
    capability, _ = loaded(tmp_path, GOOD[style])
    assert not [found for found in capability.diagnostics if "pagination" in found.message + found.rule]
    assert pager(capability).style == style
    assert pager(capability).level == "operation"


@pytest.mark.parametrize("spelt", ["pageNumber", "page_number", "PAGE-NUMBER"])
def test_a_type_is_known_however_it_is_spelt(spelt, tmp_path):
    capability, _ = loaded(tmp_path, GOOD["page-number"].replace("page-number", spelt))
    assert pager(capability).style == "page-number"


@pytest.mark.parametrize(
    ("pages", "rule", "severity", "says", "hint"),
    [
        (
            "{type: curser, response: {dataPath: $}}",
            "unknown-pagination",
            "error",
            "unknown type `curser`",
            "did you mean `cursor`?",
        ),
        ("{response: {dataPath: $}}", "unknown-pagination", "error", "has no `type`", "add one of cursor"),
        (
            "{type: cursor, request: {cursorParam: c}, response: {nextCursorPath: $.n}}",
            "incomplete-pagination",
            "error",
            "has no `dataPath`",
            "dataPath: $.items",
        ),
        (
            "{type: cursor, request: {cursorParam: c}, response: {dataPath: $}}",
            "incomplete-pagination",
            "error",
            "has no `nextCursorPath`",
            "nextCursorPath: $.next_cursor",
        ),
        ("{type: link-body, response: {dataPath: $}}", "incomplete-pagination", "error", "`nextLinkPath`", "nextLink"),
        ("{type: keyset, response: {dataPath: $}}", "incomplete-pagination", "error", "`keyParam`", "keyParam"),
        ("{type: page-number, response: {dataPath: $}}", "incomplete-pagination", "error", "`pageParam`", "pageParam"),
        (
            "{type: offset, request: {offsetParam: o}, response: {dataPath: $}}",
            "offset-without-limit",
            "warning",
            "without `request.limitValue`",
            "limitValue",
        ),
        (
            GOOD["cursor"].replace("$.items", "'$.items[*]'"),
            "broken-pagination",
            "error",
            "several places",
            "one place",
        ),
        (GOOD["cursor"].replace("$.items", "'$.[ite'"), "broken-pagination", "error", "no JSONPath", "$.data.items"),
        (
            GOOD["cursor"].replace("cursorParam: c", "cursorParam: c, cursorIn: boddy"),
            "broken-pagination",
            "error",
            "`in: boddy`",
            "did you mean `body`?",
        ),
        (GOOD["offset"].replace("limitValue: 5", "limitValue: 0"), "broken-pagination", "error", "0 items", "from 1"),
        (GOOD["cursor"][:-1] + ", max: {pages: 0}}", "broken-pagination", "error", "max.pages: 0", "above zero"),
        (GOOD["cursor"][:-1] + ", max: {bytes: lots}}", "broken-pagination", "error", "no size", "5MiB"),
        (GOOD["cursor"][:-1] + ", max: {time: soon}}", "wrong-type", "error", "a duration", ""),
        (
            GOOD["offset"].replace("dataPath: $", "dataPath: $, nextCursorPath: $.n"),
            "unused-pagination-key",
            "warning",
            "`nextCursorPath` means nothing",
            "`type: cursor`",
        ),
        (GOOD["cursor"].replace("nextCursorPath", "nextCursorPaht"), "unknown-key", "warning", "nextCursorPaht", "did"),
        (GOOD["cursor"][:-1] + ", maxx: {}}", "unknown-key", "warning", "`maxx`", "did you mean `max`?"),
    ],
)
def test_what_is_wrong_is_told_where_it_stands(pages, rule, severity, says, hint, tmp_path):
    capability, text = loaded(tmp_path, pages)
    assert "invalid-yaml" not in str(capability.diagnostics)
    (found,) = [each for each in capability.diagnostics if each.rule == rule and says in each.message]
    assert found.severity.value == severity
    assert hint in found.hint
    assert "pagination" in text.splitlines()[found.position.line - 1]
    assert found.position.column > len("      pagination")


def test_an_operation_whose_pages_cant_be_asked_for_is_not_called(tmp_path):
    capability, _ = loaded(tmp_path, "{type: cursor, response: {dataPath: $}}")
    (unit,) = capability.plan.units
    assert unit.action is None
    assert "pagination of type `cursor` has no `cursorParam`" in unit.reason


def test_the_inner_level_replaces_the_outer_ones(tmp_path):
    capability, _ = loaded(tmp_path, "", api=GOOD["cursor"])
    assert (pager(capability).style, pager(capability).level) == ("cursor", "api")
    capability, _ = loaded(tmp_path, "", api=GOOD["cursor"], resource=GOOD["offset"])
    assert (pager(capability).style, pager(capability).level) == ("offset", "resource")
    capability, _ = loaded(tmp_path, GOOD["keyset"], api=GOOD["cursor"], resource=GOOD["offset"])
    assert (pager(capability).style, pager(capability).limit_param) == ("keyset", "")
    capability, _ = loaded(tmp_path, "{type: none}", api=GOOD["cursor"])
    assert pager(capability) is None


def test_an_apis_pages_are_those_of_its_lists(tmp_path):
    file = tmp_path / "notes.yaml"
    file.write_text(
        HEAD
        + f"  pagination: {GOOD['cursor']}\n"
        + textwrap.dedent(
            """\
              resources:
              - path: /notes
                operations:
                - {name: list-notes, method: GET}
                - {name: create-note, method: POST, body: {type: json, data: {title: "{{title}}"}}}
                - {name: search, method: POST, path: /search, inputParameters: [{name: c, in: body}, {name: q, in: body}]}
                - {name: get-note, method: GET, path: "/notes/{id}"}
            """
        )
        .replace("\n", "\n  ")
        .replace("resources", "  resources", 1)
        .rstrip()
        + "\nexposes:\n- type: mcp\n  namespace: tools\n  tools:\n"
        + "".join(
            f"  - {{name: {name}, description: It., call: notes.{name}}}\n"
            for name in ("list-notes", "create-note", "search", "get-note")
        ),
        "utf-8",
    )
    capability = load(file)
    assert {unit.name: unit.action.only_call.operation.pager is not None for unit in capability.plan.units} == {
        "list-notes": True,
        "create-note": False,
        "search": True,
        "get-note": False,
    }


DECLARED = """      inputParameters:
      - {name: c, in: query, required: true}
      - {name: l, in: query, type: integer}
      - {name: q, in: query}
"""
_BY_CURSOR = "{type: cursor, request: {cursorParam: c, limitParam: l}, response: {dataPath: $, nextCursorPath: $.n}}"


@pytest.mark.parametrize(
    ("mapped", "names"),
    [("", {"q", "limit"}), (", with: {c: '{{tools.cursor}}', q: '{{tools.q}}'}", {"q", "cursor", "limit"})],
)
def test_the_cursor_is_nobodys_input_unless_the_file_maps_it(mapped, names, tmp_path):
    file = tmp_path / "notes.yaml"
    exposes = EXPOSES.replace("call: notes.list-notes", f"call: notes.list-notes{mapped}")
    file.write_text(HEAD + LIST.lstrip("\n") + DECLARED + f"      pagination: {_BY_CURSOR}\n" + exposes, "utf-8")
    capability = load(file)
    (unit,) = capability.plan.units
    assert unit.action is not None, unit.reason
    assert {given.name for given in unit.inputs.inputs} == names


HINTED = """      inputParameters:
      - {name: page_token, in: query}
      - {name: pageSize, in: query, type: integer}
      outputParameters:
      - {name: notes, type: array, value: $.notes}
      - {name: next, value: $.nextPageToken}
"""


def test_a_block_is_proposed_where_parameters_and_outputs_show_one(tmp_path):
    file = tmp_path / "notes.yaml"
    file.write_text(HEAD + LIST.lstrip("\n") + HINTED + EXPOSES, "utf-8")
    (found,) = [each for each in load(file).lint() if each.rule == "page-without-pagination"]
    assert found.severity.value == "hint"
    proposed = found.hint.partition("`pagination: ")[2].rstrip("`")
    assert proposed == (
        "{type: cursor, request: {cursorParam: page_token, limitParam: pageSize, limitValue: 100}, "
        "response: {dataPath: $.notes, nextCursorPath: $.nextPageToken}}"
    )
    file.write_text(HEAD + LIST.lstrip("\n") + HINTED + f"      pagination: {proposed}\n" + EXPOSES, "utf-8")
    capability = load(file)
    assert not [each for each in (*capability.diagnostics, *capability.lint()) if "pag" in each.rule]
    assert pager(capability).style == "cursor"
