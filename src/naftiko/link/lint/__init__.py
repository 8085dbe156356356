"""Lint: what works, and is probably not as meant, or could be said better.

Linking tells what can't be executed. This pass, on the document and its plan, tells the rest: the reference's own
rules where they make sense at run time, and what clients and operators trip over. It is quiet on a good file. It is
run by whoever shows diagnostics to a person, not by every load.
"""

from __future__ import annotations

from naftiko.document.findings import Findings
from naftiko.document.model import CapabilityDocument
from naftiko.ground.types import Diagnostic
from naftiko.link.lint.adapters import check_adapters, check_served
from naftiko.link.lint.apis import check_apis
from naftiko.link.lint.binds import check_binds
from naftiko.link.lint.flows import check_flows, check_functions, check_names
from naftiko.link.lint.pages import check_pages
from naftiko.link.lint.streams import check_streams
from naftiko.link.lint.tools import check_texts, check_tools
from naftiko.link.lint.values import check_parameters, check_references, check_variables
from naftiko.plan.unit import CapabilityPlan

__all__ = ["lint"]


def lint(document: CapabilityDocument, plan: CapabilityPlan, file: str) -> tuple[Diagnostic, ...]:
    """Return what is worth saying about a linked file, in the order of the checks.

    Args:
        document: the canonical model.
        plan: what it was linked to, the operator's settings included: what ``--base-uri`` or ``--auth`` has
            settled is not told again.
        file: the file's name, for what belongs to no place in it.
    """
    findings = Findings(file)
    check_names(document, findings)
    check_apis(document, plan, findings)
    check_binds(document, plan, findings)
    check_adapters(document, findings)
    check_served(document, plan, findings)
    check_tools(plan, findings)
    check_functions(document, findings)
    check_flows(document, findings)
    check_parameters(document, findings)
    check_references(document, findings)
    check_variables(document, findings)
    check_texts(document, plan, findings)
    check_pages(document, plan, findings)
    check_streams(document, findings)
    return tuple(findings)
