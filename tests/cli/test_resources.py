"""Resources and prompts on the command line: listed by ``inspect``, read and filled in by ``call``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from naftiko.testing import StandInUpstream

LIBRARY = """\
naftiko: 1.0.0-alpha2
info: {label: Library}
capability:
  consumes:
    - type: http
      namespace: books
      baseUri: http://127.0.0.1:9
      resources:
        - {name: shelf, path: /shelf, operations: [{name: list-books, method: GET, inputParameters: [{name: kind, in: query, type: string}]}]}
        - {name: book, path: "/shelf/{isbn}", operations: [{name: get-book, method: GET}]}
  exposes:
    - type: mcp
      namespace: library
      tools:
        - {name: list-books, description: List the books., call: books.list-books}
        - {name: borrow, description: A tool called as a prompt is., outputParameters: [{value: borrowed}]}
      resources:
        - {name: novels, uri: "library://novels", description: The novels., mimeType: application/json, call: books.list-books, with: {kind: novel}}
        - {name: book, uri: "library://book/{isbn}", description: One book., call: books.get-book}
        - {name: lost, uri: "library://lost", call: books.no-such-operation}
        - {name: rules, uri: "library://rules", description: The rules of the house., location: "file://rules"}
      prompts:
        - name: recommend
          description: Recommend a book.
          arguments:
            - {name: to-whom, description: The reader.}
            - {name: mood, required: false, description: How they feel.}
          template:
            - {role: user, content: "What should {{to-whom}} read?{{mood}}"}
            - {role: assistant, content: "A novel."}
        - {name: borrow, description: A prompt called as a tool is., arguments: [], location: "file://rules/borrow.md"}
"""


@pytest.fixture
def upstream():
    made = StandInUpstream()
    made.on("GET", "/shelf", lambda request: {"query": request.raw_query})
    made.on("GET", "/shelf/{isbn}", lambda request: {"path": request.raw_path})
    with made:
        yield made


@pytest.fixture
def library(tmp_path) -> Path:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "borrow.md").write_text("# Borrow\nThree books.\n")
    (tmp_path / "rules" / "seal.png").write_bytes(b"\x89PNG\xff")
    (tmp_path / "library.yaml").write_text(LIBRARY)
    return tmp_path / "library.yaml"


@pytest.fixture
def call(run, library, upstream):
    return lambda *arguments: run("call", library, *arguments, "--base-uri", f"books={upstream.url}")


def test_inspect_shows_resources_and_prompts(run, library):
    shown = run("inspect", library).stdout
    assert (
        "  resource library://novels  novels\n    The novels.\n    -> GET http://127.0.0.1:9/shelf\n\n"
        "  resource library://book/{isbn}  book\n    One book.\n    -> GET http://127.0.0.1:9/shelf/{isbn}\n"
        "      isbn  argument  string  required\n"
    ) in shown
    assert "  resource library://lost  lost\n    not executable: `books` has no operation `no-such-operation`" in shown
    assert "  resource library://rules  rules\n    The rules of the house.\n    -> files of file://rules\n" in shown
    assert (
        "  prompt recommend\n    Recommend a book.\n"
        "      to-whom  required  The reader.\n      mood     optional  How they feel.\n"
    ) in shown
    assert "  prompt borrow\n    A prompt called as a tool is.\n    -> the text of file://rules/borrow.md\n" in shown


def test_inspect_as_json(run, library):
    [mcp] = json.loads(run("inspect", library, "--format", "json").stdout)["exposes"]
    assert [each["uri"] for each in mcp["resources"]] == [
        "library://novels", "library://book/{isbn}", "library://lost", "library://rules",
    ]  # fmt: skip
    assert mcp["resources"][1] == {
        "name": "book",
        "uri": "library://book/{isbn}",
        "mimeType": None,
        "description": "One book.",
        "location": None,
        "call": "books.get-book",
        "executable": True,
        "reason": "",
        "inputs": [
            {"name": "isbn", "alias": "isbn", "in": "argument", "type": "string", "required": True, "description": None}
        ],
        "upstream": [{"method": "GET", "url": "http://127.0.0.1:9/shelf/{isbn}", "operation": "books.get-book"}],
    }
    assert (mcp["resources"][2]["executable"], mcp["resources"][3]["location"]) == (False, "file://rules")
    assert mcp["prompts"][0] == {
        "name": "recommend",
        "description": "Recommend a book.",
        "location": None,
        "arguments": [
            {"name": "to-whom", "required": True, "description": "The reader."},
            {"name": "mood", "required": False, "description": "How they feel."},
        ],
    }


@pytest.mark.parametrize(
    ("named", "answer"),
    [
        (["novels"], {"query": "kind=novel"}),
        (["library://novels"], {"query": "kind=novel"}),
        (["book", "isbn=a/b"], {"path": "/shelf/a%2Fb"}),
        (["library://book/42"], {"path": "/shelf/42"}),
        (["library://book/a%20b"], {"path": "/shelf/a%20b"}),
        (["resource book", "isbn=42"], {"path": "/shelf/42"}),
    ],
)
def test_a_resource_is_read_by_name_or_uri(call, named, answer):
    done = call(*named, "--format", "json")
    assert (done.returncode, json.loads(done.stdout), done.stderr) == (0, answer, "")


def test_a_resource_as_a_dry_run(call, upstream):
    assert call("library://book/42", "--dry-run").stdout == f"GET {upstream.url}/shelf/42\n"
    assert upstream.requests == []


def test_what_a_template_needs_and_what_can_not_be_read(call):
    done = call("book")
    assert (done.returncode, done.stderr) == (2, "error: the inputs are not valid\n  `isbn` is required\n")
    done = call("lost")
    assert done.returncode == 1
    assert "`books` has no operation `no-such-operation`" in done.stderr


def test_the_files_of_a_resource(call):
    assert call("rules").stdout == "library://rules/borrow.md  text/markdown\nlibrary://rules/seal.png  image/png\n"
    assert [each["uri"] for each in json.loads(call("rules", "--format", "json").stdout)["resources"]] == [
        "library://rules/borrow.md", "library://rules/seal.png",
    ]  # fmt: skip
    assert call("library://rules/borrow.md").stdout == "# Borrow\nThree books.\n\n"
    assert call("library://rules/borrow.md", "--format", "raw").stdout == "# Borrow\nThree books.\n"
    assert "5 bytes of image/png" in call("library://rules/seal.png").stderr
    for wrong in ("library://rules/no.md", "library://rules/../library.yaml", "library://rules/%2e%2e/library.yaml"):
        done = call(wrong)
        assert (done.returncode, done.stdout) == (1, "")
        assert wrong in done.stderr
    assert call("rules", "x=1").returncode == 2


def test_a_prompt_is_filled_in(call):
    done = call("recommend", "to-whom=Ada", "mood= Cheer her up.")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "user:\nWhat should Ada read? Cheer her up.\n\nassistant:\nA novel.\n"
    assert call("recommend", "to-whom=5", "--format", "raw").stdout == "What should 5 read?\n\nA novel."
    assert json.loads(call("recommend", "to-whom=5", "--format", "json").stdout) == {
        "description": "Recommend a book.",
        "messages": [
            {"role": "user", "content": {"type": "text", "text": "What should 5 read?"}},
            {"role": "assistant", "content": {"type": "text", "text": "A novel."}},
        ],
    }


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "needs `to-whom`"),
        (["to-whom=x", "moood=y"], "the prompt `recommend` has no argument `moood`; did you mean `mood`?"),
    ],
)
def test_arguments_of_a_prompt_that_are_wrong(call, arguments, said):
    done = call("recommend", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr


def test_a_tool_is_meant_before_a_prompt_of_its_name(call):
    assert call("borrow").stdout == "borrowed\n"
    assert call("prompt borrow").stdout == "user:\n# Borrow\nThree books.\n"


def test_a_name_that_nothing_has(call):
    done = call("library://novel")
    assert done.returncode == 2
    assert "no operation or tool `library://novel`, no resource and no prompt; did you mean `library://novels`?" in (
        done.stderr
    )
    assert "in rest" in call("novels", "--adapter", "rest").stderr


def test_the_variables_of_a_resource_are_missed_too(run, library):
    library.write_text(LIBRARY.replace("{kind: novel}", '{kind: "{{env.GENRE}}"}'))
    [named] = run("inspect", library, "--variables").stdout.splitlines()
    assert named.startswith("env.GENRE  missing  needed by novels; set GENRE in the environment")
