"""The JSON Schema and the page of all keys follow from the models, and every key has its words."""

from __future__ import annotations

import json
from collections.abc import Iterator

import jsonschema
import pytest
import yaml

from naftiko.document.language import describe, json_schema
from naftiko.document.language.described import described_keys
from naftiko.document.model import CapabilityDocument, Model
from naftiko.document.model.base import Import
from naftiko.document.shapes import Kind, shape, written


def models() -> Iterator[type[Model]]:
    """Yield every model that a file may have."""
    seen: set[type[Model]] = set()
    waiting: list[type[Model]] = [CapabilityDocument, Import]
    while waiting:
        model = waiting.pop()
        if model in seen:
            continue
        seen.add(model)
        yield model
        for field in shape(model).values():
            if field.kind in {Kind.MODEL, Kind.MODELS, Kind.NAMED}:
                chosen = [] if field.choice is None else [*field.choice.models.values(), field.choice.unknown]
                waiting.extend([field.model, *chosen])


MODELS = sorted(models(), key=lambda model: model.__name__)
FILE = """
naftiko: "1.0.0-beta5"
info: {label: Shop}
capability:
  consumes:
    - type: http
      namespace: shop
      baseUri: https://shop.example
      resources:
        - path: /orders
          operations: [{name: list, method: GET}]
  exposes:
    - type: rest
      port: 8080
      namespace: api
      resources:
        - path: /orders
          operations: [{name: list, method: GET, call: shop.list}]
    - type: mcp
      port: 9090
      namespace: tools
      tools: [{name: list, description: Lists all orders., call: shop.list}]
"""


@pytest.fixture(scope="module")
def validator():
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def read(text):
    return yaml.load(text, yaml.CSafeLoader)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_key_has_words(model):
    without = [key for key in written(model) if describe(model, key) is None]
    assert not without, f"document/language/keys.yaml says nothing of these keys of {model.__name__}"


def test_no_words_are_of_a_key_that_is_gone():
    by_name = {base.__name__: base for model in MODELS for base in model.__mro__ if issubclass(base, Model)}
    stale = {
        f"{name}.{key}"
        for name, keys in described_keys().items()
        if name != "<any>"
        for key in keys - set(written(by_name[name]) if name in by_name else ())
    }
    assert not stale


def test_words_of_any_model_are_used():
    of_any = described_keys()["<any>"]
    assert of_any <= {key for model in MODELS for key in written(model)}


def test_words_end_as_sentences_do():
    for model in MODELS:
        for key in written(model):
            words = describe(model, key)
            assert words is not None
            assert words.text.endswith("."), f"{model.__name__}.{key}"
            assert "|" not in words.text, f"{model.__name__}.{key} stands in a table"


def test_examples_fit_the_schema(validator):
    definitions = json_schema()["$defs"]
    for model in MODELS:
        for key in written(model):
            words = describe(model, key)
            if words is not None and words.example is not None:
                own = definitions[model.__name__]["properties"][key]
                jsonschema.Draft202012Validator({**own, "$defs": definitions}).validate(words.example)


def test_a_good_file_fits(validator):
    assert validator.is_valid(read(FILE))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("baseUri: ", "baseUrl: "),
        ("info: {label: Shop}", "info: {display: Shop, x-team: blue}"),
        ("operations: [{name: list, method: GET}]", "operations: {get: {name: list}}"),
        ("operations: [{name: list, method: GET}]", "operations: {list: {method: GET}}"),
        ("port: 8080", 'port: "{{PORT}}"'),
        ("type: rest", "type: REST"),
        ("call: shop.list}]\n    - ", "call: {operation: shop.list, with: {a: 1}}}]\n    - "),
        ("naftiko: ", "ikanos: "),
        ("port: 9090", "port:"),
        ("      baseUri: https://shop.example", "      baseUri: https://shop.example\n      retry: 3"),
    ],
)
def test_other_spellings_fit(validator, old, new):
    assert old in FILE
    assert validator.is_valid(read(FILE.replace(old, new, 1)))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("baseUri: ", "baseURL2: "),
        ("method: GET}]\n  exposes", "methd: GET}]\n  exposes"),
        ("description: Lists all orders.", "descripton: Lists all orders."),
        ("port: 8080", "port: 80800"),
        ("port: 8080", "port: [1]"),
        ("naftiko: ", "nafitko: "),
        ("operations: [{name: list, method: GET}]", "operations: 3"),
        ("info: {label: Shop}", "info: {label: [Shop]}"),
    ],
)
def test_mistakes_do_not_fit(validator, old, new):
    assert old in FILE
    assert not validator.is_valid(read(FILE.replace(old, new, 1)))


def test_it_is_json_and_names_itself():
    text = json.dumps(json_schema())
    assert json.loads(text)["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert "Canonical" not in text
    assert "hasData" not in text
