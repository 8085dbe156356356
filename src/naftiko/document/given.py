"""Models of what no file says: an operator's values, read as a file's are."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

from naftiko.document.build import Builder
from naftiko.document.findings import Findings
from naftiko.document.model.base import ModelT
from naftiko.document.reader import entries, read

_FLAGS = {"true": True, "false": False}


def model_of(model: type[ModelT], pairs: Mapping[str, str], findings: Findings) -> ModelT | None:
    """Return a model of values by the paths of their keys, such as ``retry.maxAttempts``; ``None`` for none.

    Raises:
        ValueError: two of them can't stand beside each other.
    """
    tree: dict[str, Any] = {}
    for path, text in pairs.items():
        *above, last = path.split(".")
        place = tree
        for key in above:
            place = place.setdefault(key, {})
            if not isinstance(place, dict):
                raise ValueError(f"`{path}`: `{key}` has a value of its own already")  # noqa: TRY004  # of an operator's text
        if isinstance(place.get(last), dict):
            raise ValueError(f"`{path}`: its keys have values of their own already")  # noqa: TRY004  # likewise
        place[last] = _FLAGS.get(text.strip().lower(), text)
    root = read(json.dumps(tree), findings) if tree else None  # JSON is YAML
    if root is None:
        return None
    return cast(ModelT, Builder(findings).from_entries(root, entries(root, findings), model))
