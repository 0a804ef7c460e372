"""Who could go: an agency's carers with their hours, what they are to do, and when they cannot come at all."""

import uuid
from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import clock
from app.dispatch import api as dispatch
from app.dispatch.api import Break, Busy, Job, Place, Worker
from app.identity.api import Home, community, homes
from app.reservations import api as reservations
from eldercare.carer_absences.repository import away_between
from eldercare.carers.models import PROFILES, SHIFTS
from eldercare.visits import rules
from eldercare.visits.models import VISITS

KIND: Final = "carer"
"""A carer's calendar is one, whatever agency they go for: nobody is at two homes at once."""

_A_DAY: Final = timedelta(days=1)
_INSTANT = sa.DateTime(timezone=True)
_account_ids = sa.bindparam("account_ids", type_=ARRAY(sa.Uuid))
_since, _until = (sa.bindparam(name, type_=_INSTANT) for name in ("since", "until"))

_RESIDENTS_OF = sa.select(VISITS.c.id, VISITS.c.resident_id).where(
    VISITS.c.id == sa.any_(sa.bindparam("visit_ids", type_=ARRAY(sa.Uuid)))
)
_PROFILES = sa.select(PROFILES).where(
    PROFILES.c.organization_id == sa.bindparam("organization_id", type_=sa.Uuid),
    PROFILES.c.account_id == sa.any_(_account_ids),
)
# Whatever agency they work for: rest is rest, and who is ill is ill.
_SHIFTS = (
    sa.select(SHIFTS)
    .where(SHIFTS.c.account_id == sa.any_(_account_ids), SHIFTS.c.ends_at > _since, SHIFTS.c.starts_at < _until)
    .order_by(SHIFTS.c.starts_at)
)
Span = tuple[datetime, datetime]


async def workers(
    connection: AsyncConnection,
    organization_id: uuid.UUID,
    account_ids: Sequence[uuid.UUID],
    day: Span,
    without: Collection[uuid.UUID] = (),
) -> list[Worker]:
    """Return the carers as the planner knows them, with their hours for the agency on a local day, if they have any.

    A shift belongs to the day on which it begins, and its rest lies around that day's work; one that began the evening
    before reaches into this day all the same. The visits ``without`` are left out of what they are to do.
    """
    since, until = day
    binds = {"organization_id": organization_id, "account_ids": list(account_ids)}
    profiles = {row.account_id: row for row in await connection.execute(_PROFILES, binds)}
    around = {"account_ids": list(account_ids), "since": since - 2 * _A_DAY, "until": until + _A_DAY}
    shifts: defaultdict[uuid.UUID, list[sa.Row[Any]]] = defaultdict(list)
    for row in await connection.execute(_SHIFTS, around):
        shifts[row.account_id].append(row)
    away = await away_between(connection, account_ids, since - _A_DAY, until + _A_DAY)
    busy = await _busy(connection, account_ids, since - _A_DAY, until + _A_DAY, without)
    found = []
    for account_id in account_ids:
        ours = tuple(
            _shift(one, shifts[account_id], day)
            for one in shifts[account_id]
            if one.organization_id == organization_id and one.starts_at < until and one.ends_at > since
        )
        profile = profiles.get(account_id)
        start = None
        if profile is not None and profile.latitude is not None:
            start = Place(profile.latitude, profile.longitude)
        found.append(
            Worker(
                id=account_id,
                shifts=ours,
                skills=frozenset(profile.skills) if profile else frozenset(),
                start=start,
                busy=tuple(busy[account_id]),
                away=tuple(away[account_id]),
                most_work=profile.most_work if profile else None,
                day=day,
            )
        )
    return found


async def obstacles(connection: AsyncConnection, visit: sa.Row[Any], account_id: uuid.UUID) -> list[dispatch.Reason]:
    """Return every rule of the planner's that speaks against sending a carer to a visit at its time."""
    place = await community(connection, visit.community_id)
    day = rules.day_bounds(rules.local_date(visit.starts_at, place.time_zone), place.time_zone)
    (worker,) = await workers(connection, visit.organization_id, [account_id], day, {visit.id})
    home = (await homes(connection, [visit.resident_id])).get(visit.resident_id)
    job = Job(
        id=visit.id,
        starts_from=visit.starts_at,
        starts_until=visit.starts_at,
        wanted_at=visit.starts_at,
        duration=visit.ends_at - visit.starts_at,
        place=place_of(home),
        skills=frozenset(visit.skills),
    )
    found = dispatch.obstacles(job, worker)
    # Somebody is needed there now, whoever works today: only what they must be able to do is asked.
    is_pressing = visit.state not in rules.AHEAD or visit.starts_at <= clock.now()
    return [one for one in found if one == "skill"] if is_pressing else found


def _shift(row: sa.Row[Any], all_of_them: Sequence[sa.Row[Any]], day: Span) -> dispatch.Shift:
    """Return a shift; its break begins in the middle half, as the law of most places wants it.

    What begins on one local day is one working day, whoever it is for; ``day`` is the one that is planned.
    """
    since, until = day
    begins, ends = (since - _A_DAY, since) if row.starts_at < since else (since, until)
    before = [one.ends_at for one in all_of_them if one.starts_at < begins]
    after = [one.starts_at for one in all_of_them if one.starts_at >= ends]
    breaks: tuple[Break, ...] = ()
    if row.break_length is not None:
        quarter = (row.ends_at - row.starts_at) / 4
        latest = max(row.starts_at + quarter, row.ends_at - quarter - row.break_length)
        breaks = (Break(row.starts_at + quarter, latest, row.break_length),)
    return dispatch.Shift(
        row.starts_at,
        row.ends_at,
        breaks,
        worked_until=max(before, default=None),
        works_again=min(after, default=None),
    )


async def _busy(
    connection: AsyncConnection,
    account_ids: Sequence[uuid.UUID],
    since: datetime,
    until: datetime,
    without: Collection[uuid.UUID],
) -> defaultdict[uuid.UUID, list[Busy]]:
    calendars = await reservations.resources_of(connection, KIND, account_ids)
    whose = {resource_id: account_id for account_id, resource_id in calendars.items()}
    rows = [row for row in await reservations.taken(connection, whose, since, until) if row.origin_id not in without]
    residents = {
        row.id: row.resident_id
        for row in await connection.execute(_RESIDENTS_OF, {"visit_ids": [row.origin_id for row in rows]})
    }
    found = await homes(connection, set(residents.values()))
    busy: defaultdict[uuid.UUID, list[Busy]] = defaultdict(list)
    for row in rows:
        place = place_of(found.get(residents.get(row.origin_id, row.origin_id)))
        busy[whose[row.resource_id]].append(Busy(row.blocks_from, row.blocks_until, place))
    return busy


def place_of(home: Home | None) -> Place | None:
    """Return where a home is, as far as it is on the map."""
    if home is None or home.latitude is None or home.longitude is None:
        return None
    return Place(home.latitude, home.longitude)
