"""Values that look like variables of a shell, where they are sent as the text they are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from naftiko.document.findings import Findings
from naftiko.document.model import CapabilityDocument, ConsumesHttp
from naftiko.document.model.steps import texts_of
from naftiko.document.nodes import Node
from naftiko.document.shell import as_template, first_in, meant
from naftiko.plan.lint.parameters import parameters
from naftiko.plan.lint.references import callers


def check_variables(document: CapabilityDocument, findings: Findings) -> None:
    """Check the values of parameters, headers, bodies and ``with``; those of credentials are read as variables."""
    for text, node in (*_values(document), *_wholes(document)):
        if meant(text) is not None:
            written = first_in(text) or text.strip()
            findings.at(node).warning(
                "shell-variable", f"`{written}` is no template: this text is sent", hint=f"write `{meant(written)}`"
            )


def _values(document: CapabilityDocument) -> Iterator[tuple[str, Node | None]]:
    """Yield texts in which ``${NAME}`` may stand between others: values of parameters and constant headers."""
    for parameter in parameters(document):
        for place, text in texts_of(
            parameter.value if parameter.structure is None else parameter.structure, ("value",)
        ):
            if as_template(text) is not None:
                yield text, parameter.at(*place)
    for api in document.consumes:
        if isinstance(api, ConsumesHttp):
            yield from ((text, api.at("headers", name)) for name, text in api.headers.items())


def _wholes(document: CapabilityDocument) -> Iterator[tuple[str, Node | None]]:
    """Yield texts that are a variable or none: in others, ``${NAME}`` may be the API's own."""
    for caller, _ in callers(document):
        for place, text in texts_of(getattr(caller, "with_", {}), ("with",)):
            if _is_whole(text):
                yield text, caller.at(*place)
    for api in document.consumes:
        for resource in getattr(api, "resources", ()):
            for operation in resource.operations:
                data: Any = operation.body.data if operation.body is not None else None
                for place, text in texts_of(data, ("body", "data")):
                    if _is_whole(text):
                        yield text, operation.at(*place)


def _is_whole(text: str) -> bool:
    template = meant(text)
    return template is not None and template.startswith("{{") and template.endswith("}}") and template.count("{{") == 1
