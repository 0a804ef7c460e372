"""What a season would be: which slots arise of a template, and what becomes of those there are. Nothing is done."""

import uuid
from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core.access import Actor
from app.core.problems import NotFound
from app.reservations.api import pools
from community.attractions.access import require_of
from community.attractions.views import opening
from community.ticketing.models import SlotTemplate
from community.ticketing.repository import seasons
from community.ticketing.rules import Planned
from community.ticketing.schemas.given import SeasonPreviewAsk
from community.ticketing.schemas.shown import SeasonMonth, SeasonPreview
from community.ticketing.service.keeping import check_products, of_attraction, template_values
from community.ticketing.service.seasons import Ahead, Change, compare, plan

_MOMENT = timedelta(seconds=1)


async def preview(
    session: AsyncSession, actor: Actor, organization_id: uuid.UUID, attraction_id: uuid.UUID, data: SeasonPreviewAsk
) -> SeasonPreview:
    """Return which slots ahead a template would have, and what would become of those it has.

    Raises ``NotFound`` for a template of another attraction, ``Malformed``.
    """
    of = await of_attraction(session, actor, organization_id, attraction_id)
    connection = await session.connection()
    attraction = await require_of(connection, organization_id, attraction_id)
    await check_products(session, attraction_id, data.product_ids)
    known: Ahead = {}
    if data.template_id is not None:
        row = await session.get(SlotTemplate, data.template_id)
        if row is None or (row.organization_id, row.attraction_id) != (organization_id, attraction_id):
            raise NotFound
        known = await seasons.ahead(session, data.template_id)
    # Never added to the session: it is what there would be.
    template = SlotTemplate(**of, **template_values(data))
    wanted = await plan(connection, template, attraction.time_zone)
    change = compare(template, wanted, known)
    days = Counter(one.day for one in wanted)
    unsold, oversold = await _sold(connection, template, change, known)
    return SeasonPreview(
        slots=len(wanted),
        days=len(days),
        first_day=min(days, default=None),
        last_day=max(days, default=None),
        months=_months(days),
        left_out=await _left_out(connection, template, attraction.time_zone, days),
        while_closed=await _while_closed(connection, attraction, wanted),
        created=len(change.missing),
        changed=len(change.otherwise),
        closed=unsold,
        kept=change.kept + len(change.gone) - unsold,
        oversold=oversold,
    )


async def _sold(connection: AsyncConnection, template: SlotTemplate, change: Change, known: Ahead) -> tuple[int, int]:
    """Return how many slots that are no longer meant have sold nothing, and how many have sold more than would be."""
    by_id = {row.id: row for row in known.values()}
    states = await pools(connection, [by_id[one].pool_id for one in (*change.gone, *change.otherwise)])
    taken = {one: states[by_id[one].pool_id].taken for one in (*change.gone, *change.otherwise)}
    return (
        sum(taken[one] == 0 for one in change.gone),
        sum(taken[one] > template.capacity for one in change.otherwise),
    )


def _months(days: Mapping[date, int]) -> list[SeasonMonth]:
    found: dict[str, list[int]] = {}
    for day in sorted(days):
        found.setdefault(f"{day:%Y-%m}", []).append(days[day])
    return [SeasonMonth(month=month, days=len(slots), slots=sum(slots)) for month, slots in found.items()]


async def _left_out(
    connection: AsyncConnection, template: SlotTemplate, time_zone: str, days: Mapping[date, int]
) -> list[date]:
    holidays, except_on = template.holidays, template.except_on
    template.holidays, template.except_on = "ignore", []
    every = {one.day for one in await plan(connection, template, time_zone)}
    template.holidays, template.except_on = holidays, except_on
    return sorted(every - days.keys())


async def _while_closed(connection: AsyncConnection, attraction: sa.Row[Any], wanted: Sequence[Planned]) -> int:
    """Return how many begin while the attraction is not open; none where nobody said when it is."""
    if not wanted or not attraction.hours:
        return 0
    span = (wanted[0].starts_at, wanted[-1].starts_at + _MOMENT)
    spans = (await opening(connection, [attraction.id], *span)).get(attraction.id, [])
    begins = [since for since, _ in spans]

    def is_open(one: Planned) -> bool:
        place = bisect_right(begins, one.starts_at) - 1
        return place >= 0 and one.starts_at < spans[place][1]

    return sum(not is_open(one) for one in wanted)
