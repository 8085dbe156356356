"""What the file takes out of the answers of consumed operations: ``redact`` (SEMANTICS 5.11)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from naftiko.document.findings import Findings
from naftiko.document.model import ConsumedOperation
from naftiko.expression import jsonpath
from naftiko.expression.jsonpath.hiding import parse_hidden

_READABLE: Final = ("json", "yaml", "csv", "tsv", "psv", "sse", "ndjson", "jsonl", "json-seq")
"""Formats of consumed operations whose answers can be redacted: what is left of them is written as JSON."""
HINT: Final = "write a JSONPath to what callers must not see, for example `$..ssn` or `$.items[*].ssn`"


def consumed_redaction(operation: ConsumedOperation, findings: Findings) -> tuple[tuple[jsonpath.JSONPath, ...], str]:
    """Return what is taken out of an operation's answers, and why it can't be called: nothing is shown by mistake."""
    if not operation.redact:
        return (), ""
    written = (operation.output_raw_format or _READABLE[0]).lower()
    if written not in _READABLE:
        reason = f"its `redact` can't be done in answers of the format `{written}`"
        hint = f"declare it on what is exposed; on a consumed operation it reads {', '.join(_READABLE)}"
        findings.at(operation.at("redact")).error("bad-redaction", reason, hint=hint)
        return (), reason
    try:
        return redacted_paths(operation.redact), ""
    except jsonpath.JSONPathError as error:
        findings.at(operation.at("redact")).error("bad-redaction", error.message, hint=HINT)
        return (), "its `redact` is broken"


def redacted_paths(texts: Sequence[str]) -> tuple[jsonpath.JSONPath, ...]:
    """Compile the paths of a ``redact``.

    Raises:
        jsonpath.JSONPathError: one can't be done; its message says which.
    """
    found = []
    for text in texts:
        try:
            found.append(parse_hidden(text))
        except jsonpath.JSONPathError as error:
            message = f"`redact: [{text}]` can't be done: {error.message}"
            raise jsonpath.JSONPathError(message, error.column) from error
    return tuple(found)
