"""A step that runs a script of the capability's directory in a sandbox (SEMANTICS 5.8)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

from naftiko.document.model import CapabilityDocument, ScriptingManagement, ScriptStep
from naftiko.document.suggest import did_you_mean
from naftiko.expression.scope import Scope
from naftiko.expression.template import Value
from naftiko.ground.types import ABSENT
from naftiko.link.steps.contract import Linking, StepPlan
from naftiko.plan.actions import Runner, StepResult
from naftiko.plan.script import GROOVY, LANGUAGES, Script, why_unsafe

_NO_GROOVY: Final = "it has no sandbox: write it in JavaScript (`language: javascript`) or Python"


@dataclass(frozen=True, slots=True)
class ScriptStepPlan(StepPlan):
    """Runs a script, which sees the inputs, its ``with`` and the results of all earlier steps.

    Attributes:
        runs: what is run.
        given: its ``with``.
    """

    runs: Script
    given: tuple[tuple[str, Value], ...]

    @classmethod
    def link(cls, step: ScriptStep, linking: Linking) -> Self:
        """Link it; what only its files decide is found by ``validate``, and when it is run."""
        defaults = linking.scripting or ScriptingManagement()
        if not step.file:
            linking.cannot("script-path", "is a script without a file", "add `file: NAME.js`, below its location")
        if not (step.location or defaults.default_location):
            linking.cannot("script-defaults", "is a script, and nothing says where it lies", _NO_LOCATION)
        _check_language(step, defaults, linking)
        for key, names in (("file", (step.file,)), ("dependencies", step.dependencies)):
            for name in names:
                unsafe = why_unsafe(name)
                if unsafe:
                    linking.cannot("script-path", f"names the file `{name}`", unsafe, key=key)
        given = linking.with_values(step.with_)
        script = Script(linking.name, step.file, step.location, step.language, step.dependencies)
        return cls(linking.name, frozenset(linking.earlier), script, tuple(given.items()))

    @property
    def scripts(self) -> tuple[Script, ...]:
        """The one."""
        return (self.runs,)

    async def run(self, runner: Runner, scope: Scope) -> StepResult:
        """Run the script."""
        context = {**scope.inputs, **scope.steps}
        for name, value in self.given:
            found = value(scope)
            if found is not ABSENT:
                context[name] = found
        result = await runner.script(self.runs, {name: each for name, each in context.items() if each is not ABSENT})
        return StepResult(ABSENT, ABSENT) if result is None else StepResult(result, result)

    async def pretend(self, runner: Runner, scope: Scope) -> StepResult:
        """Run nothing: what it would make of answers that nobody gave is unknown."""
        del runner, scope
        return StepResult(ABSENT, ABSENT)


def _check_language(step: ScriptStep, defaults: ScriptingManagement, linking: Linking) -> None:
    key = "language" if step.language else ""
    written = step.language or defaults.default_language
    if not written:
        linking.cannot("script-defaults", "is a script, and nothing says in which language", _NO_LANGUAGE)
    if written.lower() == GROOVY:
        linking.cannot("unsupported-step", "is a script in Groovy, which is not run", _NO_GROOVY, key=key)
    language = LANGUAGES.get(written.lower())
    if language is None:
        near = did_you_mean(written, LANGUAGES) or "javascript and python are run"
        linking.cannot("unsupported-step", f"is a script in `{written}`, which is not run", near, key=key)
    allowed = defaults.allowed_languages
    if allowed and written not in allowed and language not in allowed:
        linking.cannot(
            "script-language",
            f"is a script in `{written}`, which `allowedLanguages` of the control adapter doesn't have",
            "add it there, or write the script in one of those",
            key=key,
        )


def scripting_of(document: CapabilityDocument) -> ScriptingManagement | None:
    """Return what a file says of its scripts: the first control adapter that has ``management.scripting``."""
    managements = (getattr(each, "management", None) for each in document.exposes)
    return next((each.scripting for each in managements if each is not None and each.scripting is not None), None)


_NO_LOCATION: Final = (
    "add `location: file:///DIRECTORY`, or `management.scripting.defaultLocation` to a control adapter"
)
_NO_LANGUAGE: Final = "add `language: javascript`, or `management.scripting.defaultLanguage` to a control adapter"
