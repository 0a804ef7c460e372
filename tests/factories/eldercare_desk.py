"""Rows of the duty desk, really committed: colleagues and shifts."""

from datetime import datetime, timedelta

from app.core import clock
from app.core.database import unit_of_work
from app.core.jobs import settle
from app.identity.models import Account
from eldercare.shifts.jobs import JOBS
from eldercare.shifts.models import DeskShift
from tests.factories import identity
from tests.factories.eldercare_alarms import Scene

HOUR = timedelta(hours=1)


async def colleague(scene: Scene, role: str = "dispatcher", *, name: str = "Colleague") -> Account:
    """Insert another of the operator's staff."""
    return await identity.staff(scene.operator, role, name=name)


async def shift(
    account: Account, *, kind: str = "desk", starts_at: datetime | None = None, ends_at: datetime | None = None
) -> DeskShift:
    """Insert a shift: for the eight hours around now, unless told otherwise."""
    row = DeskShift(
        community_id=account.community_id,
        account_id=account.id,
        kind=kind,
        starts_at=starts_at or clock.now() - 4 * HOUR,
        ends_at=ends_at or clock.now() + 4 * HOUR,
        planned_by=account.id,
    )
    async with unit_of_work() as session:
        session.add(row)
    return row


async def look() -> int:
    """Look at the desks' days ahead until nothing is due at the current clock."""
    return await settle(JOBS)
