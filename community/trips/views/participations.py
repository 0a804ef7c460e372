"""The SQL that reads who goes along: a resident's trips, one of them, a trip's people, a stop's list, whom to call."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import orjson
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import audit, clock
from app.core.access import Actor
from app.core.paging import Page, PageRequest, after, decode_cursor, next_cursor
from app.core.problems import NotFound
from app.core.sealing import unseal
from app.identity.api import ResidentSubject, account_name, resident_names, trace_read
from community.trips import rules
from community.trips.access import Participation, TripSubject, require_participation
from community.trips.models import CHANGE_NOTE, CHANGES, CONTACTS, NEEDS, PARTICIPANTS, STOPS, TRIPS, VOLUNTEERS
from community.trips.problems import ContactsNotShown
from community.trips.schemas import (
    ContactPublic,
    ContactsPublic,
    NeedsGive,
    ParticipationChangePublic,
    ParticipationDetail,
    ParticipationPublic,
    RollCallPublic,
    TravellerPublic,
)

_KIND: Final = "community.trip_participations"
_PEOPLE_KIND: Final = "community.trip_people"
_p = PARTICIPANTS.c
_trip_id = sa.bindparam("trip_id", type_=sa.Uuid)
_participation_id = sa.bindparam("participation_id", type_=sa.Uuid)
_limit = sa.bindparam("limit", type_=sa.Integer)

_before = PARTICIPANTS.alias("before")
_AHEAD: Final = (
    sa.select(sa.func.count())
    .where(
        _before.c.trip_id == _p.trip_id,
        _before.c.state == sa.literal_column("'waiting'"),
        sa.tuple_(_before.c.waiting_since, _before.c.id) < sa.tuple_(_p.waiting_since, _p.id),
    )
    .correlate(PARTICIPANTS)
    .scalar_subquery()
)
_shown: Final = sa.select(
    PARTICIPANTS,
    TRIPS.c.title,
    TRIPS.c.notice_period,
    sa.case((_p.state == sa.literal_column("'waiting'"), _AHEAD)).label("ahead"),
    account_name(VOLUNTEERS.c.account_id).label("volunteer"),
).select_from(
    PARTICIPANTS.join(TRIPS, TRIPS.c.id == _p.trip_id).outerjoin(VOLUNTEERS, VOLUNTEERS.c.participant_id == _p.id)
)
_LIST: Final = (
    _shown.where(
        _p.resident_id == sa.bindparam("resident_id", type_=sa.Uuid),
        after((_p.starts_at, _p.id), ("after_starts_at", "after_id"), descending=True),
    )
    .order_by(_p.starts_at.desc(), _p.id.desc())
    .limit(_limit)
)
_ONE: Final = _shown.where(_p.id == _participation_id)
_PEOPLE: Final = audit.traced_each(
    _shown.where(_p.trip_id == _trip_id, after((_p.id,), ("after_id",))).order_by(_p.id).limit(_limit),
    "trip_people:list",
)
_TO_COUNT: Final = audit.traced_each(
    _shown.where(
        _p.trip_id == _trip_id, _p.state.in_([sa.literal(state, sa.Text) for state in rules.TRAVELLING])
    ).order_by(_p.id),
    "trip_people:list",
)
_stop_before = STOPS.alias("stop_before")
_STOP: Final = (
    sa.select(
        STOPS,
        TRIPS.c.starts_at,
        _stop_before.c.roll_state.label("state_before"),
        _stop_before.c.departs_at.label("departs_before"),
    )
    .join(TRIPS, TRIPS.c.id == STOPS.c.trip_id)
    .outerjoin(
        _stop_before,
        sa.and_(_stop_before.c.trip_id == STOPS.c.trip_id, _stop_before.c.position == STOPS.c.position - 1),
    )
    .where(STOPS.c.id == sa.bindparam("stop_id", type_=sa.Uuid), STOPS.c.trip_id == _trip_id)
)
_HISTORY: Final = sa.select(CHANGES).where(CHANGES.c.participant_id == _participation_id).order_by(CHANGES.c.id)
_AS_THEY_ARE: Final = tuple(ParticipationPublic.model_fields.keys() & _p.keys())
_MOST: Final = 1000
"""More than there can be on a bus."""


async def of_resident(
    connection: AsyncConnection, actor: Actor, subject: ResidentSubject, page: PageRequest
) -> Page[ParticipationPublic]:
    """Return a page of a resident's trips, the latest (and those ahead) first."""
    await trace_read(connection, actor, subject, "trips:list")
    starts_at, last_id = decode_cursor(_KIND, page.cursor) if page.cursor else (None, None)
    binds = {
        "resident_id": subject.resident_id,
        "limit": page.limit + 1,
        "after_starts_at": datetime.fromisoformat(starts_at) if starts_at else None,
        "after_id": uuid.UUID(last_id) if last_id else None,
    }
    rows = list(await connection.execute(_LIST, binds))
    items = [ParticipationPublic(**_fields(row)) for row in rows[: page.limit]]
    return Page(items=items, next=next_cursor(_KIND, rows, page.limit, ["starts_at", "id"]))


async def after_change(connection: AsyncConnection, actor: Actor, participation_id: uuid.UUID) -> ParticipationDetail:
    """Return how somebody's going along stands after what the actor did with it, which is on record."""
    return await _detail(connection, await require_participation(connection, actor, participation_id))


async def detail(connection: AsyncConnection, actor: Actor, subject: Participation) -> ParticipationDetail:
    """Return how somebody's going along stands; what others than the resident read is on record."""
    if actor.resident_id != subject.resident_id:
        await _trace(connection, actor, subject, "trips:read")
    return await _detail(connection, subject)


async def _detail(connection: AsyncConnection, subject: Participation) -> ParticipationDetail:
    row = (await connection.execute(_ONE, {"participation_id": subject.id})).one()
    history = await connection.execute(_HISTORY, {"participation_id": subject.id})
    return ParticipationDetail(
        **_fields(row),
        sides=sorted(subject.sides),
        signed_up_by=row.signed_up_by,
        needs=_needs(row),
        contacts=len(_contacts(row)),
        volunteer=row.volunteer,
        cancelled_by=row.cancelled_by,
        cancel_reason=row.cancel_reason,
        history=[
            ParticipationChangePublic(
                at=one.created_at,
                transition=one.transition,
                state=one.to_state,
                who=one.who,
                changed_by=one.changed_by,
                reason=one.reason,
                note=unseal(one.note, CHANGE_NOTE) if one.note else None,
            )
            for one in history
        ],
    )


async def people(
    connection: AsyncConnection, actor: Actor, subject: TripSubject, page: PageRequest
) -> Page[TravellerPublic]:
    """Return a page of those who go along on a trip, or wait, or did; reading it is on record for each."""
    (last_id,) = decode_cursor(_PEOPLE_KIND, page.cursor) if page.cursor else (None,)
    binds = {
        "trip_id": subject.id,
        "limit": page.limit + 1,
        "after_id": uuid.UUID(last_id) if last_id else None,
        **audit.trace_each_binds(actor, shown=page.limit, object_id=subject.id),
    }
    rows = list(await connection.execute(_PEOPLE, binds))
    items = await _travellers(connection, rows[: page.limit])
    return Page(items=items, next=next_cursor(_PEOPLE_KIND, rows, page.limit, ["id"]))


async def roll_call(
    connection: AsyncConnection, actor: Actor, subject: TripSubject, stop_id: uuid.UUID
) -> RollCallPublic:
    """Return who is to be counted at a stop; reading it is on record for each. Raises ``NotFound``."""
    stop = (await connection.execute(_STOP, {"stop_id": stop_id, "trip_id": subject.id})).one_or_none()
    if stop is None:
        raise NotFound
    binds = {"trip_id": subject.id, **audit.trace_each_binds(actor, shown=_MOST, object_id=subject.id)}
    rows = list(await connection.execute(_TO_COUNT, binds))
    before = (stop.state_before, stop.departs_before) if stop.state_before else None
    return RollCallPublic(
        stop_id=stop.id,
        position=stop.position,
        state=stop.roll_state,
        done_at=stop.done_at,
        opens_at=rules.roll_opens(stop.starts_at, before),
        count_by=stop.departs_at + rules.COUNTED,
        people=await _travellers(connection, rows),
    )


async def contacts(connection: AsyncConnection, actor: Actor, subject: Participation) -> ContactsPublic:
    """Show a leader whom to call, around the trip and of who is missing; each time it is on record.

    Raises ``ContactsNotShown``.
    """
    row = (await connection.execute(_ONE, {"participation_id": subject.id})).one()
    opens_at, closes_at = row.starts_at - rules.CONTACTS_BEFORE, row.ends_at + rules.CONTACTS_AFTER
    is_shown = row.state == "missing" or opens_at <= clock.now() < closes_at
    if row.state not in rules.TRAVELLING or not is_shown:
        raise ContactsNotShown(opens_at=opens_at.isoformat(), closes_at=closes_at.isoformat())
    await _trace(connection, actor, subject, "trip_contacts:read")
    shown = [
        ContactPublic(name=one["name"], phone=one["phone"], relationship=one["relationship"]) for one in _contacts(row)
    ]
    return ContactsPublic(contacts=shown, until=None if row.state == "missing" else closes_at)


def contact_accounts(row: Any) -> list[uuid.UUID]:
    """Return the accounts of those who are to be called in an emergency, as far as they have one."""
    return [uuid.UUID(one["account_id"]) for one in _contacts(row) if one["account_id"]]


async def _travellers(connection: AsyncConnection, rows: Sequence[Any]) -> list[TravellerPublic]:
    names = await resident_names(connection, {row.resident_id for row in rows})
    return [
        TravellerPublic(
            participation_id=row.id,
            resident_id=row.resident_id,
            name=names.get(row.resident_id, "—"),
            state=row.state,
            place=row.place,
            companion=row.companion,
            volunteer=row.volunteer,
            needs=_needs(row),
            seen_position=row.seen_position,
            missing_since=row.missing_since,
        )
        for row in rows
    ]


def _fields(row: Any) -> dict[str, Any]:
    now = clock.now()
    lapsed = any(until is not None and until <= now for until in (row.hold_until, row.answer_by))
    return {name: getattr(row, name) for name in _AS_THEY_ARE} | {
        # What is over is over, though no worker has written it down yet.
        "state": "expired" if lapsed else row.state,
        "title": row.title,
        "ahead": row.ahead,
        "total": row.total_amount,
        "fee": row.fee_amount,
        "free_until": rules.free_until(row.starts_at, row.notice_period),
    }


def _needs(row: Any) -> NeedsGive | None:
    return NeedsGive.model_validate_json(unseal(row.needs, NEEDS)) if row.needs else None


def _contacts(row: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = orjson.loads(unseal(row.contacts, CONTACTS)) if row.contacts else []
    return found


async def _trace(connection: AsyncConnection, actor: Actor, subject: Participation, action: str) -> None:
    await audit.record(
        connection,
        actor,
        action,
        resident_id=subject.resident_id,
        object_id=subject.id,
        community_id=subject.community_id,
    )
