"""What only the files beside a capability decide: schemas, scripts, the files of resources and prompts (SEMANTICS 1.4).

It is looked for by whoever shows diagnostics to a person, not by every load: a schema may take a compiler to check.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from naftiko.document.findings import Findings
from naftiko.document.model import Bind, CapabilityDocument, ConsumedOperation
from naftiko.engine.binds import UnreadableSource, file_of, open_source
from naftiko.engine.formats import KNOWN, FormatError, FormatOptions, FormatUnavailable, decoder
from naftiko.engine.reach import FileRoots, is_there, located
from naftiko.expression.scope import Variables
from naftiko.ground.types import Diagnostic
from naftiko.link.adapters import linked
from naftiko.link.adapters.kind import Located
from naftiko.link.lint.flows import units_with_steps

_PLAIN = frozenset({"", "json", "xml", "csv", "tsv", "psv", "text", "binary"})
"""Formats that need neither a file nor a library of an extra."""


def lint_files(
    document: CapabilityDocument, path: Path, variables: Variables, roots: FileRoots
) -> tuple[Diagnostic, ...]:
    """Return what is wrong with what lies beside a capability's file.

    Args:
        document: the canonical model.
        path: the file.
        variables: those that its locations may name.
        roots: where its files may lie.
    """
    findings = Findings(str(path))
    for api in document.consumes:
        for resource in getattr(api, "resources", ()):
            for operation in resource.operations:
                _check_format(operation, roots, findings)
    for bind in document.binds:
        if isinstance(bind, Bind):
            _check_location(bind, path.parent, roots, findings)
    for kind, adapter in linked(document):
        things = [thing for _, thing in kind.files(adapter)]
        _check_files(things, path.parent, variables, roots, findings)
    if any(step.is_file for unit in units_with_steps(document) for step in unit.steps):
        from naftiko.engine.scripting.lint import lint_scripts  # noqa: PLC0415  # for files that have scripts

        lint_scripts(document, path.parent, variables, roots, findings)
    return tuple(findings)


def _check_location(bind: Bind, base: Path, roots: FileRoots, findings: Findings) -> None:
    source = open_source(bind.location, base, {}) if bind.location else None
    if isinstance(source, UnreadableSource):
        findings.at(bind.at("location")).error("bad-bind-location", source.reason)
        return
    path = file_of(bind.location, base) if bind.location else None
    if path is not None and not roots.holds(path):
        findings.at(bind.at("location")).hint(
            "outside-file",
            f"the bind reads `{path}`, outside of the capability's directory; the start says where its values go",
            hint=f"name it with --file-root {path}, which `--strict` wants",
        )


def _check_files(
    things: Sequence[Located], base: Path, variables: Variables, roots: FileRoots, findings: Findings
) -> None:
    for thing in things:
        if thing.location is None:
            continue
        path = located(thing.location, base, variables)
        if not is_there(path):
            findings.at(thing.at("location")).warning(
                "missing-file",
                f"there is nothing at `{thing.location}`, seen from {base}",
                hint="correct the location; `file://./NAME` is relative to the capability file",
            )
        elif not roots.holds(path):
            findings.at(thing.at("location")).error(
                "unreachable-file",
                f"`{thing.location}` lies outside of the capability's directory {roots.own}: it is not served",
                hint="move it below, or let it be read with --file-root DIRECTORY",
            )


def _check_format(operation: ConsumedOperation, roots: FileRoots, findings: Findings) -> None:
    """Set the format's decoder up, as the first call does; what can't be set up is no call's fault."""
    name = (operation.output_raw_format or "").lower()
    if name in _PLAIN or name not in KNOWN:
        return
    key = "outputRawFormat" if operation.output_schema is None else "outputSchema"
    try:
        decoder(name, FormatOptions(operation.output_schema, roots.own, roots.named))
    except FormatUnavailable as error:
        findings.at(operation.at("outputRawFormat")).warning("unavailable-format", str(error))
    except FormatError as error:
        findings.at(operation.at(key)).error(
            "broken-schema", f"the answers of `{operation.name}` can't be read: {error}", hint=_HINTS.get(name, "")
        )


_HINTS = {
    "avro": "name an Avro schema file, relative to the capability file",
    "protobuf": "name a .proto or descriptor file, relative to the capability file",
    "html": "write a CSS selector of elements, such as `table.prices`",
}
