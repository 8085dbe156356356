"""What the stand-in for Koyeb holds: an organization, four apps, thirty instances, their events; always the same."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from naftiko.ground.types import Json

_NAMESPACE: Final = uuid.uuid5(uuid.NAMESPACE_DNS, "stand-in.koyeb.example")
_FIRST: Final = datetime(2026, 5, 18, 6, 0, tzinfo=UTC)
_SPACING: Final = timedelta(minutes=47)

STATUSES: Final = ("ALLOCATING", "STARTING", "HEALTHY", "UNHEALTHY", "STOPPING", "STOPPED", "ERROR", "SLEEPING")
"""``Instance.Status`` in the order of the OpenAPI document."""

_RUNNING: Final = ("ALLOCATING", "STARTING", "HEALTHY")
_LIFE: Final = {
    "ALLOCATING": ("ALLOCATING",),
    "STARTING": ("ALLOCATING", "STARTING"),
    "HEALTHY": _RUNNING,
    "UNHEALTHY": (*_RUNNING, "UNHEALTHY"),
    "STOPPING": (*_RUNNING, "STOPPING"),
    "STOPPED": (*_RUNNING, "STOPPING", "STOPPED"),
    "ERROR": ("ALLOCATING", "STARTING", "ERROR"),
    "SLEEPING": (*_RUNNING, "SLEEPING"),
}
"""The states that an instance has been through, by the one it is in."""

_STATES: Final = {
    "ALLOCATING": (0, "Instance is being allocated"),
    "STARTING": (12, "Instance is starting: pulling the image"),
    "HEALTHY": (41, "Instance is healthy: all health checks pass"),
    "UNHEALTHY": (5_400, "Instance is unhealthy: TCP health check on port 8000 failed 3 times"),
    "STOPPING": (7_200, "Instance is stopping"),
    "STOPPED": (7_230, "Instance is stopped"),
    "ERROR": (75, "Instance exited with code 1"),
    "SLEEPING": (3_900, "Instance is sleeping: no request for 300 s"),
}
"""For each state, how many seconds after its creation an instance reaches it, and what the event says."""

_FLEET: Final = (
    ("storefront", "web", "small", "fra", ("HEALTHY", "HEALTHY", "HEALTHY", "UNHEALTHY")),
    ("storefront", "web", "small", "was", ("HEALTHY", "HEALTHY", "STARTING")),
    ("storefront", "checkout", "medium", "fra", ("HEALTHY", "HEALTHY", "STOPPED", "STOPPED")),
    ("storefront", "search", "large", "fra", ("HEALTHY", "ERROR", "ERROR")),
    ("analytics", "collector", "micro", "sin", ("HEALTHY", "HEALTHY", "STOPPING")),
    ("analytics", "warehouse-loader", "large", "par", ("STOPPED", "STOPPED", "HEALTHY")),
    ("assistant", "inference", "gpu-nvidia-rtx-4000-sff-ada", "fra", ("HEALTHY", "ALLOCATING", "SLEEPING")),
    ("assistant", "api", "small", "was", ("HEALTHY", "SLEEPING", "UNHEALTHY")),
    ("preview", "pull-request-217", "nano", "par", ("SLEEPING", "STOPPED")),
    ("preview", "pull-request-221", "nano", "tyo", ("STARTING", "ERROR")),
)
"""App, service, instance type, region, and the state of each replica."""


def identifier(*names: str) -> str:
    """The id of what ``names`` lead to, such as an app's and a service's: a UUID, the same in every run."""
    return str(uuid.uuid5(_NAMESPACE, "/".join(names)))


ORGANIZATION_ID: Final = identifier("organization")


@dataclass(frozen=True, slots=True)
class Event:
    """An ``InstanceEvent``."""

    when: datetime
    instance_id: str
    type: str
    message: str

    def document(self) -> dict[str, Json]:
        """The event as the API shows it."""
        return {
            "id": identifier("event", self.instance_id, self.type),
            "when": timestamp(self.when),
            "organization_id": ORGANIZATION_ID,
            "instance_id": self.instance_id,
            "type": self.type,
            "message": self.message,
            "metadata": {"source": "scheduler"},
        }


@dataclass(frozen=True, slots=True)
class Instance:
    """An ``Instance``; what its documents show follows from these."""

    app: str
    service: str
    type: str
    region: str
    replica_index: int
    status: str
    created_at: datetime

    @property
    def id(self) -> str:
        """The id."""
        return self._identifier("instance", str(self.replica_index))

    @property
    def app_id(self) -> str:
        """The id of its app."""
        return identifier(self.app)

    @property
    def service_id(self) -> str:
        """The id of its service."""
        return identifier(self.app, self.service)

    @property
    def deployment_id(self) -> str:
        """The id of its deployment, which the API shows as ``xyz_deployment_id``."""
        return identifier(self.app, self.service, "deployment")

    @property
    def regional_deployment_id(self) -> str:
        """The id of the part of its deployment that runs in its region."""
        return self._identifier("regional deployment")

    @property
    def allocation_id(self) -> str:
        """The id of the place that it was given."""
        return self._identifier("allocation", str(self.replica_index))

    @property
    def events(self) -> tuple[Event, ...]:
        """What happened to it, oldest first."""
        return tuple(Event(self._at(state), self.id, state, _STATES[state][1]) for state in _LIFE[self.status])

    @property
    def started_at(self) -> datetime | None:
        """When it began to run, if it did."""
        return self._reached("STARTING")

    @property
    def terminated_at(self) -> datetime | None:
        """When it ceased to run, if it did."""
        return self._reached("STOPPED") or self._reached("ERROR")

    def ran_between(self, start: datetime | None, end: datetime | None) -> bool:
        """Whether it ran at some time from ``start`` to ``end``; ``None`` is an open end."""
        if self.started_at is None:
            return start is None and end is None
        return (end is None or self.started_at <= end) and (
            start is None or self.terminated_at is None or self.terminated_at >= start
        )

    def item(self) -> dict[str, Json]:
        """The instance as a list shows it: ``InstanceListItem``."""
        return {
            "id": self.id,
            "created_at": timestamp(self.created_at),
            "updated_at": timestamp(self.events[-1].when),
            "organization_id": ORGANIZATION_ID,
            "app_id": self.app_id,
            "service_id": self.service_id,
            "regional_deployment_id": self.regional_deployment_id,
            "allocation_id": self.allocation_id,
            "type": self.type,
            "replica_index": self.replica_index,
            "region": self.region,
            "datacenter": f"{self.region}1",
            "status": self.status,
            "messages": [self.events[-1].message],
            "xyz_deployment_id": self.deployment_id,
        }

    def document(self) -> dict[str, Json]:
        """The instance alone: ``Instance``; a time that has not come is left out."""
        document = self.item() | {"hypervisor": f"hv-{self.region}1-{self.replica_index:02d}"}
        times = {
            "started_at": self.started_at,
            "succeeded_at": self._reached("HEALTHY"),
            "terminated_at": self.terminated_at,
        }
        return document | {name: timestamp(time) for name, time in times.items() if time is not None}

    def _identifier(self, *names: str) -> str:
        return identifier(self.app, self.service, self.region, *names)

    def _at(self, state: str) -> datetime:
        return self.created_at + timedelta(seconds=_STATES[state][0])

    def _reached(self, state: str) -> datetime | None:
        return self._at(state) if state in _LIFE[self.status] else None


def timestamp(moment: datetime) -> str:
    """``moment`` in UTC, as the API writes it (RFC 3339, whole seconds)."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _fleet() -> tuple[Instance, ...]:
    replicas = (
        (app, service, kind, region, index, status)
        for app, service, kind, region, statuses in _FLEET
        for index, status in enumerate(statuses)
    )
    return tuple(Instance(*replica, _FIRST + number * _SPACING) for number, replica in enumerate(replicas))


INSTANCES: Final = _fleet()
"""Every instance, oldest first."""

EVENTS: Final = tuple(
    sorted((event for instance in INSTANCES for event in instance.events), key=lambda event: event.when)
)
"""Every event, oldest first."""
