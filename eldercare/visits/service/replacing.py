"""Carers of whom another agency said that they cannot come: whoever sends them is told, and asked until they decide."""

import uuid
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from eldercare.carer_absences.repository import away_between
from eldercare.visits import repository, rules
from eldercare.visits.models import CARERS, VISITS
from eldercare.visits.notices import VISITS_CARER_UNAVAILABLE
from eldercare.visits.service.telling import Telling, agencies, tell_all

_INSTANT = sa.DateTime(timezone=True)
_NOW = sa.bindparam("moment", type_=_INSTANT)
_VISIT_IDS = sa.bindparam("visit_ids", type_=ARRAY(sa.Uuid))
_CARER_IDS = sa.bindparam("carer_ids", type_=ARRAY(sa.Uuid))
_GOING = CARERS.c.state.in_([sa.literal(state, sa.Text) for state in ("assigned", "en_route")])
_IS_AHEAD = VISITS.c.state.in_([sa.literal(state, sa.Text) for state in rules.AHEAD])
_MARK = (
    sa.update(CARERS)
    .where(CARERS.c.id == sa.any_(_CARER_IDS), CARERS.c.unavailable_since.is_(None), _GOING)
    .values(unavailable_since=_NOW, updated_at=_NOW, version=CARERS.c.version + 1)
    .returning(CARERS.c.id)
)
# Lateness stands as it is; that somebody is needed is told again a day before, or within the hour, never later than
# it is of a visit that has nobody.
_BRING_FORWARD = (
    sa.update(VISITS)
    .where(VISITS.c.id == sa.any_(_VISIT_IDS), _IS_AHEAD)
    .values(
        staff_by=sa.func.least(
            VISITS.c.staff_by,
            VISITS.c.starts_at - VISITS.c.staffed_before,
            sa.func.greatest(
                VISITS.c.starts_at - sa.literal(rules.DECIDED_BEFORE, sa.Interval),
                _NOW + sa.literal(rules.DECIDED_WITHIN, sa.Interval),
            ),
        ),
        updated_at=_NOW,
        version=VISITS.c.version + 1,
    )
)
_MARKED = (
    sa.select(CARERS.c.id, CARERS.c.visit_id, VISITS.c.starts_at, VISITS.c.ends_at)
    .join(VISITS, VISITS.c.id == CARERS.c.visit_id)
    .where(
        CARERS.c.account_id == sa.bindparam("account_id", type_=sa.Uuid),
        CARERS.c.unavailable_since.is_not(None),
        CARERS.c.starts_at > _NOW - sa.literal(2 * rules.LONGEST, sa.Interval),
        _GOING,
        _IS_AHEAD,
    )
    .order_by(CARERS.c.visit_id)
)
_UNMARK = (
    sa.update(CARERS)
    .where(CARERS.c.id == sa.any_(_CARER_IDS))
    .values(unavailable_since=None, updated_at=_NOW, version=CARERS.c.version + 1)
)
_NOT_ASKED_FOR = (
    sa.update(VISITS)
    .where(
        VISITS.c.id == sa.any_(_VISIT_IDS),
        _IS_AHEAD,
        ~repository.IS_TO_BE_REPLACED,
    )
    .values(
        staff_by=sa.case(
            (VISITS.c.state == sa.literal("planned", sa.Text), VISITS.c.starts_at - VISITS.c.staffed_before)
        ),
        updated_at=_NOW,
        version=VISITS.c.version + 1,
    )
)


async def ask(session: AsyncSession, going: Sequence[tuple[sa.Row[Any], uuid.UUID, uuid.UUID]]) -> None:
    """Ask other agencies who goes instead to locked visits (visit, carer's row, carer's account); said once each.

    They hear that their carer cannot come at that time, once of all visits to a resident: not why, nor who said so.
    """
    if not going:
        return
    now = clock.now()
    binds = {"carer_ids": [carer_id for _, carer_id, _ in going], "moment": now}
    marked = set((await session.scalars(_MARK, binds)).all())
    new = [(visit, account_id) for visit, carer_id, account_id in going if carer_id in marked]
    await session.execute(_BRING_FORWARD, {"visit_ids": [visit.id for visit, _ in new], "moment": now})
    groups: defaultdict[tuple[uuid.UUID, uuid.UUID, uuid.UUID], list[sa.Row[Any]]] = defaultdict(list)
    for visit, account_id in sorted(new, key=lambda one: one[0].starts_at):
        groups[visit.organization_id, visit.resident_id, account_id].append(visit)
    soon = now + rules.DECIDED_BEFORE
    pressing = {
        group[0].id for group in groups.values() if any(one.is_critical and one.starts_at < soon for one in group)
    }
    told = await agencies(session, [group[0] for group in groups.values()], pressing)
    tellings = [
        Telling(
            group[0].id,
            told[group[0].id],
            f"unavailable:{account_id}:{group[0].version}",
            {"carer": account_id, "visits": len(group)},
        )
        for (_, _, account_id), group in groups.items()
    ]
    await tell_all(session, VISITS_CARER_UNAVAILABLE, tellings)


async def withdraw(session: AsyncSession, account_id: uuid.UUID) -> None:
    """Let a carer's visits be theirs again, as far as no agency says any more that they cannot come then."""
    now = clock.now()
    asked = {"account_id": account_id, "moment": now}
    await repository.lock_visits(session, [row.visit_id for row in await session.execute(_MARKED, asked)])
    marked = list(await session.execute(_MARKED, asked))
    if not marked:
        return
    since, until = min(row.starts_at for row in marked), max(row.ends_at for row in marked)
    away = (await away_between(await session.connection(), [account_id], since, until))[account_id]
    free = [row for row in marked if not any(begins < row.ends_at and row.starts_at < ends for begins, ends in away)]
    await session.execute(_UNMARK, {"carer_ids": [row.id for row in free], "moment": now})
    await session.execute(_NOT_ASKED_FOR, {"visit_ids": [row.visit_id for row in free], "moment": now})
