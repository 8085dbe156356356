"""How REST adapters are served: routes over HTTP (SEMANTICS 6)."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from naftiko.document.model import AdapterModel, OAuth2Authentication, RestAdapter
from naftiko.expose.rest.options import RestOptions
from naftiko.expose.served import Exposed, Mounted, ServedKind

if TYPE_CHECKING:
    from naftiko.engine.capability import Unit
    from naftiko.expose.spaces import Spaces
    from naftiko.link.adapters.kind import AdapterKind


class _Rest(ServedKind[RestOptions]):
    model: ClassVar[type[AdapterModel]] = RestAdapter
    title: ClassVar[str] = "REST"
    nouns: ClassVar[tuple[str, ...]] = ("route",)
    default_port: ClassVar[int] = 8080
    options = RestOptions

    def linking(self) -> AdapterKind[Any]:
        from naftiko.link.adapters.rest import REST as LINKED  # noqa: PLC0415  # see `ServedKind`

        return LINKED

    def mount(self, exposed: Sequence[Exposed], options: RestOptions, spaces: Spaces) -> Mounted:
        from naftiko.expose.rest.app import build  # noqa: PLC0415  # Starlette is imported when an app is wanted

        models = (adapter.plan.model for _, adapter in exposed)
        is_resource = any(isinstance(model.authentication, OAuth2Authentication) for model in models)
        return Mounted(build(exposed, options, spaces), has_root_metadata=is_resource)

    def path(self, name: str, *, alone: bool, prefix: bool) -> str:
        """Routes have their own paths; a namespace is part of them only as a prefix."""
        del alone
        return f"/{name}" if prefix else ""

    def key(self, unit: Unit) -> Hashable:
        return unit.method or "*", () if unit.plan.route is None else unit.plan.route.key

    def what(self, unit: Unit) -> str:
        return f"{unit.method or 'forward'} {unit.path}"

    def is_in_vain(self, first: Unit, second: Unit) -> bool:
        """REST prefers what can run, and what a request's inputs fit best."""
        if first.method is None:
            return True
        if not first.executable and second.executable:
            return False
        has_more = _inputs(second, required=False) - _inputs(first, required=False)
        return not has_more and _inputs(first, required=True) == _inputs(second, required=True)


def _inputs(unit: Unit, *, required: bool) -> frozenset[tuple[str, str]]:
    """Return what a request gives of a unit's inputs beside its path, which both have."""
    given = (each for each in unit.inputs if each.location not in {"path", "environment"})
    return frozenset((each.location, each.name) for each in given if each.required or not required)


REST = _Rest()
"""Routes over HTTP."""
