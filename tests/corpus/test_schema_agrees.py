"""The JSON Schema takes the public files as ``validate`` does: the same keys are known, the same are mistakes."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
import yaml
from corpus_run import PARTS, capability_files

from naftiko.document.language import json_schema
from naftiko.document.load import parse_document
from public_files import CORPUS

RULES = {"unknown-key", "wrong-type", "port-range"}
LARGE = 60_000
"""Files of more characters are asked as they are: their mistakes are those of smaller ones."""

pytestmark = pytest.mark.corpus


def tells(text: str, path: Any) -> bool:
    return any(found.rule in RULES for found in parse_document(text, path).findings)


def mappings(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    for below in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from mappings(below)


@pytest.mark.parametrize("part", range(PARTS))
def test_the_schema_and_validate_agree(part):
    validator = jsonschema.Draft202012Validator(json_schema())
    chance = random.Random(part)
    differ = []
    asked = 0
    for path in capability_files(CORPUS, part):
        try:
            file = json.loads(json.dumps(yaml.load(path.read_text("utf-8"), yaml.CSafeLoader), default=str))
        except yaml.YAMLError:
            continue
        if not isinstance(file, dict) or not {"naftiko", "ikanos"} & file.keys():
            continue
        text = json.dumps(file)
        told = tells(text, path)
        asked += 1
        if told == validator.is_valid(file):
            differ.append(f"{path}: {'only validate tells' if told else 'only the schema tells'}")
        if told or len(text) > LARGE or chance.random() > 0.3:
            continue
        for mapping in chance.sample(found := list(mappings(file)), min(3, len(found))):
            mapping["notAKey"] = 1
            asked += 1
            if tells(json.dumps(file), path) == validator.is_valid(file):
                differ.append(f"{path}: {sorted(mapping)[:6]}")
            del mapping["notAKey"]
    assert asked > 100  # or it says nothing
    assert not differ
