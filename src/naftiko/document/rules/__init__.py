"""The registry of every rule that a diagnostic can name. A test holds it, the code and the documentation together."""

from __future__ import annotations

from collections.abc import Mapping

from naftiko.document.rules.caching import CACHING
from naftiko.document.rules.clients import CLIENTS, SCHEMAS
from naftiko.document.rules.credentials import CREDENTIALS
from naftiko.document.rules.imports import IMPORTS
from naftiko.document.rules.language import LANGUAGE, TEXT
from naftiko.document.rules.limits import LIMITS
from naftiko.document.rules.pagination import PAGINATION
from naftiko.document.rules.redaction import REDACTION
from naftiko.document.rules.references import EXPRESSIONS, REFERENCES
from naftiko.document.rules.requests import REQUESTS
from naftiko.document.rules.resilience import RESILIENCE
from naftiko.document.rules.rule import Rule
from naftiko.document.rules.skills import SKILLS
from naftiko.document.rules.streams import STREAMS

__all__ = ["CHAPTERS", "RULES", "Rule"]

CHAPTERS: Mapping[str, tuple[Rule, ...]] = {
    "YAML": TEXT,
    "The language": LANGUAGE,
    "Imports": IMPORTS,
    "Names and references": REFERENCES,
    "Templates and paths": EXPRESSIONS,
    "Requests and routes": REQUESTS,
    "Policies of calls": RESILIENCE,
    "Caching": CACHING,
    "Lists in pages": PAGINATION,
    "Streams": STREAMS,
    "Redaction": REDACTION,
    "Limits for callers": LIMITS,
    "Credentials and addresses": CREDENTIALS,
    "What clients and people see": CLIENTS,
    "Schemas of tools": SCHEMAS,
    "Skills": SKILLS,
}
"""The rules by chapter, in the order of the documentation."""

RULES: Mapping[str, Rule] = {rule.id: rule for rules in CHAPTERS.values() for rule in rules}
"""The rules by id."""
