"""How skill adapters are served: catalogues over HTTP (SEMANTICS 10)."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from naftiko.document.model import AdapterModel, SkillAdapter
from naftiko.expose.served import Exposed, Mounted, ServedKind
from naftiko.expose.skill.options import SkillOptions

if TYPE_CHECKING:
    from naftiko.engine.capability import Adapter, Unit
    from naftiko.expose.skill.app import SkillApp
    from naftiko.expose.spaces import Spaces
    from naftiko.link.adapters.kind import AdapterKind

CATALOGUE_PATH = "/skills"
"""Where the skills of all adapters of a listener are; each adapter's alone are at ``/<namespace>/skills``."""


class _Skill(ServedKind[SkillOptions]):
    model: ClassVar[type[AdapterModel]] = SkillAdapter
    title: ClassVar[str] = "skills"
    nouns: ClassVar[tuple[str, ...]] = ("skill",)
    default_port: ClassVar[int] = 3003
    options = SkillOptions
    runs: ClassVar[bool] = False

    def linking(self) -> AdapterKind[Any]:
        from naftiko.link.adapters.skill import SKILL as LINKED  # noqa: PLC0415  # see `ServedKind`

        return LINKED

    def mount(self, exposed: Sequence[Exposed], options: SkillOptions, spaces: Spaces) -> Mounted:
        from naftiko.expose.skill.app import build  # noqa: PLC0415  # an app is imported when one is wanted

        return _MountedSkills(build(exposed, options, spaces))

    def path(self, name: str, *, alone: bool, prefix: bool) -> str:
        return CATALOGUE_PATH if alone and not prefix else f"/{name}{CATALOGUE_PATH}"

    def key(self, unit: Unit) -> Hashable:
        return unit.name

    def what(self, unit: Unit) -> str:
        return f"the skill {unit.name}"

    def amounts(self, adapter: Adapter) -> dict[str, int]:
        return {"skill": len(adapter.plan.skills)}

    def description(self, exposed: Exposed) -> Mapping[str, Any]:
        return {
            "skills": [
                {
                    "name": plan.name,
                    "description": plan.description,
                    "location": plan.location,
                    "tools": [
                        {
                            "name": tool.name,
                            "namespace": tool.namespace or None,
                            "action": tool.action or None,
                            "mode": None if tool.instruction is not None else tool.mode,
                            "instruction": tool.instruction,
                        }
                        for tool in plan.tools
                    ],
                }
                for plan in exposed.adapter.plan.skills
            ]
        }


class _MountedSkills(Mounted):
    """The catalogues, whose paths are below ``/skills`` and ``/<namespace>/skills``."""

    def __init__(self, app: SkillApp) -> None:
        super().__init__(app)
        self._skills = app

    def owns(self, path: str) -> bool:
        return self._skills.owns(path)

    def has_metadata(self, path: str) -> bool:
        return self._skills.has_metadata(path)


SKILL = _Skill()
"""Catalogues of skills."""
