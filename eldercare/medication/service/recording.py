"""Recording what came of doses: by the resident, by whoever gave or saw it, late, as needed; each of them once."""

import uuid
from datetime import UTC, date, datetime
from typing import Final, Literal, cast
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import audit, clock
from app.core.access import Actor
from app.core.database import connection_of
from app.core.events import emit
from app.core.problems import FieldError, Malformed, NotFound
from app.core.sealing import seal
from app.identity.api import ResidentSubject
from eldercare.alarms.service import AlarmKind, Word
from eldercare.events import DoseSkipped, DoseTaken
from eldercare.medication import repository, rules
from eldercare.medication.models import DOSES, NOTE_CONTEXT, Dose, Regimen, RegimenVersion
from eldercare.medication.problems import (
    DailyMaximumReached,
    DoseAlreadyRecorded,
    DoseNotOpen,
    DoseTooSoon,
    NotAsNeeded,
)
from eldercare.medication.rules import How
from eldercare.medication.schemas.doses import AsNeededDose, DosePublic, DoseRecord
from eldercare.medication.service import regimens, telling
from eldercare.medication.service.reminding import ORIGIN
from eldercare.medication.views import doses as views
from eldercare.signals.service import stand_down, withdraw

_KINDS: Final = frozenset({str(AlarmKind.MEDICATION)})
_NEVER_BEFORE: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""A word given then speaks of nothing but what it answers: every alarm is younger."""

# What was missed and taken after all: of these doses nobody needs to be looked after any more.
_MADE_UP_FOR = sa.select(DOSES.c.id).where(
    DOSES.c.resident_id == sa.bindparam("resident_id", type_=sa.Uuid),
    DOSES.c.due_at >= sa.bindparam("since", type_=sa.DateTime(timezone=True)),
    DOSES.c.closed_at.is_not(None),
    DOSES.c.state == sa.literal("taken"),
)

# By the key that keeps two doses of a moment apart.
_SAME = sa.select(DOSES.c.id, DOSES.c.recorded_by).where(
    *(
        DOSES.c[name] == sa.bindparam(f"same_{name}", type_=DOSES.c[name].type)
        for name in ("resident_id", "due_at", "regimen_id", "kind")
    )
)


async def record(
    session: AsyncSession, actor: Actor, subject: ResidentSubject, dose_id: uuid.UUID, data: DoseRecord
) -> DosePublic:
    """Record what came of a dose, with all that follows from it, and return it as it is then.

    The reminder is withdrawn, what is left becomes less, and an alarm about nothing but doses that were now taken is
    stood down. A dose that somebody recorded before is a warning; who confirms that it was taken once more gets an
    extra dose, and so is one too close to what was taken of the drug as needed. Raises ``NotFound``, ``Malformed``,
    ``DoseNotOpen``, ``DoseAlreadyRecorded``, ``DoseTooSoon``, ``DailyMaximumReached``.
    """
    now = clock.now()
    how = _how(subject, data.how)
    taken_at = _taken_at(data.taken_at, now)
    await repository.take_turns(session, subject.resident_id)
    dose = await repository.lock_dose(session, subject.resident_id, dose_id)
    if dose is None:
        raise NotFound
    was_missed = dose.closed_at is not None and dose.excuse is None  # even if it was skipped since
    if was_missed:
        # What came of it is known now, whatever it is: it belongs to nothing else that is odd any more.
        await withdraw(session, subject.resident_id, ORIGIN, [dose.id])
    match _fit(dose, actor, data, now):
        case "repeat":
            pass
        case "extra":
            extra = _unplanned(dose, "extra", taken_at, dose.local_date)
            known = await _known(session, extra, actor)
            if known is not None:
                return await views.recorded_dose(connection_of(session), subject.resident_id, known)
            dose = extra
            _take(dose, actor, how, data, taken_at)
            await _follow_up(session, actor, subject, dose, was_missed=False)
        case "accept" if data.status == "taken":
            _take(dose, actor, how, data, taken_at)
            if not data.confirmed:
                await _warn_beside_needed(session, dose, taken_at)
            await _follow_up(session, actor, subject, dose, was_missed=was_missed)
        case _:
            _skip(dose, actor, how, data)
            await _follow_up(session, actor, subject, dose, was_missed=False)
    return await views.recorded_dose(connection_of(session), subject.resident_id, dose.id)


async def record_as_needed(
    session: AsyncSession, actor: Actor, subject: ResidentSubject, regimen_id: uuid.UUID, data: AsNeededDose
) -> DosePublic:
    """Record a dose that was taken because it was needed, and return it.

    What comes sooner or is more than the regimen itself allows is a warning, unless the caller confirms that it was
    taken all the same: the record says what happened. Raises ``NotFound``, ``Malformed``, ``NotAsNeeded``,
    ``DoseTooSoon``, ``DailyMaximumReached``, ``DoseAlreadyRecorded``.
    """
    now = clock.now()
    how = _how(subject, data.how)
    taken_at = _taken_at(data.taken_at, now)
    await repository.take_turns(session, subject.resident_id)
    regimen = await regimens.lock(session, subject.resident_id, regimen_id)
    said = await session.get_one(RegimenVersion, regimen.version_id)
    day = taken_at.astimezone(ZoneInfo(said.time_zone or subject.time_zone)).date()
    if said.min_interval is None or said.daily_maximum is None or regimen.state != "active":
        raise NotAsNeeded
    if not said.starts_on <= day <= (said.ends_on or day):
        raise NotAsNeeded("the regimen does not cover this day")
    dose = Dose(
        community_id=regimen.community_id,
        resident_id=regimen.resident_id,
        account_id=regimen.account_id,
        regimen_id=regimen.id,
        version_id=said.id,
        kind="as_needed",
        due_at=taken_at,
        window_ends_at=taken_at,
        local_date=day,
        critical=False,
        reminds=False,
        quantity=said.quantity,
        unit=said.unit,
    )
    known = await _known(session, dose, actor) if data.taken_at is not None else None
    if known is not None:
        return await views.recorded_dose(connection_of(session), subject.resident_id, known)
    _take(dose, actor, how, data, taken_at)
    await _warn(session, regimen, said, dose, confirmed=data.confirmed)
    session.add(dose)
    await _follow_up(session, actor, subject, dose, was_missed=False)
    return await views.recorded_dose(connection_of(session), subject.resident_id, dose.id)


def _fit(dose: Dose, actor: Actor, data: DoseRecord, now: datetime) -> Literal["accept", "repeat", "extra"]:
    """Say what a record does to a dose; raises why it cannot be taken."""
    standing = rules.Standing(
        cast(rules.State, dose.state), dose.due_at, dose.taken_at, is_own=dose.recorded_by == actor.id
    )
    fit = rules.fit(standing, data.status, data.taken_at, now, confirmed=data.confirmed)
    if fit == "too_early":
        raise DoseNotOpen(opens_at=(dose.due_at - rules.EARLY).isoformat())
    if fit == "already_recorded":
        raise DoseAlreadyRecorded(
            state=dose.state,
            taken_at=dose.taken_at.isoformat() if dose.taken_at else None,
            recorded_by=str(dose.recorded_by),
        )
    return fit


async def _known(session: AsyncSession, dose: Dose, actor: Actor) -> uuid.UUID | None:
    """Return the id under which the actor recorded the same unplanned dose before, or ``None`` if nobody did.

    A phone that did not hear the answer asks again. Raises ``DoseAlreadyRecorded`` where it was somebody else.
    """
    binds = {name: getattr(dose, name) for name in ("resident_id", "due_at", "regimen_id", "kind")}
    found = (await session.execute(_SAME, {f"same_{name}": value for name, value in binds.items()})).one_or_none()
    if found is None:
        return None
    if found.recorded_by != actor.id:
        raise DoseAlreadyRecorded(state="taken", taken_at=dose.due_at.isoformat(), recorded_by=str(found.recorded_by))
    return cast(uuid.UUID, found.id)


async def _warn(session: AsyncSession, regimen: Regimen, said: RegimenVersion, dose: Dose, *, confirmed: bool) -> None:
    """Raise what speaks against a dose taken as needed, by the regimen's own rules, unless it is ``confirmed``."""
    if confirmed or said.min_interval is None or said.daily_maximum is None or dose.taken_at is None:
        return
    reach = max(said.min_interval, rules.A_DAY)
    history = await repository.taken_of_drug(
        session,
        regimen.resident_id,
        (regimen.drug_index, regimen.code_index),
        said.unit,
        dose.taken_at - reach,
        dose.taken_at + reach,
    )
    this = rules.Taken(dose.taken_at, dose.quantity)
    match rules.as_needed(history, this, said.min_interval, said.daily_maximum):
        case "too_soon":
            earliest = rules.not_before(history, this.at, said.min_interval)
            raise DoseTooSoon(not_before=earliest.isoformat())
        case "too_much":
            raise DailyMaximumReached(daily_maximum=float(said.daily_maximum), unit=said.unit)
        case "fine":
            return


async def _warn_beside_needed(session: AsyncSession, dose: Dose, taken_at: datetime) -> None:
    """Raise what speaks against a planned dose, by the rules of what was taken of the same drug as needed."""
    reach = rules.INTERVALS[1]
    with session.no_autoflush:
        regimen = await session.get_one(Regimen, dose.regimen_id)
        history = await repository.taken_of_drug(
            session,
            regimen.resident_id,
            (regimen.drug_index, regimen.code_index),
            dose.unit,
            taken_at - reach,
            taken_at + reach,
        )
    match rules.beside_needed(history, rules.Taken(taken_at, dose.quantity)):
        case "too_soon":
            needed = [one for one in history if isinstance(one, rules.Needed)]
            raise DoseTooSoon(not_before=max(one.at + one.min_interval for one in needed).isoformat())
        case "too_much":
            maximum = rules.needed_maximum(history, taken_at)
            raise DailyMaximumReached(daily_maximum=float(maximum or 0), unit=dose.unit)
        case "fine":
            return


def _unplanned(like: Dose, kind: str, taken_at: datetime, local_date: date) -> Dose:
    """Return a new dose beside a planned one of the same regimen."""
    return Dose(
        community_id=like.community_id,
        resident_id=like.resident_id,
        account_id=like.account_id,
        regimen_id=like.regimen_id,
        version_id=like.version_id,
        kind=kind,
        due_at=taken_at,
        window_ends_at=taken_at,
        local_date=local_date,
        critical=False,
        reminds=False,
        quantity=like.quantity,
        unit=like.unit,
    )


def _take(dose: Dose, actor: Actor, how: How, data: DoseRecord | AsNeededDose, taken_at: datetime) -> None:
    dose.taken_at = taken_at
    dose.late = dose.kind == "planned" and taken_at > dose.window_ends_at
    dose.quantity = data.quantity or dose.quantity
    dose.skip_reason = None
    _close(dose, "taken", actor, how, data)


def _skip(dose: Dose, actor: Actor, how: How, data: DoseRecord) -> None:
    dose.skip_reason = data.skip_reason
    _close(dose, "skipped", actor, how, data)


def _close(dose: Dose, state: rules.State, actor: Actor, how: How, data: DoseRecord | AsNeededDose) -> None:
    dose.state = state
    dose.how, dose.recorded_by, dose.recorded_at = how, actor.id, clock.now()
    dose.confirmed = data.confirmed
    dose.note = seal(data.note, NOTE_CONTEXT) if data.note else None
    dose.remind_at = dose.close_at = None


async def _follow_up(
    session: AsyncSession, actor: Actor, subject: ResidentSubject, dose: Dose, *, was_missed: bool
) -> None:
    """Do what follows from a record; the dose is written with it."""
    session.add(dose)
    await session.flush()
    await telling.stop_reminding(session, [dose.id])
    about = {
        "aggregate_id": dose.id,
        "community_id": dose.community_id,
        "resident_id": dose.resident_id,
        "regimen_id": dose.regimen_id,
    }
    if dose.state == "taken":
        await repository.use_stock(session, dose, clock.now())
        taken = about | {"kind": dose.kind, "how": dose.how, "late": dose.late}
        await emit(session, DoseTaken.model_validate(taken))
        if was_missed:
            await _stand_down(session, actor, dose)
    else:
        await emit(session, DoseSkipped.model_validate(about | {"reason": dose.skip_reason}))
        if dose.critical:
            # No alarm: somebody was there and said why. But it is news.
            await telling.tell_of_misses(session, [dose.id])
    if subject.relation != "self":
        await audit.record(
            session,
            actor,
            "dose:record",
            resident_id=dose.resident_id,
            object_id=dose.id,
            community_id=dose.community_id,
            details={"status": dose.state, "how": dose.how},
        )


async def _stand_down(session: AsyncSession, actor: Actor, dose: Dose) -> None:
    """End an alarm that was raised about nothing but doses which have been taken since.

    A dose speaks for itself alone: that one was taken says nothing of another that was missed before it.
    """
    since = clock.now() - rules.OLDEST_RECORD
    made_up_for = await session.scalars(_MADE_UP_FOR, {"resident_id": dose.resident_id, "since": since})
    word = Word(_KINDS, answers=dose.id, given_at=_NEVER_BEFORE, also_answers=frozenset(made_up_for))
    await stand_down(session, actor, dose.resident_id, word=word, reason="dose_taken")


def _how(subject: ResidentSubject, how: Literal["gave", "saw", "told"] | None) -> How:
    if subject.relation == "self":
        if how is not None:
            raise Malformed(
                errors=[FieldError("/body/how", "is for those who record for somebody else", "not_for_self")]
            )
        return "self"
    if how is None:
        raise Malformed(errors=[FieldError("/body/how", "say whether you gave it, saw it or were told", "missing")])
    return how


def _taken_at(taken_at: datetime | None, now: datetime) -> datetime:
    if taken_at is None:
        return now
    if not rules.is_believable(taken_at, now):
        detail = f"at most {rules.OLDEST_RECORD.days} days back and not in the future"
        raise Malformed(errors=[FieldError("/body/taken_at", detail, "out_of_range")])
    return min(taken_at, now)
