"""The SQL that reads one order for who asks: what was agreed, its money, its history, how to get in, who comes."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.billing.api import ChargeDetail, authorizations_for, charges_for
from app.core import audit, clock
from app.core.access import Actor
from app.core.database import reading
from app.core.problems import NotFound
from app.core.sealing import unseal
from app.core.statements import HotStatement
from app.identity.api import organizations_named
from app.media.api import MediaPublic, attached
from community.housekeeping.schemas import OptionWanted
from community.orders import rules
from community.orders.access import Subject, require_order
from community.orders.models import (
    CANCEL_NOTE,
    CHANGE_NOTE,
    CHANGES,
    DOOR_CODE,
    EXTRA_REASON,
    EXTRAS,
    FIX,
    INSTRUCTIONS,
    NOTE_TEXT,
    NOTES,
    ORDERS,
    POSITIONS,
    START_CODE,
    UNDONE,
    Order,
)
from community.orders.problems import DoorNotShown
from community.orders.schemas.shown import (
    DoorPublic,
    OrderChangePublic,
    OrderDetail,
    OrderExtraPublic,
    OrderNotePublic,
    OrderPayment,
    OrderPositionPublic,
)
from community.orders.views import orders

_order_id = sa.bindparam("order_id", type_=sa.Uuid)
_HISTORY: Final = HotStatement(sa.select(CHANGES).where(CHANGES.c.order_id == _order_id).order_by(CHANGES.c.id))
_EXTRAS: Final = HotStatement(sa.select(EXTRAS).where(EXTRAS.c.order_id == _order_id).order_by(EXTRAS.c.id))
_NOTES: Final = HotStatement(sa.select(NOTES).where(NOTES.c.order_id == _order_id).order_by(NOTES.c.id))
_POSITION: Final = sa.select(POSITIONS).where(POSITIONS.c.order_id == _order_id)
_ANSWERING: Final[frozenset[rules.Side]] = frozenset({"resident", "provider", "operator"})
"""Who sees the money and the history: whoever carries it out is told what they need."""
_AS_THEY_ARE: Final = (
    "ordered_by",
    "lines",
    "payment_method_id",
    "wished_worker_id",
    "wished_languages",
    "wished_sex",
    "checklist",
    "done",
    "hold_until",
    "started_at",
    "finished_at",
    "cancelled_by",
    "cancel_reason",
)


_TIMES: Final = sa.select(ORDERS.c.starts_at, ORDERS.c.ends_at).where(
    ORDERS.c.id == sa.bindparam("order_id", type_=sa.Uuid)
)


async def after(connection: AsyncConnection, actor: Actor, order_id: uuid.UUID) -> OrderDetail:
    """Return an order as it stands after what the actor did with it, which is on record."""
    return await _detail(connection, await require_order(connection, actor, order_id))


@dataclass(frozen=True, slots=True)
class Fresh:
    """An order that was placed just now, what its provider is called, what is promised for it, and its history."""

    row: Order
    provider: str
    promised: Any | None
    history: Sequence[Any]


async def new(connection: AsyncConnection, actor: Actor, placed: Fresh) -> OrderDetail:
    """Return an order the actor has just placed, as ``after`` would: nobody comes yet, nothing was asked or owed."""
    beside = _Beside(placed.provider, worker=None, promised=placed.promised, charge=None, history=placed.history)
    return _shown(await require_order(connection, actor, placed.row.id), placed.row, beside)


async def reread(actor: Actor, order_id: uuid.UUID) -> OrderDetail:
    """Return an order as ``after`` does, where the change had a unit of work of its own."""
    async with reading() as connection:
        return await after(connection, actor, order_id)


async def detail(connection: AsyncConnection, actor: Actor, subject: Subject) -> OrderDetail:
    """Return an order with all that the actor's sides may see; what others than its resident read is on record."""
    if actor.resident_id != subject.resident_id:
        await _trace(connection, actor, subject, "order:read")
        return await _detail(connection, subject)
    return await _detail(connection, subject, with_code=True)


@dataclass(frozen=True, slots=True)
class _Beside:
    """What there is beside an order: names, its money, its history, what was asked for, noted and seen."""

    provider: str
    worker: str | None
    promised: Any | None
    charge: ChargeDetail | None
    history: Sequence[Any]
    extras: Sequence[OrderExtraPublic] = ()
    notes: Sequence[OrderNotePublic] = ()
    photos: Sequence[MediaPublic] = ()


async def _detail(connection: AsyncConnection, subject: Subject, *, with_code: bool = False) -> OrderDetail:
    """Return an order; ``with_code`` with what is told at the door: never in an answer that is kept for repeating."""
    row = await orders.row_of(connection, subject.id)
    named = await organizations_named(connection, row.community_id, [row.organization_id])
    beside = _Beside(
        provider=named[row.organization_id].name,
        worker=row.worker,
        promised=(await authorizations_for(connection, rules.REFERENCE, [row.id])).get(row.id),
        charge=(await charges_for(connection, rules.REFERENCE, [row.id])).get(row.id),
        history=await _HISTORY.rows(connection, {"order_id": row.id}),
        extras=await _extras(connection, row.id),
        notes=await _notes(connection, row.id),
        photos=(await attached(connection, rules.PHOTOS, [row.id]))[row.id],
    )
    return _shown(subject, row, beside, with_code=with_code)


def _shown(subject: Subject, row: Any, beside: _Beside, *, with_code: bool = False) -> OrderDetail:
    answers = bool(subject.sides & _ANSWERING)
    is_shown = answers or row.state in rules.WITH_WORKER
    return OrderDetail(
        **orders.fields(row, beside.provider, beside.worker, clock.now()),
        **{name: getattr(row, name) for name in _AS_THEY_ARE},
        **orders.place(row, is_shown=is_shown),
        sides=sorted(subject.sides),
        options=[OptionWanted(code=code, quantity=quantity) for code, quantity in row.options.items()],
        payment=_payment(beside.promised, beside.charge) if answers else None,
        instructions=_opened(row.instructions, INSTRUCTIONS) if is_shown else None,
        start_code=_opened(row.start_code, START_CODE) if with_code and row.state not in rules.OVER else None,
        undone_reason=_opened(row.undone, UNDONE),
        cancel_note=_opened(row.cancel_note, CANCEL_NOTE),
        extras=list(beside.extras),
        notes=list(beside.notes),
        photos=list(beside.photos),
        history=[_change(line) for line in beside.history] if answers else [],
    )


async def door(connection: AsyncConnection, actor: Actor, subject: Subject) -> DoorPublic:
    """Show whoever comes how to get in, around the visit; it is on record. Raises ``DoorNotShown``."""
    row = await orders.row_of(connection, subject.id)
    times, now = orders.times(row), clock.now()
    if row.worker_id != actor.id or not rules.shows_door(row.state, times, now):
        opens_at = row.starts_at - rules.DOOR_BEFORE
        raise DoorNotShown(opens_at=opens_at.isoformat() if opens_at > now else None)
    await _trace(connection, actor, subject, "order_door:read")
    return DoorPublic(
        door_code=_opened(row.door_code, DOOR_CODE),
        instructions=_opened(row.instructions, INSTRUCTIONS),
        until=times.expected_end,
    )


async def position(connection: AsyncConnection, actor: Actor, subject: Subject) -> OrderPositionPublic:
    """Return where whoever is on the way was last; raises ``NotFound`` while nobody is."""
    row = await orders.row_of(connection, subject.id)
    found = (await connection.execute(_POSITION, {"order_id": subject.id})).one_or_none()
    if found is None or row.state != "on_the_way":
        raise NotFound("nobody is on the way")
    if actor.resident_id != subject.resident_id:
        await _trace(connection, actor, subject, "order_position:read")
    return OrderPositionPublic(**orjson.loads(unseal(found.fix, FIX)), measured_at=found.measured_at)


async def question(connection: AsyncConnection, order_id: uuid.UUID, extra_id: uuid.UUID) -> OrderExtraPublic:
    """Return a question for more time; raises ``NotFound``."""
    found = next((one for one in await _extras(connection, order_id) if one.id == extra_id), None)
    if found is None:
        raise NotFound
    return found


def note(row: Any) -> OrderNotePublic:
    """Return what whoever was there wrote down."""
    return OrderNotePublic(
        id=row.id,
        at=row.written_at or row.created_at,
        told_at=rules.told_at(row.written_at, row.created_at),
        text=unseal(row.text, NOTE_TEXT),
        is_resident_unwell=row.is_resident_unwell,
    )


def _payment(promised: Any | None, charge: ChargeDetail | None) -> OrderPayment:
    return OrderPayment(
        authorization=promised.state if promised else None,
        authorized=promised.amount if promised and promised.state == "authorized" else 0,
        authorization_id=promised.id if promised else None,
        charged=charge.amount if charge else None,
        paid=charge.paid_amount if charge else None,
    )


async def _extras(connection: AsyncConnection, order_id: uuid.UUID) -> list[OrderExtraPublic]:
    return [
        OrderExtraPublic(
            id=row.id,
            duration=row.duration,
            amount=row.amount,
            reason=_opened(row.reason, EXTRA_REASON),
            state=row.state,
            answer_by=row.answer_by,
        )
        for row in await _EXTRAS.rows(connection, {"order_id": order_id})
    ]


async def _notes(connection: AsyncConnection, order_id: uuid.UUID) -> list[OrderNotePublic]:
    return [note(row) for row in await _NOTES.rows(connection, {"order_id": order_id})]


def _change(line: Any) -> OrderChangePublic:
    return OrderChangePublic(
        at=line.occurred_at or line.created_at,
        told_at=rules.told_at(line.occurred_at, line.created_at),
        transition=line.transition,
        state=line.to_state,
        who=line.who,
        changed_by=line.changed_by,
        worker_id=line.worker_id,
        reason=line.reason,
        note=_opened(line.note, CHANGE_NOTE),
    )


def _opened(value: str | None, context: str) -> str | None:
    return unseal(value, context) if value else None


async def _trace(connection: AsyncConnection, actor: Actor, subject: Subject, action: str) -> None:
    await audit.record(
        connection,
        actor,
        action,
        resident_id=subject.resident_id,
        object_id=subject.id,
        community_id=subject.community_id,
    )


async def order_times(connection: AsyncConnection, order_id: uuid.UUID) -> tuple[datetime, datetime]:
    """Return from when until when an order is planned; raises ``NotFound``."""
    row = (await connection.execute(_TIMES, {"order_id": order_id})).one_or_none()
    if row is None:
        raise NotFound
    return row.starts_at, row.ends_at
