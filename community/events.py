"""The facts the community's services emit: past tense, ids and enumerations only, versioned."""

import uuid
from typing import ClassVar, Literal

from app.core.events import Event


class _OfWorker(Event):
    """``aggregate_id`` is the worker's row; ``account_id`` is who they are, ``organization_id`` for whom they work."""

    name: ClassVar[str] = "community.of_worker.v1"

    organization_id: uuid.UUID
    account_id: uuid.UUID


class WorkerSuspended(_OfWorker):
    """A worker is given nothing new from now on; what is theirs ahead comes before the provider."""

    name: ClassVar[str] = "community.worker_suspended.v1"


class WorkerLeft(_OfWorker):
    """A worker does not go to anybody any more: put aside by the provider, or no longer one of its people."""

    name: ClassVar[str] = "community.worker_left.v1"


class WorkerSkillExpired(_OfWorker):
    """A skill of a worker counts no longer, or not as long: it ran out, or it was taken back or has yet to be proved.

    ``aggregate_id`` is the skill's row.
    """

    name: ClassVar[str] = "community.worker_skill_expired.v1"

    code: str
    because: Literal["expired", "taken_back"]


class WorkerHoursChanged(_OfWorker):
    """A worker is there at other times than before."""

    name: ClassVar[str] = "community.worker_hours_changed.v1"
