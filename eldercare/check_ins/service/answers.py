"""Answers: by the person with one tap, by somebody who saw or spoke to them, early, late, once."""

import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final, Literal

import orjson
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import audit, clock
from app.core.access import Actor
from app.core.database import connection_of
from app.core.events import emit
from app.core.problems import Conflict, FieldError, Malformed, NotFound
from app.core.sealing import seal
from app.core.tables import table_of
from app.identity.api import ResidentSubject
from eldercare.alarms.service import AlarmKind, AlarmSignal, Severity, Word, raise_alarm
from eldercare.check_ins import repository, rules
from eldercare.check_ins.models import ANSWERS_CONTEXT, CheckIn, CheckInSchedule
from eldercare.check_ins.problems import AnswerContradicts, CheckInNotOpen
from eldercare.check_ins.schemas import AnswerWrite, CheckInDetail, How
from eldercare.check_ins.service import telling
from eldercare.check_ins.service.asking import ORIGIN
from eldercare.check_ins.views import check_ins as views
from eldercare.events import CheckInAnswered
from eldercare.signals.service import stand_down

SILENCE: Final = frozenset(
    map(str, (AlarmKind.CHECK_IN_MISSED, AlarmKind.CHECK_IN_UNREACHABLE, AlarmKind.NO_ANSWER_AT_DOOR))
)
"""What a word from the person stands down; anything else needs a human to look."""

_check_ins = table_of(CheckIn)
_schedules = table_of(CheckInSchedule)
_STANDING = sa.select(
    _check_ins.c.id,
    _check_ins.c.state,
    _check_ins.c.answer,
    _check_ins.c.due_at,
    _check_ins.c.plan_id,
    _check_ins.c.late,
    _check_ins.c.how,
).where(
    _check_ins.c.id == sa.bindparam("check_in_id", type_=sa.Uuid),
    _check_ins.c.resident_id == sa.bindparam("resident_id", type_=sa.Uuid),
)
_QUESTIONS = (
    sa.select(_schedules.c.questions)
    .join(_check_ins, _check_ins.c.schedule_id == _schedules.c.id)
    .where(
        _check_ins.c.id == sa.bindparam("check_in_id", type_=sa.Uuid),
        _check_ins.c.resident_id == sa.bindparam("resident_id", type_=sa.Uuid),
    )
)


async def answer(
    session: AsyncSession, actor: Actor, subject: ResidentSubject, check_in_id: uuid.UUID, data: AnswerWrite
) -> CheckInDetail:
    """Record an answer, with all that follows from it: a call for help raises an alarm, a late all-clear ends one.

    Returns the check-in as it is then. The same answer again changes nothing. Raises ``NotFound``, ``Malformed``,
    ``CheckInNotOpen`` long before the due time, ``AnswerContradicts`` for an all-clear after a call for help.
    """
    now = clock.now()
    values: dict[str, Any] = {
        "id": check_in_id,
        "resident_id": subject.resident_id,
        "answer": data.status,
        "answered_at": _answered_at(data.occurred_at, now),
        "answered_by": actor.id,
        "how": _how(subject, data),
        **await _said(session, subject, check_in_id, data),
        "now": now,
    }
    # A call for help is taken at any time; an all-clear shortly before the due time at the earliest.
    opens = now + (rules.EARLY if data.status == "ok" else timedelta(days=366))
    taken = await repository.record_answer(session, values, opens=opens)
    if taken is not None:
        # Who did not say when they saw or spoke to the person said it of the check-in's time, not of this moment.
        dated = subject.relation == "self" or data.occurred_at is not None
        given_at = values["answered_at"] if dated else taken["due_at"]
        await _follow_up(session, actor, subject, values, late=taken["late"], given_at=given_at)
    elif await _standing_to(session, subject, check_in_id, data, now) == "escalate":
        if not await repository.escalate(session, values):
            raise Conflict  # something came between our two looks at it: the caller looks again
        late = await _tell_of_escalation(session, subject, values)
        await _follow_up(session, actor, subject, values, late=late, given_at=values["answered_at"])
    if taken is not None and subject.relation == "self":
        return views.detail(taken)
    return await views.check_in(connection_of(session), actor, subject, check_in_id)


async def _standing_to(
    session: AsyncSession, subject: ResidentSubject, check_in_id: uuid.UUID, data: AnswerWrite, now: datetime
) -> Literal["repeat", "escalate"]:
    """Say what an answer that was not simply taken is to what was said before; raises why it cannot be taken."""
    binds = {"check_in_id": check_in_id, "resident_id": subject.resident_id}
    row = (await session.execute(_STANDING, binds)).one_or_none()
    if row is None:
        raise NotFound
    match rules.fit(rules.Standing(row.state, row.answer, row.due_at), data.status, now):
        case "repeat" | "escalate" as fit:
            return fit
        case "too_early":
            raise CheckInNotOpen(opens_at=(row.due_at - rules.EARLY).isoformat())
        case "contradict":
            raise AnswerContradicts
        case _:
            raise Conflict


async def _tell_of_escalation(session: AsyncSession, subject: ResidentSubject, values: Mapping[str, Any]) -> bool:
    """Emit that an all-clear became a call for help; return whether the check-in had been answered late."""
    binds = {"check_in_id": values["id"], "resident_id": subject.resident_id}
    row = (await session.execute(_STANDING, binds)).one()
    await emit(
        session,
        CheckInAnswered(
            aggregate_id=values["id"],
            community_id=subject.community_id,
            resident_id=subject.resident_id,
            plan_id=row.plan_id,
            answer=values["answer"],
            how=values["how"],
            late=row.late,
        ),
    )
    return bool(row.late)


async def _follow_up(
    session: AsyncSession,
    actor: Actor,
    subject: ResidentSubject,
    values: Mapping[str, Any],
    *,
    late: bool,
    given_at: datetime,
) -> None:
    check_in_id, status, how = values["id"], values["answer"], values["how"]
    if status == "needs_help":
        signal = AlarmSignal(
            kind=AlarmKind.CHECK_IN_HELP,
            severity=Severity.HIGH,
            community_id=subject.community_id,
            resident_id=subject.resident_id,
            occurred_at=values["answered_at"],
            origin=(ORIGIN, check_in_id),
            evidence={"how": how, "answered_by": str(actor.id)},
        )
        await raise_alarm(session, actor, signal)
    elif late:
        word = Word(SILENCE, answers=check_in_id, given_at=given_at)
        await stand_down(session, actor, subject.resident_id, word=word, reason="answered_late")
        await telling.tell_of_late_answer(session, check_in_id)
    if subject.relation != "self":
        await audit.record(
            session,
            actor,
            "check_in:answer",
            resident_id=subject.resident_id,
            object_id=check_in_id,
            community_id=subject.community_id,
            details={"status": status, "how": how},
        )


def _how(subject: ResidentSubject, data: AnswerWrite) -> How:
    if subject.relation == "self":
        if data.how is not None:
            raise Malformed(
                errors=[FieldError("/body/how", "is for those who answer for somebody else", "not_for_self")]
            )
        return "self"
    if data.how is None:
        raise Malformed(errors=[FieldError("/body/how", "say whether you saw or spoke to the person", "missing")])
    return data.how


def _answered_at(occurred_at: datetime | None, now: datetime) -> datetime:
    if occurred_at is None:
        return now
    if not rules.is_believable(occurred_at, now):
        detail = f"at most {rules.OLDEST_ANSWER.days} days back and not in the future"
        raise Malformed(errors=[FieldError("/body/occurred_at", detail, "out_of_range")])
    return min(occurred_at, now)


async def _said(
    session: AsyncSession, subject: ResidentSubject, check_in_id: uuid.UUID, data: AnswerWrite
) -> dict[str, Any]:
    """Return the answers to the plan's questions, sealed, and mood and sleep: from them where not said beside them.

    Raises ``Malformed`` for what answers none of the questions.
    """
    felt: dict[str, Any] = {"mood": data.mood, "sleep": data.sleep}
    answers = data.answers
    if not answers:
        return {"answers": None, **felt}
    binds = {"check_in_id": check_in_id, "resident_id": subject.resident_id}
    questions = await session.scalar(_QUESTIONS, binds) or []
    kinds = {question["key"]: question["kind"] for question in questions}
    errors = [
        FieldError(f"/body/answers/{key}", "answers none of the questions", "not_an_answer")
        for key, value in answers.items()
        if key not in kinds or not rules.is_answer_to(kinds[key], value)
    ]
    if errors:
        raise Malformed(errors=errors)
    for key, value in answers.items():
        kind = kinds[key]
        if kind in felt and felt[kind] is None:
            felt[kind] = value
    return {"answers": seal(orjson.dumps(answers).decode(), ANSWERS_CONTEXT), **felt}
