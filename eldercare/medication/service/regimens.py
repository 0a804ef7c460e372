"""Regimens: agreed, changed as a new version, paused, stopped; and what a resident's move or leaving does to them."""

import unicodedata
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import audit, clock
from app.core.access import Actor
from app.core.problems import FieldError, Malformed, NotFound
from app.core.routing import check_version
from app.core.sealing import blind_index, seal
from app.core.touching import touch
from app.identity.api import ResidentSubject
from eldercare.absences.problems import ResidentClosed
from eldercare.care_circle.views import accepted_accounts
from eldercare.medication import repository, rules
from eldercare.medication.models import (
    DRUG_CONTEXT,
    DRUG_INDEX,
    REGIMENS,
    STOCKS,
    VERSIONS,
    Regimen,
    RegimenVersion,
    code_index,
)
from eldercare.medication.problems import RegimenOverlaps, RegimenStateConflict, RegimenStopped
from eldercare.medication.schemas.regimens import Drug, RegimenChange, RegimenCreate, RegimenSaid, RegimenStateChange
from eldercare.medication.service import planning, telling

_IN_FORCE: Final = ("draft", "active", "paused")

_residents = sa.bindparam("resident_ids", type_=ARRAY(sa.Uuid))
_moment = sa.bindparam("moment", type_=sa.DateTime(timezone=True))
_SAME_DRUG = (
    sa.select(REGIMENS.c.id, VERSIONS.c.starts_on, VERSIONS.c.ends_on)
    .join(VERSIONS, VERSIONS.c.id == REGIMENS.c.version_id)
    .where(
        REGIMENS.c.resident_id == sa.bindparam("resident_id", type_=sa.Uuid),
        REGIMENS.c.state.in_(_IN_FORCE),
        REGIMENS.c.id != sa.bindparam("regimen_id", type_=sa.Uuid),
        sa.or_(
            REGIMENS.c.drug_index == sa.bindparam("drug_index", type_=sa.LargeBinary),
            REGIMENS.c.code_index == sa.bindparam("code_index", type_=sa.LargeBinary),
        ),
    )
    .order_by(REGIMENS.c.id)
)
_ACTIVE = (
    sa.select(REGIMENS.c.id, REGIMENS.c.resident_id)
    .join(VERSIONS, VERSIONS.c.id == REGIMENS.c.version_id)
    .where(REGIMENS.c.resident_id == sa.any_(_residents), REGIMENS.c.state == sa.literal("active"))
    .order_by(REGIMENS.c.id)
    .with_for_update(of=REGIMENS, key_share=True)
)
_WITH_MEALS = _ACTIVE.where(VERSIONS.c.timing == sa.literal("meals"))
_FOLLOWING = _ACTIVE.where(VERSIONS.c.timing != sa.literal("as_needed"), VERSIONS.c.time_zone.is_(None))
_CLOSE = (
    sa.update(REGIMENS)
    .where(REGIMENS.c.resident_id == sa.any_(_residents), REGIMENS.c.state != sa.literal("stopped"))
    .values(
        state="stopped",
        resumes_as=REGIMENS.c.state,
        plan_at=None,
        stopped_at=_moment,
        updated_at=_moment,
        version=REGIMENS.c.version + 1,
    )
    .returning(REGIMENS.c.id, REGIMENS.c.resident_id)
)
_is_planned = sa.and_(REGIMENS.c.resumes_as == sa.literal("active"), VERSIONS.c.timing != sa.literal("as_needed"))
_REOPEN = (
    sa.update(REGIMENS)
    .where(
        REGIMENS.c.resident_id == sa.any_(_residents),
        REGIMENS.c.resumes_as.is_not(None),
        VERSIONS.c.id == REGIMENS.c.version_id,
    )
    .values(
        state=REGIMENS.c.resumes_as,
        resumes_as=None,
        planned_until=_moment,
        plan_at=sa.case((_is_planned, _moment)),
        stopped_at=None,
        updated_at=_moment,
        version=REGIMENS.c.version + 1,
    )
    .returning(REGIMENS.c.id)
)
_CHECK_STOCKS = (
    sa.update(STOCKS)
    .where(STOCKS.c.regimen_id == sa.any_(sa.bindparam("of_regimens", type_=ARRAY(sa.Uuid))))
    .values(check_at=sa.bindparam("stock_check_at", type_=sa.DateTime(timezone=True)))
)


async def create(
    session: AsyncSession,
    actor: Actor,
    subject: ResidentSubject,
    data: RegimenCreate,
    *,
    prescription: tuple[uuid.UUID, int] | None = None,
    replaces_id: uuid.UUID | None = None,
) -> Regimen:
    """Agree a regimen and, unless it is a draft, plan its first days.

    ``prescription`` is which it follows, and its version; ``replaces_id`` the regimen whose place it is to take, which
    may be one of the same drug. Raises ``ResidentClosed``, ``RegimenOverlaps`` and ``Malformed``.
    """
    if subject.state != "active":
        raise ResidentClosed
    await repository.take_turns(session, subject.resident_id)
    await _check_told(session, subject.resident_id, data.told)
    regimen = Regimen(
        id=clock.new_id(),
        community_id=subject.community_id,
        resident_id=subject.resident_id,
        account_id=subject.account_id,
        state=data.state,
        version_id=clock.new_id(),
        drug_index=_drug_index(data.drug),
        code_index=_code_index(data.drug),
        prescription_id=prescription[0] if prescription else None,
        prescription_version=prescription[1] if prescription else None,
    )
    if not data.allow_overlap:
        await _check_overlap(session, regimen, data, besides=replaces_id)
    session.add(regimen)
    await session.flush()
    await _say(session, actor, regimen, data, number=1)
    if regimen.state == "active":
        await planning.plan_ahead(session, [regimen.id])
    await _record(session, actor, "regimen:create", regimen)
    return regimen


async def change(
    session: AsyncSession,
    actor: Actor,
    subject: ResidentSubject,
    regimen_id: uuid.UUID,
    data: RegimenChange,
    if_match: int | None,
) -> Regimen:
    """Give a regimen a new version from now on: what lies ahead is planned anew, all that was due stays as it was.

    No dose is lost over it, and none is planned twice: see ``rules.change_over``.

    Raises ``NotFound``, ``StaleVersion``, ``RegimenStopped``, ``RegimenOverlaps`` and ``Malformed``.
    """
    await repository.take_turns(session, subject.resident_id)
    regimen = await lock(session, subject.resident_id, regimen_id)
    check_version(regimen, if_match)
    if regimen.state == "stopped":
        raise RegimenStopped
    await _check_told(session, subject.resident_id, data.told)
    regimen.drug_index, regimen.code_index = _drug_index(data.drug), _code_index(data.drug)
    if not data.allow_overlap:
        await _check_overlap(session, regimen, data)
    before = await planning.before_change(session, regimen.id)
    last = await session.scalar(sa.select(sa.func.max(VERSIONS.c.number)).where(VERSIONS.c.regimen_id == regimen_id))
    regimen.version_id = clock.new_id()
    await _say(session, actor, regimen, data, number=(last or 0) + 1)
    await planning.plan_anew(session, {regimen.id: regimen.resident_id}, before)
    await _look_at_stocks(session, [regimen.id])
    await _record(session, actor, "regimen:change", regimen)
    return regimen


async def set_state(
    session: AsyncSession,
    actor: Actor,
    subject: ResidentSubject,
    regimen_id: uuid.UUID,
    data: RegimenStateChange,
    if_match: int | None,
) -> Regimen:
    """Make a regimen active (again), pause it or stop it; asking for the state it is in changes nothing.

    What is open then is excused, and nothing lies ahead any more. Raises ``NotFound``, ``StaleVersion``,
    ``RegimenStateConflict``, ``ResidentClosed``.
    """
    await repository.take_turns(session, subject.resident_id)
    regimen = await lock(session, subject.resident_id, regimen_id)
    check_version(regimen, if_match)
    if regimen.state == data.state:
        return regimen
    if subject.state != "active":
        raise ResidentClosed
    if data.state == "stopped":
        await stop(session, actor, regimen)
        return regimen
    _become(regimen, data.state)
    if data.state == "active":
        await session.flush()
        await planning.plan_anew(session, {regimen.id: regimen.resident_id})
    else:
        regimen.plan_at = None
        await session.flush()
        await _take_back(session, {regimen.id: regimen.resident_id}, data.state)
    await _look_at_stocks(session, [regimen.id])
    await _record(session, actor, f"regimen:{data.state}", regimen)
    return regimen


async def stop(session: AsyncSession, actor: Actor, regimen: Regimen) -> None:
    """Stop a locked regimen: what is open is excused, and nothing lies ahead any more; raises as ``set_state``."""
    await _stop(session, actor, regimen)
    await _take_back(session, {regimen.id: regimen.resident_id}, "stopped")


async def take_over(session: AsyncSession, actor: Actor, old: Regimen | None, new: Regimen) -> None:
    """Let a locked draft begin as another regimen (if any) ends: no dose is lost over it and none is planned twice.

    What is due of the old one and not recorded is still waited for, and not planned again: see ``rules.change_over``.
    Raises ``RegimenStateConflict``.
    """
    before = await planning.before_change(session, old.id) if old is not None else None
    if old is not None:
        await _stop(session, actor, old)
    _become(new, "active")
    await session.flush()
    await planning.plan_anew(session, {new.id: new.resident_id}, before)
    await _record(session, actor, "regimen:active", new)


async def _stop(session: AsyncSession, actor: Actor, regimen: Regimen) -> None:
    _become(regimen, "stopped")
    regimen.plan_at, regimen.stopped_at, regimen.stopped_by = None, clock.now(), actor.id
    await session.flush()
    await _look_at_stocks(session, [regimen.id], is_kept=False)
    await _record(session, actor, "regimen:stopped", regimen)


async def follow_moves(session: AsyncSession, resident_ids: Sequence[uuid.UUID]) -> None:
    """Plan anew, from the next dose on, the regimens that follow the zone their residents live in."""
    await _plan_anew(session, _FOLLOWING, resident_ids)


async def follow_meals(session: AsyncSession, resident_id: uuid.UUID) -> None:
    """Plan anew, from the next dose on, what a resident takes with meals."""
    await _plan_anew(session, _WITH_MEALS, [resident_id])


async def close_residents(session: AsyncSession, resident_ids: Sequence[uuid.UUID]) -> None:
    """Stop all regimens of residents who are no longer here; what is open is excused, what lies ahead forgotten."""
    if not resident_ids:
        return
    rows = await session.execute(_CLOSE, {"resident_ids": list(resident_ids), "moment": clock.now()})
    closed = {row.id: row.resident_id for row in rows}
    if closed:
        await _take_back(session, closed, "closed")
        await _look_at_stocks(session, list(closed), is_kept=False)


async def reopen_residents(session: AsyncSession, resident_ids: Sequence[uuid.UUID]) -> None:
    """Let the regimens go on that were stopped only because their residents were closed."""
    if not resident_ids:
        return
    binds = {"resident_ids": list(resident_ids), "moment": clock.now()}
    await _look_at_stocks(session, list(await session.scalars(_REOPEN, binds)))


async def lock(session: AsyncSession, resident_id: uuid.UUID, regimen_id: uuid.UUID) -> Regimen:
    """Return a resident's regimen, locked; raises ``NotFound``."""
    # KEY SHARE: doses that refer to it can be recorded meanwhile.
    regimen = await session.get(Regimen, regimen_id, with_for_update={"key_share": True}, populate_existing=True)
    if regimen is None or regimen.resident_id != resident_id:
        raise NotFound
    return regimen


def _become(regimen: Regimen, target: rules.RegimenState) -> None:
    if target not in rules.REGIMEN_TRANSITIONS[regimen.state]:  # type: ignore[index]  # the table's own check keeps it
        raise RegimenStateConflict(state=regimen.state)
    regimen.state = target


async def _take_back(session: AsyncSession, regimens: Mapping[uuid.UUID, uuid.UUID], excuse: str) -> None:
    """Leave nothing of ``regimens`` (id → resident) to be waited for."""
    now = clock.now()
    await repository.forget_ahead(session, regimens, now)
    await telling.stop_reminding(session, await repository.excuse_open(session, regimens, excuse, now))


async def _plan_anew(session: AsyncSession, statement: sa.Select[Any], resident_ids: Sequence[uuid.UUID]) -> None:
    rows = await session.execute(statement, {"resident_ids": list(resident_ids)})
    found = {row.id: row.resident_id for row in rows}
    if found:
        await planning.plan_anew(session, found)


async def _look_at_stocks(session: AsyncSession, regimen_ids: Sequence[uuid.UUID], *, is_kept: bool = True) -> None:
    """Let what is left be projected again: it is used otherwise from now on, or not at all."""
    binds = {"of_regimens": list(regimen_ids), "stock_check_at": clock.now() if is_kept else None}
    await session.execute(_CHECK_STOCKS, binds)


def _drug_index(drug: Drug) -> bytes:
    """Return what finds the same name again, whatever its case, width and blanks."""
    return blind_index(DRUG_INDEX, " ".join(unicodedata.normalize("NFKC", drug.name).casefold().split()))


def _code_index(drug: Drug) -> bytes | None:
    """Return what finds the same code again, if there is one."""
    return code_index(drug.system, drug.code) if drug.system is not None and drug.code is not None else None


async def _check_overlap(
    session: AsyncSession, regimen: Regimen, data: RegimenSaid, *, besides: uuid.UUID | None = None
) -> None:
    binds = {
        "resident_id": regimen.resident_id,
        "regimen_id": regimen.id,
        "drug_index": regimen.drug_index,
        "code_index": regimen.code_index,
    }
    with session.no_autoflush:
        rows = (await session.execute(_SAME_DRUG, binds)).all()
    for row in rows:
        if row.id != besides and rules.days_overlap(data.starts_on, data.ends_on, row.starts_on, row.ends_on):
            until = f"until {row.ends_on}" if row.ends_on else "on, without an end"
            raise RegimenOverlaps(
                f"the resident has a regimen of this drug from {row.starts_on} {until}; allow_overlap says it is meant",
                errors=[FieldError("/body/drug", "the same drug as another regimen", RegimenOverlaps.code)],
                regimen_id=str(row.id),
            )


async def _check_told(session: AsyncSession, resident_id: uuid.UUID, told: Sequence[uuid.UUID] | None) -> None:
    """Refuse to tell anybody whom the resident has not let into the circle."""
    if not told:
        return
    circle = set(await accepted_accounts(await session.connection(), resident_id))
    errors = [
        FieldError(f"/body/told/{index}", "not a member of the care circle", "not_in_circle")
        for index, account_id in enumerate(told)
        if account_id not in circle
    ]
    if errors:
        raise Malformed(errors=errors)


async def _say(session: AsyncSession, actor: Actor, regimen: Regimen, data: RegimenSaid, *, number: int) -> None:
    said = data.model_dump(exclude={"drug", "times", "state", "allow_overlap"})
    session.add(
        RegimenVersion(
            **said
            | {
                "id": regimen.version_id,
                "regimen_id": regimen.id,
                "resident_id": regimen.resident_id,
                "number": number,
                "valid_from": clock.now(),
                "created_by": actor.id,
                "drug": seal(orjson.dumps(data.drug.model_dump()).decode(), DRUG_CONTEXT),
                "times": data.wall_times(),
                "weekdays": sorted(data.weekdays),
                "reminders": sorted(data.reminders),
            }
        )
    )
    await session.flush()


async def _record(session: AsyncSession, actor: Actor, action: str, regimen: Regimen) -> None:
    await touch(session, "medication", regimen.id, community_id=regimen.community_id, resident_id=regimen.resident_id)
    await audit.record(
        session,
        actor,
        action,
        resident_id=regimen.resident_id,
        object_id=regimen.id,
        community_id=regimen.community_id,
    )
