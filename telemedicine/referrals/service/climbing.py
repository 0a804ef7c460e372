"""The climb of what nobody answers: a batch of late referrals or questions, each a step further, told in one go."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core import audit, clock
from app.core.events import emit_many
from app.identity.api import duty_desk, members_of
from notifications.api import Notice, send_many
from telemedicine.clinics.models import PRACTITIONERS
from telemedicine.events import ReferralOverdue
from telemedicine.referrals import repository
from telemedicine.referrals.access import Subject
from telemedicine.referrals.models import QUESTIONS, REFERRALS, STEPS, Question, Referral
from telemedicine.referrals.notices import QUESTION_WAITING, QUESTION_WAITING_NOW, WAITING, WAITING_NOW
from telemedicine.referrals.problems import NothingClimbs, NotYourPart
from telemedicine.referrals.rules.deadlines import LADDER, PRESSING, STAGES, Audience, rung
from telemedicine.referrals.rules.states import Urgency

_INSTANT = sa.DateTime(timezone=True)
_ids = sa.bindparam("ids", type_=ARRAY(sa.Uuid))
_COLUMNS: Final = (
    *("id", "community_id", "resident_id", "from_organization_id", "to_organization_id", "requested_by"),
    *("state", "urgency", "step", "due_at", "next_step_at"),
)


def _late(table: sa.Table, named: sa.ColumnElement[Any]) -> sa.Select[Any]:
    return sa.select(*(table.c[name] for name in _COLUMNS), named.label("named")).where(table.c.id == sa.any_(_ids))


def _climbed(table: sa.Table) -> sa.Update:
    """Return the statement that has each of a batch be a step further."""
    given = (
        sa.func.unnest(
            _ids, sa.bindparam("steps", type_=ARRAY(sa.SmallInteger)), sa.bindparam("next", type_=ARRAY(_INSTANT))
        )
        .table_valued(sa.column("id", sa.Uuid), sa.column("step", sa.SmallInteger), sa.column("next_at", _INSTANT))
        .render_derived("climbed")
    )
    return (
        sa.update(table)
        .where(table.c.id == given.c.id)
        .values(
            step=given.c.step,
            next_step_at=given.c.next_at,
            # Whoever took it up has had their time.
            acknowledged_at=sa.null(),
            acknowledged_by=sa.null(),
            version=table.c.version + sa.literal_column("1"),
            updated_at=sa.bindparam("now", type_=_INSTANT),
        )
    )


def _told(table: sa.Table, about: str, *, is_named: bool) -> sa.Select[Any]:
    """Return who is told of which row: pairs that come as two arrays. Nobody is named where the text names nobody."""
    pair = (
        sa.func.unnest(sa.bindparam("accounts", type_=ARRAY(sa.Uuid)), _ids)
        .table_valued(sa.column("account_id", sa.Uuid), sa.column("id", sa.Uuid))
        .render_derived("pair")
    )
    late = sa.cast(
        sa.func.floor(sa.extract("epoch", sa.bindparam("now", type_=_INSTANT) - table.c.due_at) / 60), sa.BigInteger
    )
    who = ("resident", table.c.resident_id) if is_named else ()
    return sa.select(
        pair.c.account_id,
        table.c.community_id,
        sa.func.concat_ws(
            "-", f"{about}_late", table.c.id, table.c.step, sa.func.extract("epoch", table.c.due_at)
        ).label("dedupe_key"),
        sa.func.jsonb_build_object(*who, "late_minutes", late, type_=JSONB).label("variables"),
        sa.func.jsonb_build_object(f"{about}_id", sa.cast(table.c.id, sa.Text), type_=JSONB).label("data"),
        (table.c.resident_id if is_named else sa.cast(sa.null(), sa.Uuid)).label("about"),
    ).join_from(pair, table, table.c.id == pair.c.id)


@dataclass(frozen=True, slots=True)
class _Kind:
    """What climbs: its table, the statements over it, and how people are told of it."""

    about: str
    late: sa.Select[Any]
    climbed: sa.Update
    told: sa.Select[Any]
    waiting: Notice
    waiting_now: Notice


_account = sa.select(PRACTITIONERS.c.account_id).where(PRACTITIONERS.c.id == REFERRALS.c.practitioner_id)
_REFERRALS: Final = _Kind(
    "referral",
    _late(REFERRALS, _account.correlate(REFERRALS).scalar_subquery()),
    _climbed(REFERRALS),
    _told(REFERRALS, "referral", is_named=True),
    WAITING,
    WAITING_NOW,
)
_QUESTIONS: Final = _Kind(
    "question",
    _late(QUESTIONS, QUESTIONS.c.colleague_id),
    _climbed(QUESTIONS),
    _told(QUESTIONS, "question", is_named=False),
    QUESTION_WAITING,
    QUESTION_WAITING_NOW,
)
_FACTS: Final = sa.select(
    REFERRALS.c.id.label("aggregate_id"),
    REFERRALS.c.community_id,
    sa.func.jsonb_build_object(
        *("resident_id", REFERRALS.c.resident_id),
        *("organization_id", REFERRALS.c.to_organization_id),
        *("from_organization_id", REFERRALS.c.from_organization_id),
        *("audience", sa.bindparam("audience", type_=sa.Text)),
        type_=JSONB,
    ).label("payload"),
).where(REFERRALS.c.id == sa.any_(_ids))


@dataclass(frozen=True, slots=True)
class _Taken:
    """A step that was taken of a row: whom it told, and when the next one is."""

    row: Any
    number: int
    audience: Audience
    people: Sequence[uuid.UUID]
    next_at: datetime


async def climb_referrals(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
    """Have late referrals a step further up, and tell of each whoever is there to be told."""
    last = await _climb(session, _REFERRALS, ids)
    by_audience: dict[Audience, list[uuid.UUID]] = {}
    for step in last:
        by_audience.setdefault(step.audience, []).append(step.row.id)
    for audience, rows in by_audience.items():
        await emit_many(session, ReferralOverdue, _FACTS, {"ids": rows, "audience": audience})


async def climb_questions(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
    """Have late questions a step further up, and tell of each whoever is there to be told."""
    await _climb(session, _QUESTIONS, ids)


async def _climb(session: AsyncSession, kind: _Kind, ids: Sequence[uuid.UUID]) -> list[_Taken]:
    connection, now = await session.connection(), clock.now()
    rows = (await connection.execute(kind.late, {"ids": list(ids)})).all()
    people = await _people(connection, rows)
    steps: list[list[_Taken]] = [_steps(row, people, now) for row in rows]
    last = [taken[-1] for taken in steps]
    binds = {
        "ids": [step.row.id for step in last],
        "steps": [step.number for step in last],
        "next": [step.next_at for step in last],
        "now": now,
    }
    await connection.execute(kind.climbed, binds)
    await connection.execute(sa.insert(STEPS), [_written(kind, step, now) for taken in steps for step in taken])
    for notice, is_pressing in ((kind.waiting, False), (kind.waiting_now, True)):
        pairs = [
            (account_id, step.row.id)
            for step in last
            if (step.row.urgency in PRESSING) == is_pressing
            for account_id in step.people
        ]
        if pairs:
            accounts, of_rows = zip(*pairs, strict=True)
            told = {"accounts": list(accounts), "ids": list(of_rows), "now": now}
            await send_many(session, notice, kind.told, binds=told)
    return last


def _steps(row: Any, people: "_People", now: datetime) -> list[_Taken]:
    """Return the steps taken of a row now: where nobody is there to be told, the next one follows at once."""
    taken: list[_Taken] = []
    number = row.step
    while True:
        step = rung(number, row.urgency, now)
        taken.append(_Taken(row, step.number, step.audience, people.of(row, step.audience), step.next_at))
        if taken[-1].people or step.audience == "desk":
            return taken
        number = step.number


def _written(kind: _Kind, step: _Taken, now: datetime) -> dict[str, Any]:
    return {
        "id": clock.new_id(),
        "created_at": now,
        "updated_at": now,
        "version": 1,
        "about_kind": kind.about,
        "about_id": step.row.id,
        "resident_id": step.row.resident_id,
        "number": step.number,
        "stage": STAGES[step.row.state],
        "audience": step.audience,
        "due_at": step.row.next_step_at,
        "fired_at": now,
        "told": len(step.people),
    }


@dataclass(frozen=True, slots=True)
class _People:
    """Who works where, of all the clinics and communities of a batch."""

    clinicians: Mapping[uuid.UUID, Sequence[uuid.UUID]]
    coordinators: Mapping[uuid.UUID, Sequence[uuid.UUID]]
    desks: Mapping[uuid.UUID, Sequence[uuid.UUID]]

    def of(self, row: Any, audience: Audience) -> list[uuid.UUID]:
        """Return who is told of a row at a step."""
        match audience:
            case "team":
                team = self.clinicians[row.to_organization_id]
                return [row.named] if row.named in team else list(team)
            case "coordinators":
                return list(self.coordinators[row.to_organization_id])
            case "referrer":
                asking = self.clinicians[row.from_organization_id]
                who = [row.requested_by] if row.requested_by in asking else asking
                return list(dict.fromkeys([*who, *self.coordinators[row.from_organization_id]]))
            case "desk":
                # Where there is no desk, whoever was told before is told again.
                desk = self.desks[row.community_id]
                return list(desk) or list(dict.fromkeys(one for step in LADDER[:-1] for one in self.of(row, step)))


async def _people(connection: AsyncConnection, rows: Sequence[Any]) -> _People:
    clinics = {clinic for row in rows for clinic in (row.from_organization_id, row.to_organization_id)}
    return _People(
        await members_of(connection, clinics, "clinician"),
        await members_of(connection, clinics, "coordinator"),
        {
            community_id: await duty_desk(connection, community_id)
            for community_id in sorted({row.community_id for row in rows})
        },
    )


async def acknowledge(session: AsyncSession, subject: Subject, row: Referral | Question) -> None:
    """Take up what is late: nobody is told of it for as long as it may take once more, and then the climb goes on.

    Raises ``NotYourPart``, ``NothingClimbs``.
    """
    if subject.side == "patient":
        raise NotYourPart(side=subject.side)
    now = clock.now()
    if row.due_at is None or row.due_at > now or row.acknowledged_at is not None:
        raise NothingClimbs
    urgency: Urgency = row.urgency  # type: ignore[assignment]  # the table's check allows no other
    within = await repository.within(session, row.to_organization_id, STAGES[row.state], urgency)
    row.acknowledged_at, row.acknowledged_by, row.next_step_at = now, subject.actor.id, now + within
    await session.flush()
    await audit.record(
        session,
        subject.actor,
        "referral:acknowledge" if isinstance(row, Referral) else "question:acknowledge",
        resident_id=row.resident_id,
        object_id=row.id,
        community_id=row.community_id,
    )


async def acknowledge_referral(session: AsyncSession, subject: Subject) -> Referral:
    """Take up a late referral and return it; raises as ``acknowledge``."""
    row = await repository.lock(session, subject.id)
    await acknowledge(session, subject, row)
    return row
