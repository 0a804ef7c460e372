"""Looking at residents' days once a day, in their morning, a batch at a time: flags open and end."""

import uuid
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from eldercare.absences.rules import away_at
from eldercare.absences.views import times_away
from eldercare.alarms.service import AlarmKind, AlarmSignal, Severity
from eldercare.signals.service import hint
from eldercare.wellbeing import repository
from eldercare.wellbeing.models import WellbeingFlag, WellbeingWatch
from eldercare.wellbeing.notices import FLAGGED
from eldercare.wellbeing.rules.drift import LOOKED_BACK, compare, follow
from eldercare.wellbeing.rules.flags import next_look
from eldercare.wellbeing.rules.measures import MEASURES, SCALES, Measure
from eldercare.wellbeing.views.days import Course, courses
from notifications.api import send_many

ORIGIN: Final = "wellbeing_flag"
MOST_NEW: Final = 1_000
_A_DAY: Final = timedelta(days=1)


class _Watched(NamedTuple):
    """By which watch a resident is looked at, and where they live."""

    watch_id: uuid.UUID
    community_id: uuid.UUID


async def watch_new(session: AsyncSession) -> int:
    """Look at those from their next morning on who began to be asked or to take something; return how many."""
    now = clock.now()
    rows = await repository.unwatched(session, MOST_NEW)
    watches = [
        WellbeingWatch(
            community_id=row.community_id,
            resident_id=row.resident_id,
            account_id=row.account_id,
            look_at=next_look(now, row.time_zone),
        )
        for row in rows
    ]
    if watches:
        await repository.watch(session, watches)
    return len(watches)


async def look_at(session: AsyncSession, watch_ids: Sequence[uuid.UUID]) -> None:
    """Look at the whole local days of residents whose morning it is, and tell those who asked of what opened.

    Who is away or in hospital is left alone until they are back: their days are not their usual ones.
    """
    now = clock.now()
    rows = await repository.due(session, watch_ids)
    connection = await session.connection()
    away = await times_away(connection, [row.resident_id for row in rows], now)
    # By resident: the last local day that is over.
    last = {
        row.resident_id: now.astimezone(ZoneInfo(row.time_zone)).date() - _A_DAY
        for row in rows
        if not away_at(away.get(row.resident_id, []), now)
    }
    if last:
        await _judge(session, last, {row.resident_id: _Watched(row.id, row.community_id) for row in rows})
    await repository.look_again(session, {row.id: next_look(now, row.time_zone) for row in rows})


async def _judge(session: AsyncSession, last: dict[uuid.UUID, date], watched: dict[uuid.UUID, _Watched]) -> None:
    first = min(last.values()) - timedelta(days=LOOKED_BACK)
    known = await courses(await session.connection(), last, first, max(last.values()))
    flagged = await repository.under_way(session, last)
    opening: list[WellbeingFlag] = []
    as_usual: list[uuid.UUID] = []
    no_data: list[uuid.UUID] = []
    for resident_id, day in last.items():
        for measure in MEASURES:
            days = known.get(Course(resident_id, measure), {})
            flag_id = flagged.get((resident_id, measure))
            match follow(days, day, SCALES[measure], is_flagged=flag_id is not None):
                case "open":
                    opening.append(_flag(watched[resident_id].community_id, resident_id, measure, days, day))
                case "end_as_usual" if flag_id is not None:
                    as_usual.append(flag_id)
                case "end_no_data" if flag_id is not None:
                    no_data.append(flag_id)
                case _:
                    pass
    await repository.end_flags(session, as_usual, "as_usual")
    await repository.end_flags(session, no_data, "no_data")
    opened = await repository.open_flags(session, opening)
    await _tell(session, [flag for flag in opening if flag.id in opened], watched)


async def _tell(session: AsyncSession, opened: Sequence[WellbeingFlag], watched: dict[uuid.UUID, _Watched]) -> None:
    """Tell those who asked; being less active counts beside whatever else happens to the person today."""
    if not opened:
        return
    less_active = [flag for flag in opened if flag.measure == "activity"]
    await hint(session, [_signal(flag, watched[flag.resident_id].watch_id) for flag in less_active])
    binds = {"flag_ids": [flag.id for flag in opened], "granted_at": clock.now()}
    await send_many(session, FLAGGED, repository.TOLD, binds=binds)


def _flag(
    community_id: uuid.UUID, resident_id: uuid.UUID, measure: Measure, days: dict[date, float], day: date
) -> WellbeingFlag:
    found = compare(days, day, SCALES[measure])
    if found.recent is None or found.usual is None or found.spread is None:
        raise ValueError("what drifts has been compared")
    return WellbeingFlag(
        community_id=community_id,
        resident_id=resident_id,
        measure=measure,
        opened_at=clock.now(),
        opened_on=day,
        usual=found.usual,
        recent=found.recent,
        spread=found.spread,
        usual_days=found.usual_days,
        recent_days=found.recent_days,
    )


def _signal(flag: WellbeingFlag, watch_id: uuid.UUID) -> AlarmSignal:
    return AlarmSignal(
        kind=AlarmKind.LOW_ACTIVITY,
        severity=Severity.LOW,
        community_id=flag.community_id,
        resident_id=flag.resident_id,
        occurred_at=flag.opened_at,
        origin=(ORIGIN, flag.id),
        rule=("wellbeing_watch", watch_id),
        evidence={"flag_id": str(flag.id), "opened_on": flag.opened_on.isoformat()},
        is_hint=True,
    )
