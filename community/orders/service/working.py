"""What whoever is there does: more time, notes, photos, and the end of the work."""

import uuid
from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.access import Actor
from app.core.events import emit
from app.core.problems import FieldError
from app.core.sealing import seal
from app.media.api import MediaPublic, Purpose, attach
from app.reservations.api import Want, move, resources_of
from community.events import ResidentUnwell
from community.orders import notices, repository, rules
from community.orders.access import Subject, require_orderer
from community.orders.models import EXTRA_REASON, NOTE_TEXT, UNDONE, Order, OrderExtra, OrderNote
from community.orders.problems import (
    ChecklistOpen,
    ExtraOver,
    ExtraPending,
    NotYourOrder,
    OrderNotOpen,
    UnknownStep,
)
from community.orders.schemas.given import ExtraAnswer, ExtraAsk, NoteGive, OrderFinish, PhotoGive
from community.orders.service import paying
from community.orders.service.assigning import ORIGIN
from community.orders.service.changing import HEARTHLINE, By, change, record, times_of
from community.orders.service.telling import tell, waiting
from community.orders.service.times import moment_of
from community.workers.service.engaging import CARER


async def ask_extra(session: AsyncSession, actor: Actor, subject: Subject, data: ExtraAsk) -> OrderExtra:
    """Ask the resident for more time, at the order's own rate; raises ``OrderNotOpen``, ``ExtraPending``."""
    row = await _under_way(session, actor, subject)
    if row.extra_duration + data.duration > rules.EXTRA_MOST:
        raise OrderNotOpen("that is more than can be added to one order", order_state=row.state)
    if await repository.pending_extra(session, row.id):
        raise ExtraPending
    lines = [(line["kind"], line["amount"]) for line in row.lines]
    extra = OrderExtra(
        order_id=row.id,
        resident_id=row.resident_id,
        asked_by=actor.id,
        duration=data.duration,
        amount=rules.extra_amount(lines, row.ends_at - row.starts_at, data.duration),
        reason=seal(data.reason, EXTRA_REASON) if data.reason else None,
        answer_by=clock.now() + rules.EXTRA_ANSWER,
    )
    session.add(extra)
    await session.flush()
    await record(session, actor, "order:ask_extra", row)
    minutes = round(data.duration.total_seconds() / 60)
    told = await waiting(session, row)
    until = extra.answer_by or clock.now()
    await tell(session, notices.EXTRA_ASKED, row, told, f"extra:{extra.id}", minutes=minutes, until=until)
    return extra


async def answer_extra(
    session: AsyncSession, actor: Actor, subject: Subject, extra_id: uuid.UUID, data: ExtraAnswer
) -> Order:
    """Agree to more time, or not, as the resident or whoever orders for them.

    What is agreed takes more of the worker's time and raises what is promised. Raises ``NotFound``, ``Forbidden``,
    ``ExtraOver``, ``CalendarTaken`` where the worker is somewhere else by then, and what billing refuses.
    """
    await require_orderer(await session.connection(), actor, subject.resident_id)
    row = await repository.locked(session, subject.id)
    extra = await repository.locked_extra(session, row.id, extra_id)
    now = clock.now()
    if extra.state != "asked" or extra.answer_by is None or extra.answer_by <= now or row.state != "started":
        raise ExtraOver
    extra.state = "approved" if data.is_approved else "declined"
    extra.answer_by, extra.answered_by, extra.answered_at = None, actor.id, now
    if data.is_approved:
        await _add(session, row, extra)
    await session.flush()
    await record(session, actor, f"order:extra_{extra.state}", row)
    await _tell_answer(session, row, extra)
    return row


async def _add(session: AsyncSession, row: Order, extra: OrderExtra) -> None:
    row.extra_duration += extra.duration
    row.extra_amount += extra.amount
    end = times_of(row).expected_end
    if row.worker_id is not None and row.reservation_id is not None:
        calendars = await resources_of(await session.connection(), CARER, [row.worker_id])
        wants = [Want(calendars[row.worker_id], row.starts_at, end, row.id)]
        (row.reservation_id,) = await move(
            session, [row.reservation_id], wants, origin_kind=ORIGIN, taken_by=row.worker_id
        )
    row.overdue_at, row.overdue_step = rules.deadlines("started", times_of(row), clock.now()).overdue_at, 0
    await session.flush()
    await paying.extend(session, row)


async def lapse(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
    """Take silence for a no."""
    for extra in await repository.extras_locked(session, ids):
        row = await session.get_one(Order, extra.order_id)
        extra.state, extra.answer_by, extra.answered_at = "lapsed", None, clock.now()
        await session.flush()
        await _tell_answer(session, row, extra)


async def _tell_answer(session: AsyncSession, row: Order, extra: OrderExtra) -> None:
    await tell(session, notices.EXTRA_ANSWERED, row, [extra.asked_by], f"answered:{extra.id}", answer=extra.state)


async def write_note(session: AsyncSession, actor: Actor, subject: Subject, data: NoteGive) -> OrderNote:
    """Write down what was found at the home, while the work goes on or after it.

    That the resident is unwell can be said from the door, too, opened or not: it is told at once, whatever has become
    of the order meanwhile, and whatever the clock of the phone says.

    Raises ``OrderNotOpen``, ``Malformed``.
    """
    if data.is_resident_unwell:
        row = await repository.locked(session, subject.id)
        # It may be another's by now, and over: whoever was sent there is heard.
        at = moment_of(data.occurred_at, row.starts_at - rules.SETS_OUT_BEFORE, is_believed=True)
    else:
        row = await _of_worker(session, actor, subject)
        if row.state not in (*rules.WITH_WORKER, "no_access", "finished", "closed"):
            raise OrderNotOpen(order_state=row.state)
        at = moment_of(data.occurred_at, row.assigned_at)
    note = OrderNote(
        order_id=row.id,
        resident_id=row.resident_id,
        author_id=actor.id,
        text=seal(data.text, NOTE_TEXT),
        is_resident_unwell=data.is_resident_unwell,
        written_at=at,
    )
    session.add(note)
    await session.flush()
    await record(session, actor, "order:note", row)
    if data.is_resident_unwell:
        await emit(
            session,
            ResidentUnwell(
                aggregate_id=row.id,
                community_id=row.community_id,
                resident_id=row.resident_id,
                organization_id=row.organization_id,
                worker_id=actor.id,
                note_id=note.id,
                occurred_at=at or clock.now(),
            ),
        )
    return note


async def add_photo(session: AsyncSession, actor: Actor, subject: Subject, data: PhotoGive) -> MediaPublic:
    """Add a photo that the worker uploaded; raises ``OrderNotOpen``, ``Malformed`` and what ``attach`` raises."""
    row = await _of_worker(session, actor, subject)
    if row.state not in ("started", "finished"):
        raise OrderNotOpen(order_state=row.state)
    added = await attach(
        session,
        actor,
        data.upload_id,
        purpose=Purpose.PHOTO,
        kind=rules.PHOTOS,
        object_id=row.id,
        resident_id=row.resident_id,
        taken_at=moment_of(data.occurred_at, row.started_at),
    )
    await record(session, actor, "order:photo", row)
    return added


async def finish(session: AsyncSession, actor: Actor, subject: Subject, data: OrderFinish) -> Order:
    """End the work: each step is done, or it is said why not; it is settled as it was agreed.

    Finished already, it stays so.
    Raises ``OrderNotOpen``, ``ChecklistOpen``, ``UnknownStep``, ``NotYourOrder``, ``Malformed``.
    """
    by = By(subject.side("worker", "provider", "operator"), actor)
    row = await repository.locked(session, subject.id)
    if by.who == "worker" and row.worker_id != actor.id:
        raise NotYourOrder
    if row.state in ("finished", "closed"):
        return row
    steps = [step["code"] for step in row.checklist]
    for place, code in enumerate(data.done):
        if code not in steps:
            raise UnknownStep(errors=[FieldError(f"/body/done/{place}", "the order has no such step", "unknown_step")])
    left = [code for code in steps if code not in data.done]
    if left and data.undone_reason is None:
        raise ChecklistOpen(codes=left)
    undone = seal(data.undone_reason, UNDONE) if data.undone_reason else None
    await repository.end_questions(session, row.id, clock.now())
    done = [code for code in steps if code in data.done]
    await change(session, row, "finish", by, at=moment_of(data.occurred_at, row.started_at), done=done, undone=undone)
    if not await paying.settle(session, actor.id, row):
        await change(session, row, "close", HEARTHLINE)
    await tell(session, notices.FINISHED, row, await waiting(session, row), "finished")
    return row


async def _under_way(session: AsyncSession, actor: Actor, subject: Subject) -> Order:
    row = await _of_worker(session, actor, subject)
    if row.state != "started":
        raise OrderNotOpen(order_state=row.state)
    return row


async def _of_worker(session: AsyncSession, actor: Actor, subject: Subject) -> Order:
    """Return the order, locked, if it is the actor's to carry out, or was; raises ``NotYourOrder``."""
    subject.side("worker")
    row = await repository.locked(session, subject.id)
    if row.worker_id != actor.id:
        raise NotYourOrder
    return row
