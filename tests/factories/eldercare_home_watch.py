"""What homes notice, as it is told to elder care, and a look at what became of it."""

import uuid
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.core import clock
from app.core.database import reading, unit_of_work
from app.identity.models import Resident
from eldercare.alarms.models import Severity
from eldercare.home_watch.rules import Notice, Settled
from eldercare.home_watch.service import home_noticed, home_settled


def notice(resident: Resident, kind: str, severity: str = "high", **values: Any) -> Notice:
    """Return that a resident's home noticed something now."""
    given: dict[str, Any] = {
        "id": clock.new_id(),
        "incident_id": clock.new_id(),
        "is_hint": False,
        "noticed_at": clock.now(),
    } | values
    return Notice(
        community_id=resident.community_id,
        resident_id=resident.id,
        kind=kind,
        severity=Severity[severity.upper()],
        **given,
    )


async def noticed(*notices: Notice) -> list[Notice]:
    """Let elder care be told what homes noticed; return what concerned nobody."""
    async with unit_of_work() as session:
        return await home_noticed(session, notices)


async def settled(*notices: Notice, at: datetime | None = None) -> None:
    """Let elder care be told that these are over, now unless it is said when."""
    async with unit_of_work() as session:
        await home_settled(
            session,
            [
                Settled(one.community_id, one.resident_id, one.incident_id, one.kind, at or clock.now())
                for one in notices
            ],
        )


async def alarms() -> list[tuple[str, int, str, str | None]]:
    """Return kind, severity, state and outcome of all alarms, as they came."""
    async with reading() as connection:
        rows = await connection.execute(
            sa.text("SELECT kind, severity, state, outcome FROM eldercare_alarm ORDER BY id")
        )
        return [(row[0], row[1], row[2], row[3]) for row in rows]


async def signals() -> list[tuple[str, bool, uuid.UUID]]:
    """Return kind, whether a mere hint, and incident of all signals of homes, as they came."""
    async with reading() as connection:
        rows = await connection.execute(
            sa.text(
                "SELECT kind, is_hint, origin_id FROM eldercare_alarm_signal WHERE origin_kind = 'home_incident'"
                " ORDER BY id"
            )
        )
        return [(row[0], row[1], row[2]) for row in rows]
