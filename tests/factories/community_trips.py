"""Trips of a community, really committed."""

from datetime import timedelta
from typing import Any

import orjson

from app.core import clock
from app.core.database import unit_of_work
from app.core.sealing import seal
from app.identity.models import Account, Organization, Resident
from app.reservations.api import Portion, allocate, open_pool
from community.trips import rules
from community.trips.models import CONTACTS, Trip, TripLeader, TripParticipant, TripStop, TripVolunteer

STOPS: list[dict[str, Any]] = [
    {"name": {"en": "Gate", "zh-CN": "大门"}, "departs_at": "2026-03-12T01:00:00Z"},
    {"name": {"en": "Lake", "zh-CN": "湖"}, "departs_at": "2026-03-12T05:00:00Z"},
]
PLAN: dict[str, Any] = {
    "title": {"en": "To the lake", "zh-CN": "湖边一日游"},
    "stops": STOPS,
    "sign_up_until": "2026-03-11T01:00:00Z",
    "seats": 20,
}
SIGN_UP: dict[str, Any] = {"total": 0, "contacts": [{"name": "Bea", "phone": "+86 138 0000 0042"}]}


async def trip(by: Organization, leader: Account, **values: Any) -> Trip:
    """Insert a trip for nothing in ten days, for which one can sign up, in a bus with twenty seats."""
    starts_at = clock.now() + timedelta(days=10)
    trip_id, ends_at = clock.new_id(), starts_at + timedelta(hours=4)
    given: dict[str, Any] = {"state": "open", "close_at": ends_at + rules.CLOSING} | values
    async with unit_of_work() as session:
        of: dict[str, Any] = {"community_id": by.community_id, "subject_id": trip_id, "ends_at": ends_at}
        row = Trip(
            id=trip_id,
            community_id=by.community_id,
            organization_id=by.id,
            title=PLAN["title"],
            starts_at=starts_at,
            ends_at=ends_at,
            time_zone="Asia/Shanghai",
            sign_up_until=starts_at - timedelta(days=1),
            seat_pool_id=await open_pool(session, kind=rules.SEAT_POOL, capacity=20, **of),
            wheelchair_pool_id=await open_pool(session, kind=rules.WHEELCHAIR_POOL, capacity=2, **of),
            price_amount=0,
            currency="CNY",
            notice_period=timedelta(days=2),
            late_percent=0,
            **given,
        )
        session.add(row)
        await session.flush()
        session.add(TripLeader(trip_id=row.id, account_id=leader.id, named_by=leader.id))
    return row


async def stop(of: Trip, position: int = 1) -> TripStop:
    """Insert a stop of a trip."""
    row = TripStop(
        trip_id=of.id,
        community_id=of.community_id,
        position=position,
        name=STOPS[0]["name"],
        departs_at=of.starts_at,
        look_at=of.starts_at + rules.COUNTED,
    )
    async with unit_of_work() as session:
        session.add(row)
    return row


async def participant(of: Trip, who: Resident) -> TripParticipant:
    """Insert that a resident goes along on a trip."""
    contact = SIGN_UP["contacts"][0] | {"relationship": None, "account_id": None}
    row = TripParticipant(
        id=clock.new_id(),
        community_id=of.community_id,
        organization_id=of.organization_id,
        trip_id=of.id,
        resident_id=who.id,
        account_id=who.account_id,
        signed_up_by=who.account_id,
        starts_at=of.starts_at,
        ends_at=of.ends_at,
        state="going",
        place="seat",
        seats=1,
        contacts=seal(orjson.dumps([contact]).decode(), CONTACTS),
        total_amount=0,
        currency="CNY",
        payment_method="free",
    )
    async with unit_of_work() as session:
        portions = [Portion(of.seat_pool_id, 1, row.id)]
        row.allocation_ids = await allocate(session, portions, origin_kind=rules.ORIGIN)
        session.add(row)
    return row


async def volunteer(of: Trip, who: Account) -> TripVolunteer:
    """Insert that somebody would accompany one who goes along."""
    row = TripVolunteer(trip_id=of.id, community_id=of.community_id, account_id=who.id)
    async with unit_of_work() as session:
        session.add(row)
    return row
