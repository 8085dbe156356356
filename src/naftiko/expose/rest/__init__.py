"""The REST adapter: a route per resource path and method (SEMANTICS 6)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from naftiko.expose.rest.options import MAX_REQUEST_BYTES, RestOptions

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from naftiko.engine.capability import Capability
    from naftiko.expose.spaces import Spaces

__all__ = ["MAX_REQUEST_BYTES", "RestOptions", "rest_app"]


def rest_app(
    capability: Capability | Sequence[Capability],
    options: RestOptions | None = None,
    spaces: Spaces | None = None,
) -> ASGIApp:
    """Return an ASGI app with the routes of all REST adapters of one capability, or of several.

    With ``options.prefix`` each capability's are under its namespace; ``spaces`` says which, where others than these
    are served too.

    The capability's connections are closed when the app's lifespan ends; without a lifespan (in tests, mounted
    elsewhere) call ``capability.aclose`` yourself.
    """
    from naftiko.expose.rest.adapter import REST  # noqa: PLC0415  # Starlette is imported when an app is wanted
    from naftiko.expose.rest.app import build  # noqa: PLC0415  # likewise

    capabilities = capability if isinstance(capability, Sequence) else [capability]
    return build([(each, adapter) for each in capabilities for adapter in each.of_kind(REST.kind)], options, spaces)
