"""What workers can do: entered with its certificate, looked at by somebody, taken back, run out."""

import uuid
from collections.abc import Sequence
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.core import audit, clock
from app.core.access import Actor
from app.core.events import emit
from app.core.problems import Forbidden, NotFound, StaleVersion
from app.core.sealing import seal, unseal
from app.identity.api import community, members_of
from app.media.api import Purpose, attach, detach
from community.events import WorkerSkillExpired
from community.workers import repository
from community.workers.access import SkillAt
from community.workers.models import CERTIFICATE_NUMBER, PROOF, WorkerSkill
from community.workers.notices import SKILL_EXPIRED, SKILL_EXPIRES
from community.workers.problems import NothingToVerify
from community.workers.rules import end_of, look_next
from community.workers.schemas import WorkerSkillGive
from notifications.api import send


async def set_skill(
    session: AsyncSession, actor: Actor, at: SkillAt, data: WorkerSkillGive, if_match: int | None
) -> None:
    """Say what a worker can do, and until when; another certificate than the one that was seen has yet to be.

    Raises ``NotFound``, ``StaleVersion``, and what ``attach`` raises of a document.
    """
    worker = await repository.locked(session, at.organization_id, at.worker_id)
    skill = await repository.skill_of(session, at.worker_id, at.code)
    if if_match is not None and (skill is None or skill.version != if_match):
        raise StaleVersion
    is_new = skill is None
    if skill is None:
        skill = WorkerSkill(
            community_id=worker.community_id,
            organization_id=at.organization_id,
            worker_id=at.worker_id,
            account_id=worker.account_id,
            code=at.code,
        )
        session.add(skill)
        await session.flush()
    was, proved, until = _certificate(skill), skill.verified_at is not None, skill.expires_at
    if data.proof_id is not None and data.proof_id != skill.proof_id:
        await attach(
            session,
            actor,
            data.proof_id,
            purpose=Purpose.DOCUMENT,
            kind=PROOF,
            object_id=skill.id,
            about_id=worker.account_id,
        )
    time_zone = (await community(await session.connection(), worker.community_id)).time_zone
    skill.certificate_number = seal(data.certificate_number, CERTIFICATE_NUMBER) if data.certificate_number else None
    skill.issued_on, skill.expires_on, skill.proof_id = data.issued_on, data.expires_on, data.proof_id
    skill.expires_at = end_of(data.expires_on, time_zone) if data.expires_on else None
    skill.look_at = look_next(skill.expires_at, clock.now())
    if was != _certificate(skill):
        skill.verified_at = skill.verified_by = None
    ends_earlier = skill.expires_at is not None and (until is None or skill.expires_at < until)
    if (proved and skill.verified_at is None) or (ends_earlier and not is_new):
        await _tell_lost(session, skill, "taken_back")
    await session.flush()
    await audit.record(session, actor, "worker_skill:set", object_id=skill.id)


async def remove_skill(session: AsyncSession, actor: Actor, at: SkillAt) -> None:
    """Say that a worker cannot do something any more; its document goes. Raises ``NotFound``."""
    skill = await _locked(session, at)
    await _tell_lost(session, skill, "taken_back")
    await detach(session, PROOF, skill.id)
    await session.delete(skill)
    await audit.record(session, actor, "worker_skill:remove", object_id=skill.id)


async def verify(session: AsyncSession, actor: Actor, at: SkillAt) -> None:
    """Say that one has seen the certificate of a skill.

    Raises ``NotFound``, ``NothingToVerify`` without a number and a document, ``Forbidden`` for one's own.
    """
    skill = await _locked(session, at)
    if skill.account_id == actor.id:
        raise Forbidden("somebody else looks at one's own certificates")
    if skill.certificate_number is None and skill.proof_id is None:
        raise NothingToVerify
    skill.verified_at, skill.verified_by = clock.now(), actor.id
    await session.flush()
    await audit.record(session, actor, "worker_skill:verify", object_id=skill.id)


async def doubt(session: AsyncSession, actor: Actor, at: SkillAt) -> None:
    """Take back that the certificate of a skill was seen; raises ``NotFound``."""
    skill = await _locked(session, at)
    if skill.verified_at is not None:
        skill.verified_at = skill.verified_by = None
        await _tell_lost(session, skill, "taken_back")
    await audit.record(session, actor, "worker_skill:doubt", object_id=skill.id)


async def tell_ends(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
    """Tell of the skills ``ids``, whose rows are locked, that they end soon or have ended, and when to look again."""
    now = clock.now()
    rows = (
        await session.scalars(sa.select(WorkerSkill).where(col(WorkerSkill.id).in_(ids)).order_by(col(WorkerSkill.id)))
    ).all()
    desks = await members_of(await session.connection(), {row.organization_id for row in rows}, "coordinator")
    for row in rows:
        has_ended = row.expires_at is not None and row.expires_at <= now
        if has_ended:
            await _tell_lost(session, row, "expired")
        if row.expires_on is not None:
            notice = SKILL_EXPIRED if has_ended else SKILL_EXPIRES
            await send(
                session,
                notice,
                list(dict.fromkeys([row.account_id, *desks[row.organization_id]])),
                community_id=row.community_id,
                dedupe_key=f"{notice.key}:{row.id}:{row.look_at}",
                variables={"worker": row.account_id, "skill": row.code, "last_day": row.expires_on},
                data={"worker_id": str(row.worker_id)},
            )
        row.look_at = look_next(row.expires_at, now)


async def _locked(session: AsyncSession, at: SkillAt) -> WorkerSkill:
    await repository.locked(session, at.organization_id, at.worker_id)
    skill = await repository.skill_of(session, at.worker_id, at.code)
    if skill is None:
        raise NotFound
    return skill


def _certificate(skill: WorkerSkill) -> tuple[Any, ...]:
    """Return what whoever looked at a certificate has seen."""
    number = unseal(skill.certificate_number, CERTIFICATE_NUMBER) if skill.certificate_number else None
    return number, skill.issued_on, skill.expires_on, skill.proof_id


async def _tell_lost(session: AsyncSession, skill: WorkerSkill, because: Literal["expired", "taken_back"]) -> None:
    fact = WorkerSkillExpired(
        aggregate_id=skill.id,
        community_id=skill.community_id,
        organization_id=skill.organization_id,
        account_id=skill.account_id,
        code=skill.code,
        because=because,
    )
    await emit(session, fact)
