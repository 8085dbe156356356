"""What somebody else's module needs to bring a kind of adapter, step or authentication, a policy or an observer.

    from naftiko.extend import Authentication, Credential, Draft, Proof, Secret, register_authentication

A module registers its kinds when it is imported, before a file is loaded; it may then run ``naftiko.extend.main()``,
which is the command line. Policies and observers are given to ``naftiko.Settings``. The modules that these names come
from may move; the names here stay. The chapter "Seams" of ``docs/architecture.md`` says what each is for.
"""

from __future__ import annotations

from naftiko.cli import main
from naftiko.document.findings import Findings
from naftiko.document.model import AdapterModel, Step
from naftiko.document.model.authentication import Authentication, Secret, Value, Verbatim
from naftiko.engine.authentication import Credential, Proof
from naftiko.engine.authentication import register as register_authentication
from naftiko.engine.request import Draft
from naftiko.engine.sending import Outgoing, Policy, Send, Target
from naftiko.expose.announcement import Announcement
from naftiko.expose.registry import register as register_adapter
from naftiko.expose.served import Exposed, Listening, Mounted, ServedKind
from naftiko.expression.scope import Scope
from naftiko.link.adapters.kind import AdapterKind, Declaration, Linker, Place
from naftiko.link.steps import Linking, StepPlan
from naftiko.link.steps import register as register_step
from naftiko.observe.observer import Caller, Exchange, Observer, Observers, StepRun, UnitRun
from naftiko.plan.actions import Call, Runner, StepResult

__all__ = [
    "AdapterKind",
    "AdapterModel",
    "Announcement",
    "Authentication",
    "Call",
    "Caller",
    "Credential",
    "Declaration",
    "Draft",
    "Exchange",
    "Exposed",
    "Findings",
    "Linker",
    "Linking",
    "Listening",
    "Mounted",
    "Observer",
    "Observers",
    "Outgoing",
    "Place",
    "Policy",
    "Proof",
    "Runner",
    "Scope",
    "Secret",
    "Send",
    "ServedKind",
    "Step",
    "StepPlan",
    "StepResult",
    "StepRun",
    "Target",
    "UnitRun",
    "Value",
    "Verbatim",
    "main",
    "register_adapter",
    "register_authentication",
    "register_step",
]
