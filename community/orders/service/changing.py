"""The one way an order's state changes: by the table, with its deadlines, its history, the fact and the record."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from types import SimpleNamespace
from typing import Any, Final, Literal

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import audit, clock
from app.core.access import Actor
from app.core.events import emit
from app.core.sealing import seal
from app.reservations.api import release
from community.events import OrderHeld, OrderOverran
from community.orders import repository, rules
from community.orders.models import CHANGE_NOTE, Order
from community.orders.problems import OrderExists, OrderNotOpen
from community.orders.rules import Transition, Who

_INSTANTS: Final = ("placed", "assigned", "on_the_way", "started", "finished")


@dataclass(frozen=True, slots=True)
class By:
    """Who changes an order: as which side, and which actor, if it is somebody."""

    who: Who
    actor: Actor | None = None

    @property
    def id(self) -> uuid.UUID | None:
        """Whose act it is; ``None`` for Hearthline's own."""
        return self.actor.id if self.actor else None


HEARTHLINE: Final = By("hearthline")


def times_of(row: Order) -> rules.Times:
    """Return when an order is planned, and how long it takes."""
    return rules.Times(row.starts_at, row.ends_at, row.extra_duration, row.started_at)


async def begin(session: AsyncSession, row: Order, by: By) -> list[Any]:
    """Insert a new order, write down how it began, and tell of it; of one that is placed already, also that.

    Return the lines of its history. Raises ``OrderExists`` if the same was ordered before.
    """
    line = _line(row, "order", None, by)
    if not await repository.enter(session, row, line, OrderHeld(**_about(row, None)), by.actor):
        raise OrderExists(order_id=str(await repository.same(session, row) or row.id))
    if row.state != "placed":
        return [line]
    placed = _line(row, "place", "held", HEARTHLINE)
    await _remember(session, row, placed)
    return [line, placed]


async def change(
    session: AsyncSession,
    row: Order,
    transition: Transition,
    by: By,
    *,
    reason: str | None = None,
    note: str | None = None,
    at: datetime | None = None,
    **values: Any,
) -> None:
    """Change a locked order, with ``values`` of its columns, as the table of transitions has it.

    ``at`` is when it was done, where it is told of later; what is due next counts from now.

    Whoever was to come has their time back once they are not any more; where they were is forgotten once they are
    there. Raises ``OrderNotOpen`` where no way leads from the order's state.
    """
    if not rules.may(transition, row.state, by.who):  # type: ignore[arg-type]  # a check constraint holds it to them
        raise OrderNotOpen(order_state=row.state)
    was, worker_id, reservation_id = row.state, row.worker_id, row.reservation_id
    for name, value in values.items():
        setattr(row, name, value)
    become(row, transition, at)
    await session.flush()
    if row.reservation_id is None and reservation_id is not None:
        await release(session, [reservation_id])
    if was == "on_the_way":
        await repository.forget_position(session, row.id)
    concerns = worker_id if transition == "unassign" else row.worker_id
    line = _line(row, transition, was, by)
    line.worker_id, line.reason, line.occurred_at = concerns, reason, at
    line.note = seal(note, CHANGE_NOTE) if note else None
    await _remember(session, row, line)
    if by.actor is not None:
        await record(session, by.actor, f"order:{transition}", row, {"reason": reason} if reason else None)


def become(row: Order, transition: Transition, at: datetime | None = None) -> None:
    """Have an order stand as it does after a transition that the table has, with the deadlines of its state."""
    now = clock.now()
    row.state = state = rules.WAYS[transition].target
    setattr(row, f"{state}_at" if state in _INSTANTS else "closed_at", at or now)
    deadlines = rules.deadlines(state, times_of(row), now)
    for name in deadlines.__slots__:
        setattr(row, name, getattr(deadlines, name))
    if state not in rules.AHEAD:
        row.authorize_at = None
    if state not in rules.WITH_WORKER:
        row.reservation_id = None


def _about(row: Order, worker_id: uuid.UUID | None) -> dict[str, Any]:
    return {
        "aggregate_id": row.id,
        "community_id": row.community_id,
        "resident_id": row.resident_id,
        "organization_id": row.organization_id,
        "worker_id": worker_id,
    }


async def overran(session: AsyncSession, row: Order) -> None:
    """Tell that the work of a locked order goes on longer than was agreed."""
    await emit(session, OrderOverran(**_about(row, row.worker_id)))


async def _remember(session: AsyncSession, row: Order, line: Any) -> None:
    more: dict[str, Any] = {"by": line.who} if line.transition == "cancel" else {}
    if line.occurred_at is not None:
        more["occurred_at"] = line.occurred_at
    fact = repository.FACTS[line.transition](**_about(row, line.worker_id), **more)
    await repository.remember(session, line, fact)


def _line(row: Order, transition: Transition | Literal["order"], was: str | None, by: By) -> Any:
    now = clock.now()
    return SimpleNamespace(
        id=clock.new_id(),
        created_at=now,
        updated_at=now,
        version=1,
        order_id=row.id,
        resident_id=row.resident_id,
        transition=transition,
        from_state=was,
        to_state="held" if transition == "order" else rules.WAYS[transition].target,
        who=by.who,
        changed_by=by.id,
        worker_id=None,
        reason=None,
        note=None,
        occurred_at=None,
    )


async def record(
    session: AsyncSession, actor: Actor, action: str, row: Order, details: dict[str, Any] | None = None
) -> None:
    """Put on record what somebody did with an order."""
    await audit.record(
        session,
        actor,
        action,
        resident_id=row.resident_id,
        object_id=row.id,
        community_id=row.community_id,
        details=details,
    )
