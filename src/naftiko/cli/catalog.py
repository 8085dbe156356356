"""``naftiko catalog``: a capability as an entity of a Backstage catalogue."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click

from naftiko.cli.options import shared_options
from naftiko.cli.terminal import say
from naftiko.document.writing import as_yaml
from naftiko.engine.capability import Capability, load
from naftiko.engine.settings import Settings
from naftiko.expose.registry import KINDS
from naftiko.ground.errors import CapabilityError

_LONGEST = 63
"""Characters of a name of Backstage (https://backstage.io/docs/features/software-catalog/descriptor-format)."""


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--owner", default="unknown", metavar="NAME", help="Who owns it; default: unknown.")
@shared_options
def catalog(settings: Settings, file: Path, owner: str) -> None:
    """Write a capability as a Component of a Backstage catalogue."""
    capability = load(file, settings=settings)
    if not capability.usable:
        raise CapabilityError(f"{file}: it can't be read as a capability", capability.errors)
    say(as_yaml([_component(capability, owner)]), nl=False)


def _component(capability: Capability, owner: str) -> dict[str, Any]:
    info = capability.plan.info
    provided = [each for each in capability.adapters if not KINDS[each.kind].for_operators]
    ports = [each.plan.model.port for each in capability.adapters if KINDS[each.kind].for_operators]
    consumed = [slug(api.namespace) for api in capability.plan.apis.values()]
    annotations = {"naftiko.io/spec-version": capability.plan.version or "unknown"}
    if ports and ports[0] is not None:
        annotations |= {"naftiko.io/control-port": str(ports[0]), "prometheus.io/scrape-port": str(ports[0])}
    metadata: dict[str, Any] = {"name": slug(capability.label), "title": capability.label}
    if info is not None and info.description:
        metadata["description"] = info.description
    tags = dict.fromkeys(map(slug, (*(info.tags if info is not None else ()), *(each.kind for each in provided))))
    spec: dict[str, Any] = {"type": "service", "lifecycle": "production", "owner": owner}
    names = list(dict.fromkeys(slug(each.namespace) for each in provided if each.namespace))
    spec |= {"providesApis": names} if names else {}
    spec |= {"consumesApis": consumed, "dependsOn": [f"api:{name}" for name in consumed]} if consumed else {}
    return {
        "apiVersion": "backstage.io/v1alpha1",
        "kind": "Component",
        "metadata": {**metadata, "annotations": annotations, "tags": list(tags)},
        "spec": spec,
    }


def slug(text: str) -> str:
    """Return a text as a name of Backstage: lower case letters, digits and single hyphens, 63 at most."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:_LONGEST].strip("-") or "unnamed"
