"""How a day stands: when one would be where, and what can be done about what cannot be reached any more."""

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import clock
from app.core.access import Actor
from app.core.wall_time import zone
from community.itineraries.access import Subject
from community.itineraries.rules.standing import outlook
from community.itineraries.schemas.shown import ExpectedPublic, Instead, LaterPublic, OutlookPublic
from community.itineraries.service.looking import leg_of
from community.itineraries.service.reading import later_for
from community.itineraries.views.itineraries import rows_of, trace


async def shown(connection: AsyncConnection, actor: Actor, subject: Subject) -> OutlookPublic:
    """Return how today stands, or the next day of the plan; what cannot be reached says what can be done instead."""
    await trace(connection, actor, subject, "itinerary:read")
    row, stops = await rows_of(connection, subject.id)
    now = clock.now()
    today = now.astimezone(zone(row.time_zone)).date()
    day = min((one.day for one in stops if one.day >= today and one.state in ("ahead", "arrived")), default=today)
    known = {one.id: one for one in stops if one.day == day}
    found = []
    for one in outlook([leg_of(stop) for stop in known.values()], now):
        later = [] if one.is_reachable else await later_for(connection, row, known[one.id], one.arrives_at)
        found.append(
            ExpectedPublic(
                stop_id=one.id,
                leaves_for_at=one.leaves_for_at,
                arrives_at=one.arrives_at,
                enters_at=one.enters_at,
                is_reachable=one.is_reachable,
                leave_by=one.last_call,
                can=_can(is_reachable=one.is_reachable, has_later=bool(later)),
                later=[LaterPublic(slot_id=way.slot_id, enters_at=way.enter_from) for way in later],
            )
        )
    return OutlookPublic(as_of=now, is_late=any(not one.is_reachable for one in found), stops=found)


def _can(*, is_reachable: bool, has_later: bool) -> list[Instead]:
    if is_reachable:
        return []
    return ["go_later", "leave_out", "plan_anew"] if has_later else ["leave_out", "plan_anew"]
