"""The document: a capability, or a file that others import from."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, TypeAlias

from naftiko.document.model.adapter import AdapterModel, UnknownAdapter
from naftiko.document.model.adapters import CHOICE
from naftiko.document.model.aggregates import Aggregate
from naftiko.document.model.base import Canonical, Choice, Import, Model, Named
from naftiko.document.model.binds import Bind
from naftiko.document.model.consumes import ConsumesHttp, ConsumesWebSocket


class Person(Model):
    """A stakeholder."""

    role: str | None = None
    full_name: str | None = None
    email: str | None = None


class Info(Model):
    """What the capability is called and for."""

    label: str | None = None
    name: str | None = None
    version: str | None = None
    description: str | None = None
    tags: tuple[str, ...] = ()
    created: str | None = None
    modified: str | None = None
    stakeholders: tuple[Person, ...] = ()
    icon: str | None = None


class UnknownConsumes(Model):
    """A consumed thing of a kind that this runtime doesn't call, such as ``workers-kv``."""

    open_ended: ClassVar[bool] = True

    type: str | None = None
    namespace: str | None = None
    base_uri: str | None = None


Consumes: TypeAlias = Annotated[
    tuple[ConsumesHttp | ConsumesWebSocket | UnknownConsumes | Import, ...],
    Named(key="namespace"),
    Choice(
        by="type",
        models={"http": ConsumesHttp, "websocket": ConsumesWebSocket},
        default=ConsumesHttp,
        unknown=UnknownConsumes,
    ),
]

Exposes: TypeAlias = Annotated[tuple[AdapterModel | UnknownAdapter | Import, ...], Named(key="namespace"), CHOICE]


class CapabilityDocument(Model):
    """A whole file, its root and its ``capability`` joined (SEMANTICS 1.3).

    Attributes:
        version: the value of the root key ``naftiko`` or ``ikanos``.
    """

    version: Annotated[str | None, Canonical()] = None
    info: Info | None = None
    binds: Annotated[tuple[Bind | Import, ...], Named(key="namespace")] = ()
    consumes: Consumes = ()
    aggregates: Annotated[tuple[Aggregate | Import, ...], Named(key="namespace")] = ()
    exposes: Exposes = ()
    management: Any = None
