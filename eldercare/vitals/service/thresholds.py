"""Setting and ending a resident's limits: each version stays as it was, and is judged at once."""

import uuid
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.core import audit, clock
from app.core.access import Actor
from app.core.problems import FieldError, Malformed, NotFound
from app.identity.api import ResidenceEnded, ResidentSubject
from eldercare.alarms.service import Severity
from eldercare.vitals import repository
from eldercare.vitals.models import OxygenScale, Threshold
from eldercare.vitals.rules.codes import Refused, VitalSign, sign_of
from eldercare.vitals.rules.news2 import Scale
from eldercare.vitals.schemas import ThresholdSet
from eldercare.vitals.service.alerts import judge_readings


async def set_threshold(session: AsyncSession, actor: Actor, subject: ResidentSubject, data: ThresholdSet) -> Threshold:
    """Put limits in the place of those before and judge the latest readings by them; raises ``Malformed``.

    Raises ``ResidenceEnded`` for somebody who is no longer here.
    """
    if subject.state != "active":
        raise ResidenceEnded
    sign = _sign(data)
    await repository.lock(session, subject.resident_id)
    before = await _active(session, subject.resident_id, sign.code)
    if before is not None:
        before.ended_at, before.ended_by = clock.now(), actor.id
        await session.flush()
    threshold = Threshold(
        community_id=subject.community_id,
        resident_id=subject.resident_id,
        code=sign.code,
        number=await repository.next_number(session, subject.resident_id, sign.code),
        low=data.low,
        high=data.high,
        hysteresis=data.hysteresis,
        needed=data.needed,
        looked_at=data.looked_at,
        fresh_for=data.fresh_for,
        severity=Severity[data.severity.upper()],
        set_by=actor.id,
        set_at=clock.now(),
    )
    session.add(threshold)
    await session.flush()
    await repository.judge_anew(session, subject.resident_id, sign.code)
    await judge_readings(session, subject.resident_id, subject.community_id, [sign.code])
    await _record(session, actor, subject, "vital_threshold:set", threshold.id)
    return threshold


async def end_threshold(session: AsyncSession, actor: Actor, subject: ResidentSubject, threshold_id: uuid.UUID) -> None:
    """End a threshold: nobody is called for this code from now on. Ending an ended one changes nothing.

    Raises ``NotFound``.
    """
    await repository.lock(session, subject.resident_id)
    threshold = await session.get(Threshold, threshold_id, with_for_update=True)
    if threshold is None or threshold.resident_id != subject.resident_id:
        raise NotFound
    if threshold.ended_at is not None:
        return
    threshold.ended_at, threshold.ended_by = clock.now(), actor.id
    await session.flush()
    await repository.judge_anew(session, subject.resident_id, threshold.code)
    await _record(session, actor, subject, "vital_threshold:end", threshold.id)


async def set_scale(session: AsyncSession, actor: Actor, subject: ResidentSubject, scale: Scale) -> OxygenScale:
    """Write which SpO2 scale of NEWS2 applies from now on, and return the decision."""
    decision = OxygenScale(
        community_id=subject.community_id,
        resident_id=subject.resident_id,
        scale=scale,
        set_by=actor.id,
        set_at=clock.now(),
    )
    session.add(decision)
    await session.flush()
    await _record(session, actor, subject, "oxygen_scale:set", decision.id)
    return decision


def _sign(data: ThresholdSet) -> VitalSign:
    """Return what the limits are about; raises ``Malformed`` where no reading could ever be (back) inside of them."""
    try:
        sign = sign_of(data.code)
    except Refused as refusal:
        raise Malformed(errors=[FieldError("/body/code", refusal.detail, refusal.code)]) from None
    if sign.is_coded:
        raise Malformed(errors=[FieldError("/body/code", "a letter has no limits", "not_a_number")])
    errors = [
        FieldError(f"/body/{name}", f"must lie between {sign.low:g} and {sign.high:g} {sign.unit}", "implausible")
        for name, limit in (("low", data.low), ("high", data.high))
        if limit is not None and not sign.low <= limit <= sign.high
    ]
    # Between two limits the hysteresis shrinks; beside a single one it must leave values that are back.
    room = sign.high - data.low if data.high is None and data.low is not None else None
    if data.low is None and data.high is not None:
        room = data.high - sign.low
    if not errors and room is not None and data.hysteresis > room:
        errors = [FieldError("/body/hysteresis", "leaves no value that could end an alert", "implausible")]
    if errors:
        raise Malformed(errors=errors)
    return sign


async def _active(session: AsyncSession, resident_id: uuid.UUID, code: str) -> Threshold | None:
    found: Threshold | None = await session.scalar(
        sa.select(Threshold)
        .where(
            col(Threshold.resident_id) == resident_id, col(Threshold.code) == code, col(Threshold.ended_at).is_(None)
        )
        .with_for_update()
    )
    return found


async def _record(
    session: AsyncSession, actor: Actor, subject: ResidentSubject, action: str, object_id: uuid.UUID
) -> None:
    about: dict[str, Any] = {"resident_id": subject.resident_id, "community_id": subject.community_id}
    await audit.record(session, actor, action, object_id=object_id, **about)
