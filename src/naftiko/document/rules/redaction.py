"""Rules of what answers never show (SEMANTICS 5.11)."""

from __future__ import annotations

from naftiko.document.rules.rule import ERROR, REST, WARNING, Rule

_ROUTE = REST.replace("shop.get-product}", "shop.get-product, redact: [$..cost]}")
_NAMED = REST.replace(
    "shop.get-product}",
    "shop.get-product, redact: [$.cost], outputParameters: [{name: cost, type: number, mapping: $.cost}]}",
)

REDACTION = (
    Rule(
        "bad-redaction",
        ERROR,
        "A `redact` can't be done.",
        "A path is broken, ends in a filter or a function, or is to be taken out of bytes and text. What declares it "
        "is not executable: nothing is shown by mistake.",
        "Write JSONPaths that end in a name, an index or a wildcard, such as `$..ssn`. Of XML and bytes "
        "declare it on what is exposed.",
        _ROUTE.replace("$..cost", "$.length()"),
        _ROUTE,
    ),
    Rule(
        "redaction-finds-nothing",
        WARNING,
        "A `redact` names nothing of the declared outputs.",
        "Its path is one into the answer, not into the API's document; it takes nothing out, and what was meant is "
        "shown.",
        "Name the output as the answer has it, or declare `redact` on the consumed operation.",
        _NAMED.replace("redact: [$.cost]", "redact: [$.price]"),
        _NAMED,
    ),
)
