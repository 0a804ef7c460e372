"""Comparing the last days with what the gateway lists: mended by looking again, or reported.

Money moves only by what the gateway answers for a row of ours: here nothing is booked.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from prometheus_client import Counter
from sqlalchemy.ext.asyncio import AsyncSession

from app.billing.gateways.choosing import chosen_gateway
from app.billing.gateways.port import Gateway, Intent, Refund, Transfer
from app.billing.reconciliation import notices, repository, rules
from app.billing.reconciliation.rules import Odd
from app.core import clock
from app.core.database import reading, unit_of_work
from app.identity.api import operator_staff
from notifications.api import send

_PIECE: Final = 200

_Thing = Intent | Refund | Transfer

FOUND = Counter("hearthline_books_differ", "What the gateway's books and ours differed in", ["about", "found"])

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Compared:
    """What came of comparing: how many things were seen, are looked at again, and were reported as new."""

    seen: int = 0
    mended: int = 0
    reported: int = 0


async def reconcile(days: int = rules.DAYS) -> Compared:
    """Compare what was made in the last days; raises the gateway's errors."""
    compared = Compared()
    gateway = chosen_gateway()
    if gateway is None:
        return compared
    until = clock.now() - rules.SETTLING
    since = until - timedelta(days=days)
    try:
        await _compare(compared, gateway, "payment", gateway.intents_since(since), (since, until))
        await _compare(compared, gateway, "refund", gateway.refunds_since(since), (since, until))
        await _compare(compared, gateway, "transfer", gateway.transfers_since(since), (since, until))
    finally:
        await gateway.close()
    return compared


async def report(session: AsyncSession, odd: Odd) -> bool:
    """Keep what the books differ in, and tell the operator the first time; say whether it was."""
    if not await repository.keep(session, asdict(odd)):
        return False
    FOUND.labels(odd.about, odd.found).inc()
    log.error("books_differ", about=odd.about, found=odd.found, ref=odd.ref)
    if odd.community_id is not None:
        await send(
            session,
            notices.BOOKS_DIFFER,
            await operator_staff(await session.connection(), odd.community_id, "operator"),
            community_id=odd.community_id,
            dedupe_key=f"{notices.BOOKS_DIFFER.key}:{odd.ref}:{clock.now().isoformat()}",
            variables={"ref": odd.ref},
        )
    return True


async def _compare(
    compared: Compared,
    gateway: Gateway,
    about: str,
    listed: AsyncIterator[Intent] | AsyncIterator[Refund] | AsyncIterator[Transfer],
    within: tuple[datetime, datetime],
) -> None:
    seen: list[str] = []
    piece: list[_Thing] = []
    async for one in listed:
        seen.append(one.ref)
        piece.append(one)
        if len(piece) == _PIECE:
            await _compare_piece(compared, gateway.name, about, piece)
            piece = []
    await _compare_piece(compared, gateway.name, about, piece)
    compared.seen += len(seen)
    async with reading() as connection:
        lacking = await repository.not_among(connection, about, gateway.name, seen, *within)
    async with unit_of_work() as session:
        for row in lacking:
            odd = Odd(gateway.name, about, row.ref, "missing", row.id, row.community_id, row.amount)
            compared.reported += await report(session, odd)


async def _compare_piece(compared: Compared, gateway: str, about: str, piece: Sequence[_Thing]) -> None:
    if not piece:
        return
    async with unit_of_work() as session:
        connection = await session.connection()
        refs, ids = [one.ref for one in piece], rules.uuids([one.row for one in piece])
        rows = await repository.ours(connection, about, gateway, refs, ids)
        by_ref = {row.ref: row for row in rows if row.ref is not None}
        by_id = {str(row.id): row for row in rows}
        agreed, looked, odd = [], [], []
        for one in piece:
            row = by_ref.get(one.ref) or by_id.get(one.row or "")
            if row is None:
                odd.append(Odd(gateway, about, one.ref, "unknown", their_amount=one.amount))
            elif row.ref not in (None, one.ref):  # made a second time for the same row
                if isinstance(one, Transfer) or one.status not in rules.NOTHING_MOVES:
                    odd.append(Odd(gateway, about, one.ref, "unknown", row.id, row.community_id, None, one.amount))
            elif not _is_settled(one, row):
                looked.append((row.id, one.ref))
            elif (pair := _amounts(one, row))[0] != pair[1]:
                odd.append(Odd(gateway, about, one.ref, "amount", row.id, row.community_id, *pair))
            else:
                agreed.append(one.ref)
        await repository.resolve(session, about, gateway, agreed)
        compared.mended += await repository.look_at(session, about, looked) if looked else 0
        for found in odd:
            compared.reported += await report(session, found)


def _is_settled(one: _Thing, row: Any) -> bool:
    if isinstance(one, Transfer):
        return rules.is_transfer_settled(row)
    return rules.is_settled(one, row) if isinstance(one, Intent) else rules.is_refund_settled(one, row)


def _amounts(one: _Thing, row: Any) -> tuple[int, int]:
    if isinstance(one, Transfer):
        return rules.transfer_amounts(one, row)
    return rules.amounts(one, row) if isinstance(one, Intent) else (row.amount, one.amount)
