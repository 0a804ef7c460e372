"""Tags and printed codes at doors: made, taken out of use."""

import uuid

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import audit, clock
from app.core.access import Actor
from app.core.problems import NotFound
from app.identity.api import ResidentSubject
from eldercare.visits import rules
from eldercare.visits.models import DoorTag
from eldercare.visits.problems import TagRevoked
from eldercare.visits.schemas.visits import DoorTagCreate, DoorTagCreated


async def create_tag(
    session: AsyncSession, actor: Actor, subject: ResidentSubject, data: DoorTagCreate
) -> DoorTagCreated:
    """Make a tag for a resident's door and return it with its code, which is kept nowhere."""
    code = rules.new_door_code()
    tag = DoorTag(
        community_id=subject.community_id,
        resident_id=subject.resident_id,
        kind=data.kind,
        digest=rules.door_digest(code),
        created_by=actor.id,
    )
    session.add(tag)
    await session.flush()
    await audit.record(
        session,
        actor,
        "door_tag:create",
        resident_id=subject.resident_id,
        object_id=tag.id,
        community_id=subject.community_id,
    )
    return DoorTagCreated(id=tag.id, kind=data.kind, created_at=tag.created_at, revoked_at=None, code=code)


async def revoke_tag(session: AsyncSession, actor: Actor, subject: ResidentSubject, tag_id: uuid.UUID) -> None:
    """Take a tag out of use at once; raises ``NotFound``, ``TagRevoked``."""
    tag = await session.get(DoorTag, tag_id, with_for_update=True)
    if tag is None or tag.resident_id != subject.resident_id:
        raise NotFound
    if tag.revoked_at is not None:
        raise TagRevoked
    tag.revoked_at = clock.now()
    await session.flush()
    await audit.record(
        session,
        actor,
        "door_tag:revoke",
        resident_id=subject.resident_id,
        object_id=tag.id,
        community_id=subject.community_id,
    )
