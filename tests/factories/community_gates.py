"""Gates, and tickets that are valid there, really committed."""

import hashlib
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from app.core import clock
from app.core.database import reading, unit_of_work
from app.identity.models import Resident
from community.attractions.models import Attraction
from community.gates.models import AdmissionConflict, Gate, GateRules, GateScan
from community.gates.views.bundles import salt_of
from community.ticket_codes.rules import Code
from community.ticket_codes.service import codes_for
from community.ticket_orders.models import TICKETS, Ticket, TicketOrder

DAY = timedelta(hours=8)


async def gate(of: Attraction, name: str = "North gate") -> Gate:
    """Insert a gate."""
    async with unit_of_work() as session:
        row = Gate(community_id=of.community_id, organization_id=of.organization_id, attraction_id=of.id, name=name)
        session.add(row)
    return row


async def terms(of: Attraction, *free: str, admits_companion: bool = False) -> None:
    """Say which cards open an attraction's gates without a ticket."""
    async with unit_of_work() as session:
        session.add(
            GateRules(
                community_id=of.community_id,
                organization_id=of.organization_id,
                attraction_id=of.id,
                free_entitlements=list(free),
                admits_companion=admits_companion,
            )
        )


async def tickets(
    of: Attraction, count: int = 1, *, to: Resident | None = None, begins: datetime | None = None, **values: Any
) -> list[Ticket]:
    """Insert tickets that are valid for eight hours from now, unless told otherwise: sold at the desk, for cash."""
    starts_at = begins or clock.now()
    ends_at = starts_at + DAY
    common: dict[str, Any] = {"community_id": of.community_id, "organization_id": of.organization_id}
    order = TicketOrder(
        **common,
        cart_id=clock.new_id(),
        resident_id=to.id if to else None,
        account_id=to.account_id if to else None,
        channel="online" if to else "office",
        state="confirmed",
        starts_at=starts_at,
        ends_at=ends_at,
        total_amount=0,
        currency="CNY",
        payment_method="none",
        lines=[],
        terms={},
    )
    given: dict[str, Any] = {"state": "valid", "valid_from": starts_at, "valid_until": ends_at} | values
    rows = [
        Ticket(
            order_id=order.id,
            **common,
            attraction_id=of.id,
            slot_id=clock.new_id(),
            product_id=clock.new_id(),
            resident_id=to.id if to else None,
            list_amount=0,
            price_amount=0,
            **given,
        )
        for _ in range(count)
    ]
    async with unit_of_work() as session:
        session.add(order)
        await session.flush()
        # At once, not one by one: some scenes have thousands.
        await session.execute(sa.insert(TICKETS), [row.model_dump() for row in rows])
    return rows


async def texts(of: Sequence[Ticket | sa.Row[Any]], **changes: Any) -> list[str]:
    """Return what the QR codes of tickets say."""
    codes = [
        Code(
            ticket_id=row.id,
            attraction_id=row.attraction_id,
            valid_from=row.valid_from,
            valid_until=row.valid_until,
            persons=row.persons,
            revision=row.revision,
            may_return=row.reentry == "same_day",
            **changes,
        )
        for row in of
    ]
    async with reading() as connection:
        return await codes_for(connection, of[0].community_id, codes)


def digest(at: Gate, normalized: str) -> bytes:
    """Return what a gate without a network makes of a card's number."""
    return hashlib.sha256(salt_of(at.id) + normalized.encode()).digest()[:16]


def nonce() -> uuid.UUID:
    """Return what a scanner calls a scan."""
    return clock.new_id()


async def conflict(at: Gate) -> AdmissionConflict:
    """Insert that a gate let somebody in by a forged code."""
    scan = GateScan(
        community_id=at.community_id,
        attraction_id=at.attraction_id,
        gate_id=at.id,
        nonce=nonce(),
        direction="entry",
        scanned_at=clock.now(),
        decision="admitted",
        persons=1,
        is_through=True,
        fault="forged",
        outcome="conflict",
        reason="forged",
    )
    row = AdmissionConflict(
        community_id=at.community_id, attraction_id=at.attraction_id, scan_id=scan.id, reason="forged"
    )
    async with unit_of_work() as session:
        session.add(scan)
        await session.flush()
        session.add(row)
    return row
