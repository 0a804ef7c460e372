"""The SQL that locks days out and finds those that something elsewhere concerns."""

import uuid
from collections.abc import Collection, Sequence
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm.attributes import flag_modified
from sqlmodel import col

from app.core import clock
from app.core.problems import NotFound
from community.itineraries.access import IS_STILL_LET
from community.itineraries.models import COMPANIONS, ITINERARIES, STOPS, Itinerary, ItineraryCompanion, ItineraryStop
from community.itineraries.problems import ItineraryNotOpen
from community.ticket_orders.models import TICKETS

_IDS: Final = sa.bindparam("ids", type_=ARRAY(sa.Uuid))
_SOME: Final = (
    sa.select(Itinerary)
    .where(col(Itinerary.id) == sa.any_(_IDS))
    .order_by(col(Itinerary.id))
    .with_for_update(key_share=True)
    .execution_options(populate_existing=True)
)
_STOPS_OF: Final = (
    sa.select(ItineraryStop)
    .where(col(ItineraryStop.itinerary_id) == sa.any_(_IDS))
    .order_by(col(ItineraryStop.itinerary_id), col(ItineraryStop.position))
    .execution_options(populate_existing=True)
)
_ahead = (
    sa.select(STOPS.c.itinerary_id)
    .join(ITINERARIES, ITINERARIES.c.id == STOPS.c.itinerary_id)
    .where(ITINERARIES.c.state == sa.literal("open", sa.Text), STOPS.c.state == sa.literal("ahead", sa.Text))
    .distinct()
    .order_by(STOPS.c.itinerary_id)
)
_AT: Final = _ahead.where(STOPS.c.attraction_id == sa.any_(_IDS))
_BY_SLOT: Final = _ahead.where(STOPS.c.slot_id == sa.any_(_IDS))
_BY_ORDER: Final = (
    sa.select(STOPS.c.itinerary_id).where(STOPS.c.order_id == sa.any_(_IDS)).distinct().order_by(STOPS.c.itinerary_id)
)
_TICKETS: Final = (
    sa.select(
        TICKETS.c.order_id,
        TICKETS.c.slot_id,
        sa.func.bool_and(TICKETS.c.state == sa.literal("held", sa.Text)).label("is_held"),
    )
    .where(
        TICKETS.c.order_id == sa.any_(_IDS),
        TICKETS.c.state.in_([sa.literal(state, sa.Text) for state in ("held", "valid", "admitted")]),
    )
    .group_by(TICKETS.c.order_id, TICKETS.c.slot_id)
)
_ALONG: Final = (
    sa.select(COMPANIONS.c.itinerary_id, COMPANIONS.c.account_id)
    .join(ITINERARIES, ITINERARIES.c.id == COMPANIONS.c.itinerary_id)
    .where(COMPANIONS.c.itinerary_id == sa.any_(_IDS), IS_STILL_LET)
    .order_by(COMPANIONS.c.id)
)
_OF_RESIDENTS: Final = (
    sa.select(ITINERARIES.c.id)
    .where(ITINERARIES.c.resident_id == sa.any_(_IDS), ITINERARIES.c.state == sa.literal("open", sa.Text))
    .order_by(ITINERARIES.c.id)
)


async def all_locked(session: AsyncSession, ids: Collection[uuid.UUID]) -> Sequence[Itinerary]:
    """Return itineraries, locked in one order."""
    return (await session.scalars(_SOME, {"ids": list(ids)})).all()


def touch(row: Itinerary) -> None:
    """Let a locked itinerary be another version: whoever plans it anew at the same time finds that it has changed."""
    flag_modified(row, "hinted")


async def locked(session: AsyncSession, itinerary_id: uuid.UUID) -> Itinerary:
    """Return an itinerary that is not over, locked; raises ``NotFound``, ``ItineraryNotOpen``."""
    found = await all_locked(session, [itinerary_id])
    if not found:
        raise NotFound
    if found[0].state != "open":
        raise ItineraryNotOpen(itinerary_state=found[0].state)
    return found[0]


async def stops_of(session: AsyncSession, itinerary_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, list[ItineraryStop]]:
    """Return the stops of locked itineraries, in order."""
    found: dict[uuid.UUID, list[ItineraryStop]] = {one: [] for one in itinerary_ids}
    for stop in await session.scalars(_STOPS_OF, {"ids": list(itinerary_ids)}):
        found[stop.itinerary_id].append(stop)
    return found


async def going_to(session: AsyncSession, attraction_ids: Collection[uuid.UUID]) -> list[uuid.UUID]:
    """Return the open itineraries that still lead to attractions."""
    return list(await session.scalars(_AT, {"ids": list(attraction_ids)}))


async def going_by(session: AsyncSession, slot_ids: Collection[uuid.UUID]) -> list[uuid.UUID]:
    """Return the open itineraries with a stop ahead in slots."""
    return list(await session.scalars(_BY_SLOT, {"ids": list(slot_ids)}))


async def booked_by(session: AsyncSession, order_ids: Collection[uuid.UUID]) -> list[uuid.UUID]:
    """Return the itineraries with tickets of orders."""
    return list(await session.scalars(_BY_ORDER, {"ids": list(order_ids)}))


async def tickets_of(
    session: AsyncSession, order_ids: Collection[uuid.UUID]
) -> dict[tuple[uuid.UUID | None, uuid.UUID | None], str]:
    """Return how the tickets of orders stand, by slot: ``booked``, or ``held`` while their money is awaited.

    Of a slot without a good ticket there is nothing.
    """
    rows = await session.execute(_TICKETS, {"ids": list(order_ids)})
    return {(row.order_id, row.slot_id): "held" if row.is_held else "booked" for row in rows}


async def open_of(session: AsyncSession, resident_ids: Collection[uuid.UUID]) -> list[uuid.UUID]:
    """Return the open itineraries of residents."""
    return list(await session.scalars(_OF_RESIDENTS, {"ids": list(resident_ids)}))


async def along(session: AsyncSession, itinerary_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, list[uuid.UUID]]:
    """Return the accounts of those who come along, and still may."""
    found: dict[uuid.UUID, list[uuid.UUID]] = {one: [] for one in itinerary_ids}
    for row in await session.execute(_ALONG, {"ids": list(itinerary_ids), "granted_at": clock.now()}):
        found[row.itinerary_id].append(row.account_id)
    return found


async def replace_stops(session: AsyncSession, row: Itinerary, stops: Sequence[ItineraryStop]) -> None:
    """Let an itinerary have these stops and no others."""
    await session.execute(sa.delete(STOPS).where(STOPS.c.itinerary_id == row.id))
    for stop in stops:
        session.add(stop)
    await session.flush()


async def add_companion(session: AsyncSession, row: ItineraryCompanion, resident_account: uuid.UUID) -> None:
    """Let somebody come along; who does already, does so by the resident's own word, or else the last."""
    values = {column.name: getattr(row, column.name) for column in COMPANIONS.columns}
    again = {name: values[name] for name in ("added_by", "updated_at")}
    inserted = insert(COMPANIONS).values(values)
    await session.execute(
        inserted.on_conflict_do_update(
            index_elements=["itinerary_id", "account_id"], set_=again, where=COMPANIONS.c.added_by != resident_account
        ),
        execution_options={"synchronize_session": False},
    )


async def remove_companion(session: AsyncSession, itinerary_id: uuid.UUID, account_id: uuid.UUID) -> bool:
    """Let somebody not come along; say whether they did."""
    gone = sa.delete(COMPANIONS).where(COMPANIONS.c.itinerary_id == itinerary_id, COMPANIONS.c.account_id == account_id)
    return (await session.execute(gone.returning(COMPANIONS.c.id))).first() is not None
