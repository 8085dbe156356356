"""Whatever is damaged in a file, a message points at the damaged line, and says what to do."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest

from naftiko.cli.check import diagnostics_of
from naftiko.engine.capability import load
from naftiko.ground.types import Diagnostic, Severity

FILES = Path(__file__).parent / "files"
TICKETS = (FILES / "tickets.yaml").read_text("utf-8")


class Damage(NamedTuple):
    """A text of the file, what it becomes, the rule that must tell it, and a word of the hint.

    ``line`` is the offset of the line that is wrong from the line where ``old`` begins.
    """

    old: str
    new: str
    rule: str
    hint: str = ""
    line: int = 0


DAMAGES = {
    "colon dropped after a key": Damage("    baseUri: https", "    baseUri https", "yaml-syntax", ":"),
    "closing quote dropped": Damage(
        'token: "{{HELPDESK_TOKEN}}"', 'token: "{{HELPDESK_TOKEN}}', "yaml-syntax", "quote"
    ),
    "opening quote dropped": Damage('token: "{{HELPDESK_TOKEN}}"', 'token: {{HELPDESK_TOKEN}}"', "yaml-syntax"),
    "quotes of a template dropped": Damage(
        'token: "{{HELPDESK_TOKEN}}"', "token: {{HELPDESK_TOKEN}}", "wrong-type", "quote"
    ),
    "a tab for indentation": Damage(
        "    description: The helpdesk's API.", "\tdescription: The helpdesk's API.", "yaml-syntax", "tab"
    ),
    "one space too few": Damage(
        "        description: Open a ticket\n        inputP",
        "       description: Open a ticket\n        inputP",
        "yaml-syntax",
        "indent",
    ),
    "a second colon in a value": Damage(
        "description: Read a ticket\n        inputP",
        "description: Read: a ticket\n        inputP",
        "yaml-syntax",
        "quote",
    ),
    "a key's letter dropped": Damage("    baseUri:", "    bseUri:", "unknown-key", "baseUri"),
    "a plural forgotten": Damage(
        "        inputParameters:\n        - name: status",
        "        inputParameter:\n        - name: status",
        "unknown-key",
        "inputParameters",
    ),
    "a key moved out of its mapping": Damage("    port: 9090\n", "  port: 9090\n", "yaml-syntax", "indent"),
    "a key moved into the mapping below": Damage(
        "        description: List agents\n", "", "unknown-key", line=0
    )._replace(
        old="      path: /agents\n      operations:\n      - name: list-agents\n",
        new="      operations:\n      - name: list-agents\n        pathh: /agents\n",
        rule="unknown-key",
        hint="path",
        line=2,
    ),
    "an operation misspelt": Damage(
        "        call: helpdesk.list-tickets\n", "        call: helpdesk.list-tikets\n", "unknown-call", "list-tickets"
    ),
    "a namespace misspelt in a call": Damage(
        "        call: helpdesk.create-ticket", "        call: helpdsk.create-ticket", "misspelt-name", "helpdesk"
    ),
    "a function misspelt in a ref": Damage(
        "ref: desk.open-tickets", "ref: desk.open-ticket", "unknown-ref", "open-tickets"
    ),
    "a namespace misspelt in a ref": Damage("ref: desk.open-tickets", "ref: dsk.open-tickets", "misspelt-name", "desk"),
    "a step misspelt in a lookup": Damage(
        "        index: agents", "        index: agent-list", "unknown-step", "agents"
    ),
    "a step misspelt in a mapping": Damage("value: $.agent.name", "value: $.agnt.name", "unknown-step", "agent"),
    "a step misspelt in a lookup's value": Damage(
        "lookupValue: $.ticket.agent_id", "lookupValue: $.tiket.agent_id", "unknown-step", "ticket"
    ),
    "an operation misspelt in a step": Damage(
        "        call: helpdesk.list-agents", "        call: helpdesk.list-agent", "unknown-call", "list-agents"
    ),
    "an argument misspelt": Damage(
        "          page: rest.page", "          paeg: rest.page", "unknown-argument", "page"
    ),
    "an input misspelt in with": Damage(
        '      with:\n        ticket_id: "{{ticket_id}}"',
        '      with:\n        ticket_id: "{{ticketid}}"',
        "misspelt-name",
        "ticket_id",
        1,
    ),
    "an input misspelt in a step": Damage(
        '          ticket_id: "{{ticket_id}}"', '          ticket_id: "{{tiket_id}}"', "undeclared-input", "ticket_id"
    ),
    "a reference misspelt": Damage(
        "          page: rest.page", "          page: rst.page", "misspelt-reference", "rest.page"
    ),
    "a variable misspelt": Damage(
        'token: "{{HELPDESK_TOKEN}}"', 'token: "{{HELPDESK_TOKN}}"', "undeclared-variable", "HELPDESK_TOKEN"
    ),
    "letters in a port": Damage("    port: 8080", "    port: 80a0", "wrong-type"),
    "an adapter's type misspelt": Damage("  - type: mcp", "  - type: mpc", "unknown-kind", "mcp"),
    "a step's type misspelt": Damage("      - type: lookup", "      - type: lokup", "unknown-kind", "lookup"),
    "a location misspelt": Damage("          in: path", "          in: pth", "unknown-location", "path"),
    "a parameter's type misspelt": Damage(
        "          type: integer", "          type: intger", "unknown-type", "integer"
    ),
    "a word for a boolean": Damage(
        "          required: true\n        - name: tags", "          required: yess\n        - name: tags", "wrong-type"
    ),
    "one space too many": Damage(
        "      - name: create-ticket\n        method: POST",
        "      - name: create-ticket\n         method: POST",
        "yaml-syntax",
        "indent",
        1,
    ),
    "a colon dropped before deeper lines": Damage(
        "          type: integer\n", "          type integer\n", "yaml-syntax", ":"
    ),
    "a dash dropped from the first of a list": Damage(
        "      - name: list-tickets\n        method: GET\n        description: List tickets\n        outputRaw",
        "        name: list-tickets\n        method: GET\n        description: List tickets\n        outputRaw",
        "yaml-syntax",
        "- ",
    ),
    "a key twice": Damage(
        "    namespace: helpdesk-mcp\n",
        "    namespace: helpdesk-mcp\n    namespace: tickets-mcp\n",
        "duplicate-key",
        "keep",
        1,
    ),
    "a bracket dropped from a path": Damage("mapping: $.tags[*].name", "mapping: $.tags[*.name", "broken-jsonpath"),
    "a letter dropped from the root key": Damage(
        "naftiko: 1.0.0-alpha2", "naftko: 1.0.0-alpha2", "no-root-key", "naftiko"
    ),
    "a letter doubled in the version": Damage(
        "naftiko: 1.0.0-alpha2", "naftiko: 1.0.0-aalpha2", "unknown-version", "alpha"
    ),
    "a dash dropped from a list": Damage("    - name: agents\n", "      name: agents\n", "duplicate-key", "", 0),
    "a call removed": Damage(
        "        call: helpdesk.create-ticket\n", "", "implied-call", "helpdesk.create-ticket", -3
    ),
    "a hyphen dropped from an operation": Damage(
        "      - name: get-ticket\n        method: GET\n        description: Read a ticket\n        call: ",
        "",
        "misspelt-name",
    )._replace(
        old="        call: helpdesk.get-ticket\n        outputP",
        new="        call: helpdesk.getticket\n        outputP",
        hint="get-ticket",
    ),
}


def damaged(damage: Damage, directory: Path) -> tuple[Path, int]:
    """Write the damaged file; return it and the number of the damaged line."""
    assert TICKETS.count(damage.old) >= 1, "the damage fits the file"
    at = TICKETS.index(damage.old)
    path = directory / "tickets.yaml"
    path.write_text(TICKETS.replace(damage.old, damage.new, 1), "utf-8")
    return path, TICKETS.count("\n", 0, at) + 1 + damage.line


def found_in(path: Path) -> list[Diagnostic]:
    return list(diagnostics_of(load(path)))


def test_the_undamaged_file_has_nothing_to_tell():
    assert [found for found in found_in(FILES / "tickets.yaml") if found.severity is not Severity.HINT] == []


@pytest.mark.parametrize("name", DAMAGES)
def test_the_message_points_at_the_damaged_line(name, tmp_path):
    damage = DAMAGES[name]
    path, line = damaged(damage, tmp_path)
    found = found_in(path)
    told = [each for each in found if each.rule == damage.rule]
    assert told, [str(each) for each in found]
    assert line in {each.position.line for each in told}, [str(each) for each in told]
    right = next(each for each in told if each.position.line == line)
    assert damage.hint in f"{right.message} {right.hint}"
