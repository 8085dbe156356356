"""Imports: relative, transitive, renamed, never out of the tree, never in a circle (SEMANTICS 1.5)."""

from __future__ import annotations

import pytest

from naftiko.document.load import load_document
from naftiko.document.model import Import

API = "consumes:\n- namespace: {name}\n  baseUri: http://{name}\n"


@pytest.fixture
def files(tmp_path):
    def write(**texts):
        for name, text in texts.items():
            path = tmp_path / f"{name.replace('__', '/')}.yaml"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        return tmp_path

    return write


def load(directory, name="main", **options):
    return load_document(directory / f"{name}.yaml", **options)


def imports(*lines):
    return "naftiko: 1.0.0-alpha2\nconsumes:\n" + "".join(f"- {line}\n" for line in lines)


def namespaces(loaded):
    """Return what is there; an import that failed stays too, so that nothing else is called by its name."""
    return [(found.namespace, found.base_uri) for found in loaded.document.consumes if not isinstance(found, Import)]


def told(loaded):
    return [(found.rule, found.message) for found in loaded.findings]


@pytest.mark.parametrize(
    "line",
    [
        "{from: ./lib.yaml, import: a}",
        "{location: lib.yaml, import: a}",
        "{from: file:///./lib.yaml, import: a}",
        "{from: file://./lib.yaml, import: a}",
        "{from: lib.yaml}",
    ],
)
def test_an_import_is_relative_to_the_importing_file(files, line):
    loaded = load(files(main=imports(line), lib=API.format(name="a")))
    assert namespaces(loaded) == [("a", "http://a")]
    assert not list(loaded.findings)


def test_as_renames(files):
    loaded = load(files(main=imports("{from: lib.yaml, import: a, as: b}"), lib=API.format(name="a")))
    assert namespaces(loaded) == [("b", "http://a")]


@pytest.mark.parametrize(
    ("line", "name"),
    [("{import: ./lib.yaml, as: a}", "a"), ("{import: lib.yaml, as: mine}", "mine"), ("{import: ./lib.yaml}", "a")],
)
def test_the_swapped_form_holds_the_path_in_import(files, line, name):
    loaded = load(files(main=imports(line), lib=API.format(name="a")))
    assert namespaces(loaded) == [(name, "http://a")]
    assert [rule for rule, _ in told(loaded)] == ["import-swapped"]


def test_an_import_may_stand_under_its_new_name_in_a_map(files):
    main = "naftiko: 0.5\nconsumes:\n  mine: {from: lib.yaml, import: a}\n"
    assert namespaces(load(files(main=main, lib=API.format(name="a")))) == [("mine", "http://a")]


def test_an_import_that_names_nothing_takes_all(files):
    lib = API.format(name="a") + "- namespace: b\n  baseUri: http://b\n"
    assert namespaces(load(files(main=imports("{from: lib.yaml}"), lib=lib))) == [("a", "http://a"), ("b", "http://b")]


def test_imports_of_the_capability_section(files):
    lib = "naftiko: 0.5\ncapability:\n  consumes:\n  - {namespace: a, baseUri: http://a}\n"
    main = "naftiko: 0.5\ncapability:\n  consumes:\n  - {from: lib.yaml, import: a}\n"
    assert namespaces(load(files(main=main, lib=lib))) == [("a", "http://a")]


@pytest.mark.parametrize("section", ["exposes", "aggregates", "binds"])
def test_every_section_imports(files, section):
    thing = {"exposes": "type: rest", "aggregates": "functions: []", "binds": "keys: {A: B}"}[section]
    loaded = load(
        files(
            main=f"naftiko: 0.5\n{section}:\n- {{from: lib.yaml, import: a, as: b}}\n",
            lib=f"{section}:\n- namespace: a\n  {thing}\n",
        )
    )
    assert [found.namespace for found in getattr(loaded.document, section)] == (
        ["a", "b"] if section == "binds" else ["b"]
    )
    assert not list(loaded.findings)


def test_imports_are_followed_further_and_relative_to_each_file(files):
    directory = files(
        main=imports("{from: libs/one.yaml, import: a}"),
        libs__one="consumes:\n- {from: deep/two.yaml, import: x, as: a}\n",
        libs__deep__two=API.format(name="x"),
    )
    assert namespaces(load(directory)) == [("a", "http://x")]


def test_what_is_imported_brings_the_binds_of_its_file(files):
    directory = files(
        main="naftiko: 0.5\nbinds:\n- {namespace: mine, keys: {B: b}}\n"
        + imports("{from: lib.yaml}").partition("\n")[2],
        lib="binds:\n- {namespace: theirs, keys: {A: a}}\n" + API.format(name="a"),
    )
    assert [bind.namespace for bind in load(directory).document.binds] == ["theirs", "mine"]


def test_a_cycle_is_an_error_that_shows_it(files):
    directory = files(
        main=imports("{from: one.yaml, import: a}"),
        one="consumes:\n- {from: two.yaml, import: a}\n",
        two="consumes:\n- {from: one.yaml, import: a}\n",
    )
    rules = dict(told(load(directory)))
    assert rules["import-cycle"] == "imports go in a circle: one.yaml → two.yaml → one.yaml"


def test_a_file_that_imports_itself(files):
    assert "main.yaml → main.yaml" in told(load(files(main=imports("{from: main.yaml, import: a}"))))[0][1]


def test_an_imported_file_is_read_once_and_its_problems_told_once(files):
    directory = files(
        main=imports("{from: lib.yaml, import: a}", "{from: lib.yaml, import: a, as: b}"),
        lib=API.format(name="a") + "  oops: 1\n",
    )
    loaded = load(directory)
    assert [found.namespace for found in loaded.document.consumes] == ["a", "b"]
    assert [rule for rule, _ in told(loaded)] == ["unknown-key"]
    assert next(iter(loaded.findings)).position.file.endswith("lib.yaml")


def test_an_import_may_not_leave_the_directory_of_the_capability(files):
    directory = files(inner__main=imports("{from: ../lib.yaml, import: a}"), lib=API.format(name="a"))
    ((rule, message),) = told(load(directory, "inner/main"))
    assert rule == "import-outside"
    assert "../lib.yaml" in message
    widened = load(directory, "inner/main", import_root=directory)
    assert namespaces(widened) == [("a", "http://a")]


def test_an_absolute_path_and_a_link_do_not_get_out(files, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside") / "lib.yaml"
    outside.write_text(API.format(name="a"), "utf-8")
    directory = files(main=imports(f"{{from: {outside}, import: a}}", "{from: link.yaml, import: a}"))
    (directory / "link.yaml").symlink_to(outside)
    assert [rule for rule, _ in told(load(directory))] == ["import-outside", "import-outside"]


def test_a_path_may_be_written_against_the_root(files):
    directory = files(inner__main=imports("{from: libs/lib.yaml, import: a}"), libs__lib=API.format(name="a"))
    assert namespaces(load(directory, "inner/main", import_root=directory)) == [("a", "http://a")]


@pytest.mark.parametrize(
    ("line", "rule", "words"),
    [
        ("{import: a}", "import-incomplete", "names no file"),
        ("{from: 'https://h/lib.yaml', import: a}", "import-scheme", "https"),
        ("{from: 'http://[::1', import: a}", "import-not-found", "can't be the name of a file"),
        ('{from: "a\\0b.yaml", import: a}', "import-not-found", "can't be the name of a file"),
        (f"{{from: {'x' * 5000}.yaml, import: a}}", "import-not-found", "xxx"),
        ("{from: lb.yaml, import: a}", "import-not-found", "lb.yaml"),
        ("{from: nowhere/lib.yaml, import: a}", "import-not-found", "nowhere"),
        ("{from: folder, import: a}", "import-not-found", "folder"),
        ("{from: both.yaml, import: b}", "import-not-found", "`b` is not among the consumes of both.yaml"),
        ("{from: empty.yaml}", "import-not-found", "what is imported"),
        ("{from: broken.yaml, import: a}", "yaml-syntax", "mapping values"),
    ],
)
def test_an_import_of_nothing_is_told_with_what_to_do(files, line, rule, words):
    directory = files(
        main=imports(line, "{namespace: own}"),
        lib=API.format(name="a"),
        both=API.format(name="a") + "- {namespace: c, baseUri: http://c}\n",
        empty="x-y: 1\n",
        broken="a: b: c\n",
    )
    (directory / "folder").mkdir()
    loaded = load(directory)
    assert namespaces(loaded) == [("own", None)]
    assert (rule, True) in [(found, words in message) for found, message in told(loaded)]


def test_a_misspelt_file_or_namespace_is_answered_with_the_near_one(files):
    directory = files(
        main=imports("{from: libs.yaml, import: a}", "{from: lib.yaml, import: shipyrd}"),
        lib=API.format(name="shipyard") + "- {namespace: a, baseUri: http://a}\n",
    )
    assert [found.hint for found in load(directory).findings] == [
        "did you mean `lib.yaml`?",
        "did you mean `shipyard`?",
    ]


def test_a_file_that_may_not_be_read_is_told(files, monkeypatch):
    directory = files(main=imports("{from: lib.yaml, import: a}"), lib=API.format(name="a"))
    real = type(directory).read_bytes

    def denied(path):
        if path.name == "lib.yaml":
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(type(directory), "read_bytes", denied)
    ((rule, message),) = told(load(directory))
    assert (rule, "permission denied" in message) == ("import-not-found", True)


# --- every place and spelling -------------------------------------------------------------------------------------

ROOT = "naftiko: 1.0.0-alpha2\n"


@pytest.mark.parametrize("key", ["import", "imports"])
@pytest.mark.parametrize("place", ["{}", "capability:\n  {}"])
@pytest.mark.parametrize(
    ("written", "names"),
    [
        ("./lib.yaml", ["a"]),
        ("[./lib.yaml]", ["a"]),
        ("[./lib.yaml, ./two.yaml]", ["a", "b", "c"]),
        ("{name: a, location: ./lib.yaml}", ["a"]),
        ("[{name: a, location: ./lib.yaml}]", ["a"]),
        ("[{name: mine, location: lib.yaml}]", ["mine"]),
        ("[{name: mine, path: lib.yaml}, {name: c, file: two.yaml}]", ["mine", "c"]),
        ("[{from: ./lib.yaml, import: a, as: x}]", ["x"]),
        ("[{location: ./two.yaml, import: c}]", ["c"]),
        ("{from: two.yaml, import: b, as: z}", ["z"]),
        ("[{import: ./lib.yaml, as: y}]", ["y"]),
        ("{mine: ./lib.yaml}", ["mine"]),
        ("{mine: {location: ./two.yaml, import: c}, other: lib.yaml}", ["mine", "other"]),
        ("{consumes: [./lib.yaml]}", ["a"]),
    ],
)
def test_imports_beside_the_sections_are_consumes_entries(files, key, place, written, names):
    two = "consumes:\n- {namespace: b, baseUri: http://b}\n- {namespace: c, baseUri: http://c}\n"
    main = ROOT + place.format(f"{key}: {written}") + "\n"
    loaded = load(files(main=main, lib=API.format(name="a"), two=two))
    assert [name for name, _ in namespaces(loaded)] == names
    assert not {"unknown-key", "wrong-type", "import-not-found"} & {rule for rule, _ in told(loaded)}


@pytest.mark.parametrize(
    ("written", "names"),
    [
        ("./lib.yaml", ["a"]),
        ("[./lib.yaml]", ["a"]),
        ("[./lib.yaml, {namespace: own, baseUri: http://o}]", ["a", "own"]),
        ("[{imports: [./lib.yaml, ./other.yaml]}, {namespace: own}]", ["a", "o", "own"]),
        ("[{import: [./lib.yaml]}]", ["a"]),
        ("{imports: [./lib.yaml], own: {baseUri: http://o}}", ["a", "own"]),
        ("{mine: ./lib.yaml, own: {baseUri: http://o}}", ["mine", "own"]),
        ("{imports: ./lib.yaml}", ["a"]),
        ("[{name: mine, location: ./lib.yaml}]", ["mine"]),
        ("[{type: http, namespace: mine, location: ./lib.yaml}]", ["mine"]),
        ("[{type: http, namespace: mine, import: ./lib.yaml}]", ["mine"]),
        ("[{namespace: mine, from: ./lib.yaml, import: a}]", ["mine"]),
        ("{type: http, namespace: own, baseUri: http://h/lib.yaml}", ["own"]),
        ("[{type: http, namespace: own, baseUri: http://h/lib.yaml}]", ["own"]),
    ],
)
def test_imports_inside_consumes(files, written, names):
    directory = files(main=f"{ROOT}consumes: {written}\n", lib=API.format(name="a"), other=API.format(name="o"))
    loaded = load(directory)
    assert [name for name, _ in namespaces(loaded)] == names
    assert not {"unknown-key", "wrong-type", "import-not-found"} & {rule for rule, _ in told(loaded)}


def test_imports_of_both_places_and_consumes_are_joined(files):
    main = (
        ROOT + "import: [./lib.yaml]\nconsumes:\n- {namespace: own, baseUri: http://own}\n"
        "capability:\n  imports: [./other.yaml]\n  consumes:\n  - {namespace: inner, baseUri: http://inner}\n"
    )
    loaded = load(files(main=main, lib=API.format(name="a"), other=API.format(name="o")))
    assert {name for name, _ in namespaces(loaded)} == {"a", "o", "own", "inner"}
    assert not list(loaded.findings)


def test_the_only_entry_of_a_file_is_meant_whatever_the_import_calls_it(files):
    loaded = load(files(main=imports("{from: lib.yaml, import: shop}"), lib=API.format(name="the-shop")))
    assert namespaces(loaded) == [("shop", "http://the-shop")]
    (found,) = loaded.findings
    assert (found.rule, found.severity.value, found.position.line) == ("import-name", "warning", 3)
    assert found.hint == "write `import: the-shop`, `as: shop`"


def test_a_namespace_of_the_file_wins_over_its_only_entry(files):
    loaded = load(files(main=imports("{from: lib.yaml, import: a, as: b}"), lib=API.format(name="a")))
    assert namespaces(loaded) == [("b", "http://a")]
    assert not list(loaded.findings)


def test_only_consumed_apis_are_meant_by_another_name(files):
    lib = "aggregates:\n- {namespace: fns, functions: [{name: f, call: a.b}]}\n"
    loaded = load(files(main=f"{ROOT}aggregates:\n- {{from: lib.yaml, import: functions}}\n", lib=lib))
    assert [rule for rule, _ in told(loaded)] == ["import-not-found"]
