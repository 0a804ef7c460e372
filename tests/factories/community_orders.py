"""Orders of help at home, really committed."""

import uuid
from datetime import timedelta
from typing import Any

from app.core import clock
from app.core.database import unit_of_work
from app.core.sealing import seal
from app.identity.models import Account, Resident
from app.policies.journeys.day_plans.models import DayPlan
from app.reservations.api import Want, take
from community.housekeeping.models import HomeService, ServiceOffer
from community.order_dispatch.models import OrderOffer, OrderSearch
from community.orders.models import FIX, Order, OrderExtra
from community.orders.repository import locate
from community.orders.rules import deadlines
from community.orders.service.assigning import ORIGIN
from community.orders.service.changing import times_of
from community.workers.models import Worker


async def order(of: Resident, by: Account, offer: ServiceOffer, service: HomeService, **values: Any) -> Order:
    """Insert what somebody ordered for a resident, to be paid to the provider: for tomorrow, and placed."""
    at = clock.now() + timedelta(days=1)
    given: dict[str, Any] = {"state": "placed", "wanted_at": at, "starts_at": at, "ends_at": at + timedelta(hours=2)}
    given |= {"flexibility": timedelta(), "time_zone": "Asia/Shanghai"}
    row = Order(
        community_id=of.community_id,
        resident_id=of.id,
        account_id=of.account_id,
        ordered_by=by.id,
        organization_id=offer.organization_id,
        offer_id=offer.id,
        offer_version=offer.version,
        service_id=service.id,
        category=service.category,
        options={},
        lines=[{"kind": "work", "code": None, "quantity": 1, "amount": 12_000}],
        total_amount=12_000,
        currency="CNY",
        payment_method="provider",
        notice_period=offer.notice_period,
        late_percent=offer.late_percent,
        checklist=service.checklist,
        **given | values,
    )
    found = deadlines(row.state, times_of(row), clock.now())  # type: ignore[arg-type]  # as the test gave it
    for name in found.__slots__:
        setattr(row, name, getattr(found, name))
    async with unit_of_work() as session:
        session.add(row)
    return row


async def on_the_way(row: Order, to: Worker) -> None:
    """Have somebody on the way to an order, their time taken for it, and known where they are."""
    async with unit_of_work() as session:
        wants = [Want(to.calendar_id, row.starts_at, row.ends_at, row.id)]
        (reservation_id,) = await take(session, wants, origin_kind=ORIGIN, taken_by=to.account_id)
        kept = await session.get_one(Order, row.id)
        kept.state, kept.worker_id, kept.reservation_id, kept.staff_by = (
            "on_the_way",
            to.account_id,
            reservation_id,
            None,
        )
        fix = seal('{"latitude": 31.2, "longitude": 121.4, "accuracy": 10.0}', FIX)
        await locate(session, kept, fix, clock.now())


async def extra(of: Order, by: Account) -> OrderExtra:
    """Insert a question for half an hour more."""
    row = OrderExtra(
        order_id=of.id,
        resident_id=of.resident_id,
        asked_by=by.id,
        duration=timedelta(minutes=30),
        amount=3_000,
        answer_by=clock.now() + timedelta(minutes=15),
    )
    async with unit_of_work() as session:
        session.add(row)
    return row


async def offered(row: Order, to: Account) -> OrderOffer:
    """Insert that somebody may take an order."""
    found = OrderOffer(
        order_id=row.id,
        resident_id=row.resident_id,
        organization_id=row.organization_id,
        worker_id=to.id,
        offered_at=clock.now(),
        answer_by=clock.now() + timedelta(hours=1),
    )
    async with unit_of_work() as session:
        session.add(found)
    return found


async def looked_for(row: Order, state: str = "looking") -> OrderSearch:
    """Insert that somebody is looked for for an order, next after its start: nobody is found meanwhile by itself."""
    found = OrderSearch(
        order_id=row.id,
        resident_id=row.resident_id,
        state=state,
        begun_at=clock.now(),
        look_at=row.starts_at + timedelta(days=9),
    )
    async with unit_of_work() as session:
        session.add(found)
    return found


async def day_plan(of: ServiceOffer) -> uuid.UUID:
    """Insert a plan of a provider's day in which nobody goes anywhere, and return its id."""
    row = DayPlan(community_id=of.community_id, organization_id=of.organization_id, day=clock.now().date())
    async with unit_of_work() as session:
        session.add(row)
    return row.id
