"""How a home is watched is said by who manages it."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import audit, clock
from app.core.access import Actor
from app.core.problems import NotFound, StaleVersion
from community.home_care.access import HomeSubject
from community.home_care.models import CARES, HomeCare
from community.home_care.schemas import CareRulesWrite


async def set_rules(
    session: AsyncSession, actor: Actor, subject: HomeSubject, data: CareRulesWrite, if_match: int | None
) -> HomeCare:
    """Say how a home is watched from now on; it is looked at again at once. Raises ``NotFound``, ``StaleVersion``."""
    statement = CARES.select().with_only_columns(CARES.c.id).where(CARES.c.home_id == subject.id)
    care_id = await session.scalar(statement)
    if care_id is None:
        raise NotFound
    care = await session.get_one(HomeCare, care_id, with_for_update={"key_share": True})
    if if_match is not None and if_match != care.settings_version:
        raise StaleVersion
    care.settings = data.stored()
    care.settings_version += 1
    care.evaluate_at = clock.now()
    await session.flush()
    await audit.record(
        session,
        actor,
        "home_care_rules:change",
        resident_id=subject.resident_id,
        object_id=subject.id,
        community_id=subject.community_id,
    )
    return care
