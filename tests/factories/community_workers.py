"""Workers of providers, with skills and hours, really committed."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from app.core import clock
from app.core.database import unit_of_work
from app.identity.models import Account, Organization
from community.workers.models import Worker, WorkerException, WorkerSkill
from community.workers.service.engaging import calendar_of

PROFILE: dict[str, Any] = {
    "display_name": "Mei L.",
    "languages": ["zh-CN", "en"],
    "sex": "female",
    "vehicle": "bicycle",
    "latitude": 31.23,
    "longitude": 121.47,
    "areas": [{"code": "town", "latitude": 31.23, "longitude": 121.47, "radius": 10000}],
    "buffer": "PT15M",
    "most_work": "PT6H",
}
OFF: dict[str, Any] = {"starts": "2026-03-09T00:00:00", "ends": "2026-03-10T00:00:00"}
ALWAYS: list[dict[str, Any]] = [
    {"weekday": day, "starts": 0, "ends": 24 * 60, "pause": 0, "on_holidays": True} for day in range(1, 8)
]
"""Hours of somebody who is always there, as they are kept."""


async def worker(of: Organization, person: Account, **values: Any) -> Worker:
    """Insert somebody who goes to homes for an organization, always there unless ``hours`` say otherwise."""
    given = {"display_name": "Mei L.", "languages": ["zh-CN"], "hours": ALWAYS} | values
    async with unit_of_work() as session:
        row = Worker(
            community_id=of.community_id,
            organization_id=of.id,
            account_id=person.id,
            calendar_id=clock.new_id(),
            **given,
        )
        row.calendar_id = await calendar_of(session, of.community_id, person.id, row.buffer)
        session.add(row)
    return row


async def skill(of: Worker, code: str, *, proved: bool = False, expires_at: datetime | None = None) -> WorkerSkill:
    """Insert what a worker can do."""
    row = WorkerSkill(
        community_id=of.community_id,
        organization_id=of.organization_id,
        worker_id=of.id,
        account_id=of.account_id,
        code=code,
        expires_at=expires_at,
        expires_on=expires_at.date() if expires_at else None,
        verified_at=clock.now() if proved else None,
        verified_by=clock.new_id() if proved else None,
    )
    async with unit_of_work() as session:
        session.add(row)
    return row


async def exception(of: Worker, kind: str, starts: datetime, ends: datetime) -> WorkerException:
    """Insert local times at which a worker's hours are others."""
    row = WorkerException(
        community_id=of.community_id,
        worker_id=of.id,
        account_id=of.account_id,
        kind=kind,
        starts_local=starts,
        ends_local=ends,
        entered_by=of.account_id,
    )
    async with unit_of_work() as session:
        session.add(row)
    return row


def display_names(found: Iterable[Any]) -> list[str]:
    """Return what those who could go are called."""
    return [one.display_name for one in found]
