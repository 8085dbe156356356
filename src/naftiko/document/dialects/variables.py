"""Credentials with a shell's variables: ``$env.TOKEN`` is ``{{env.TOKEN}}``, ``${TOKEN}`` is ``{{TOKEN}}``."""

from __future__ import annotations

from yaml.nodes import MappingNode, Node, ScalarNode

from naftiko.document.dialects import nodes
from naftiko.document.findings import Findings
from naftiko.document.reader import Entries, entries
from naftiko.document.shell import as_template, first_in

_WORDS = frozenset({"type", "placement", "in"})


def of_credentials(found: Entries, findings: Findings) -> None:
    """Read the variables of an authentication's values, with a warning; in a credential they can mean nothing else."""
    for name, (key, value) in found.items():
        if name not in _WORDS:
            found[name] = (key, _read(value, findings))


def _read(value: Node, findings: Findings) -> Node:
    if isinstance(value, MappingNode) and "$" in "".join(_texts(value)):
        inner = entries(value, findings).values()
        return nodes.mapping(((key, _read(child, findings)) for key, child in inner), value)
    template = as_template(value.value) if isinstance(value, ScalarNode) else None
    if template is None:
        return value
    written = first_in(value.value)  # never the rest of the text, which may be a secret
    meant = as_template(written)
    findings.at(value).warning(
        "shell-variable", f"`{written}` is a shell's variable; it is read as `{meant}`", hint=f"write `{meant}`"
    )
    return nodes.text(template, value)


def _texts(value: MappingNode) -> list[str]:
    return [child.value for _, child in value.value if isinstance(child, ScalarNode)]
