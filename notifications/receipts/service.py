"""Confirming what arrived, and falling back to the next channel where nobody confirmed it in time."""

import uuid
from collections import Counter as Tallied
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from prometheus_client import Counter
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock, wakeups
from app.core.access import Actor
from app.core.database import after_commit, unit_of_work
from app.core.problems import NotFound
from app.core.retrying import retrying
from app.identity import api as identity
from notifications.channels.receipt_tokens import opened
from notifications.delivery.rules import LANES, wake_channel
from notifications.inbox import repository as inbox
from notifications.receipts import repository, rules
from notifications.receipts.repository import Known
from notifications.receipts.rules import Kind, Mark
from notifications.receipts.schemas import PushReceipt, Receipt
from notifications.sending.repository import fall_back
from notifications.sending.telling import tell

RECEIPTS = Counter(
    "hearthline_receipts",
    "What was confirmed, once per delivery and kind; timing: awaited, late (its fallback was used) or unasked",
    ["channel", "kind", "timing"],
)
MISSED = Counter("hearthline_receipts_missed", "Deliveries whose receipt did not come in time", ["channel", "lane"])

Marks = dict[uuid.UUID, Mark]


async def record_receipts(session: AsyncSession, actor: Actor, receipts: Sequence[Receipt]) -> None:
    """Record what an app confirms of its person's notices; what is not theirs, or unknown, passes in silence."""
    now = clock.now()
    deliveries: Marks = {}
    notices: Marks = {}
    for receipt in receipts:
        occurred_at = rules.believable(receipt.occurred_at, now)
        _add(deliveries, receipt.delivery_id, receipt.kind, occurred_at)
        _add(notices, receipt.notice_id, receipt.kind, occurred_at)
    # Only the deliveries' rows put this in order with the worker that notes that a push left: they come first.
    if await _record(session, deliveries, notices, owner=actor.id) and actor.session_id is not None:
        await identity.confirm_receipt(session, actor.session_id)


async def record_receipt(session: AsyncSession, delivery_id: uuid.UUID, kind: Kind, at: datetime) -> None:
    """Record what a provider says of a delivery: that it arrived or was opened, at that instant. Unknown ids pass."""
    await _record(session, {delivery_id: Mark.of(kind, at)}, {})


async def record_push_receipt(receipt: PushReceipt) -> None:
    """Record what a browser's worker says of a push; a token that is not ours passes in silence, as unknown ids do.

    Opens its own unit of work, and none for what anybody can make up: those who call for help need the connections.
    """
    pushed = opened(receipt.receipt)
    if pushed is None:
        return
    mark = Mark.of(receipt.kind, rules.believable(receipt.occurred_at, clock.now()))

    async def attempt() -> None:
        async with unit_of_work() as session:
            if await _record(session, {pushed.delivery_id: mark}, {}):
                await identity.confirm_receipt_at(session, pushed.installation_id)

    await retrying(attempt)


async def open_item(session: AsyncSession, actor: Actor, item_id: uuid.UUID) -> None:
    """Mark one of the actor's inbox items as read, which confirms its notice; raises ``NotFound``."""
    if not await inbox.mark_one(session, actor.id, item_id):
        raise NotFound
    await _record(session, {}, {item_id: Mark.of("opened", clock.now())}, owner=actor.id)


async def open_up_to(session: AsyncSession, actor: Actor, item_id: uuid.UUID) -> int:
    """Mark the actor's unread inbox items up to one as read, which confirms their notices; return how many."""
    opened = await inbox.mark_up_to(session, actor.id, item_id)
    await _record(session, {}, dict.fromkeys(opened, Mark.of("opened", clock.now())), owner=actor.id)
    return len(opened)


async def fall_back_without_receipt(session: AsyncSession, delivery_ids: Sequence[uuid.UUID]) -> None:
    """Give up waiting for the receipts of deliveries: the next channel is used, and who waits for them is told."""
    unconfirmed = await repository.give_up(session, delivery_ids)
    falling_back = sorted(known.id for known in unconfirmed if known.fallbacks)
    if falling_back:
        await fall_back(session, falling_back)
        for lane in {LANES[known.lane] for known in unconfirmed}:
            wakeups.request(session, wake_channel(lane))
    await tell(session, [(known, "unconfirmed", not known.fallbacks) for known in unconfirmed])
    counted = Tallied((known.channel, LANES[known.lane]) for known in unconfirmed)
    after_commit(session, partial(_count, MISSED, counted))


def _add(marks: Marks, named: uuid.UUID | None, kind: Kind, at: datetime) -> None:
    if named is not None:
        marks[named] = marks.get(named, Mark()) | Mark.of(kind, at)


async def _record(
    session: AsyncSession,
    deliveries: Mapping[uuid.UUID, Mark],
    notices: Mapping[uuid.UUID, Mark],
    owner: uuid.UUID | None = None,
) -> bool:
    """Store marks by delivery and by notice; return whether any was of a delivery."""
    if not deliveries and not notices:
        return False
    marked: list[tuple[Known, Mark]] = []
    opened: set[uuid.UUID] = set()
    for known in await repository.lock(session, list(deliveries), list(notices), owner):
        said = Mark()
        for marks, named in ((deliveries, known.id), (notices, known.notice_id)):
            if named in marks and rules.is_meant(known.state, known.attempts, is_named=marks is deliveries):
                said |= marks[named]
        if said != Mark():
            marked.append((known, said))
        if (said | notices.get(known.notice_id, Mark())).opened_at is not None:
            opened.add(known.notice_id)
    if marked:
        await _store(session, marked)
    if opened:
        # Who was to be told later knows by now, and who waits for that has waited long enough.
        cancelled = await repository.cancel_held(session, sorted(opened))
        await tell(session, [(known, "delivered", True) for known in cancelled])
    return bool(marked)


async def _store(session: AsyncSession, marked: Sequence[tuple[Known, Mark]]) -> None:
    await repository.mark(session, marked)
    await repository.cancel_fallbacks(session, sorted({known.notice_id for known, _ in marked}))
    arrived = [known for known, _ in marked if known.delivered_at is None]
    # Whoever holds the lease tells of it when the sending ends.
    await tell(session, [(known, "delivered", True) for known in arrived if known.state != "sending"])
    counted = Tallied((known.channel, "delivered", rules.timing(known.state, known.receipt_by)) for known in arrived)
    counted += Tallied(
        (known.channel, "opened", rules.timing(known.state, known.receipt_by))
        for known, said in marked
        if said.opened_at is not None and known.opened_at is None
    )
    after_commit(session, partial(_count, RECEIPTS, counted))


def _count(counter: Counter, counted: Mapping[Any, int]) -> None:
    for labels, count in counted.items():
        counter.labels(*labels).inc(count)
