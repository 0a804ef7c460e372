"""When attractions are open: their rules, days with other hours, and closings nobody had planned."""

import uuid

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import audit, clock
from app.core.access import Actor
from app.core.events import emit
from app.core.problems import FieldError, Malformed
from app.core.routing import check_version
from community.attractions import repository
from community.attractions.access import AttractionAt
from community.attractions.models import Attraction, AttractionClosing, AttractionException
from community.attractions.problems import ClosingOver, ExceptionExists
from community.attractions.rules import LONGEST_CLOSING
from community.attractions.schemas import AttractionClosingGive, AttractionExceptionGive, AttractionHoursWrite
from community.attractions.service.deriving import derive
from community.attractions.service.keeping import change, changed, require_publishable
from community.events import AttractionClosed


async def set_hours(
    session: AsyncSession,
    actor: Actor,
    at: AttractionAt,
    data: AttractionHoursWrite,
    if_match: int | None,
) -> Attraction:
    """Set all rules of an attraction; raises ``NotFound``, ``StaleVersion``, ``NotPublishable`` for none at all."""
    row = await repository.locked(session, at)
    check_version(row, if_match)
    kept = {name: [rule.kept() for rule in getattr(data, name)] for name in ("hours", "quiet_hours")}
    if change(row, kept):
        require_publishable(row)
        await changed(session, [row.id], "hours")
    await audit.record(session, actor, "attraction:set_hours", object_id=row.id)
    return row


async def add_exception(
    session: AsyncSession, actor: Actor, row: Attraction, data: AttractionExceptionGive
) -> AttractionException:
    """Let a locked attraction have other hours on some days; raises ``ExceptionExists`` where some have already."""
    if await repository.has_exception(session, row.id, data.first_day, data.last_day):
        raise ExceptionExists
    exception = AttractionException(
        community_id=row.community_id,
        attraction_id=row.id,
        hours=[one.minutes() for one in data.hours],
        **data.model_dump(include={"first_day", "last_day", "reason"}),
    )
    session.add(exception)
    await changed(session, [row.id], "hours")
    await audit.record(session, actor, "attraction_exception:add", object_id=exception.id)
    return exception


async def remove_exception(session: AsyncSession, actor: Actor, row: Attraction, exception_id: uuid.UUID) -> None:
    """Let a locked attraction be open by its rules again; raises ``NotFound``."""
    await session.delete(await repository.exception_of(session, row, exception_id))
    await changed(session, [row.id], "hours")
    await audit.record(session, actor, "attraction_exception:remove", object_id=exception_id)


async def close(session: AsyncSession, actor: Actor, row: Attraction, data: AttractionClosingGive) -> AttractionClosing:
    """Shut a locked attraction for a while, and tell of it; raises ``Malformed`` for what is over, or too long."""
    now = clock.now()
    starts_at = max(data.starts_at or now, now)
    if not starts_at < data.ends_at <= starts_at + LONGEST_CLOSING:
        detail = f"ends after it starts and in the future, at most {LONGEST_CLOSING.days} days later"
        raise Malformed(errors=[FieldError("/body/ends_at", detail, "period")])
    closing = AttractionClosing(
        community_id=row.community_id,
        attraction_id=row.id,
        starts_at=starts_at,
        **data.model_dump(include={"ends_at", "reason"}),
    )
    session.add(closing)
    await derive(session, [row.id])
    if row.state == "published":
        await emit(
            session,
            AttractionClosed(
                aggregate_id=row.id,
                community_id=row.community_id,
                organization_id=row.organization_id,
                closing_id=closing.id,
                starts_at=closing.starts_at,
                ends_at=closing.ends_at,
            ),
        )
    await audit.record(session, actor, "attraction:close", object_id=closing.id)
    return closing


async def reopen(session: AsyncSession, actor: Actor, row: Attraction, closing_id: uuid.UUID) -> AttractionClosing:
    """Let a locked attraction be open by its hours from now on; raises ``NotFound``, ``ClosingOver``."""
    closing = await repository.closing_of(session, row, closing_id)
    now = clock.now()
    if closing.ends_at <= max(now, closing.starts_at):
        raise ClosingOver
    closing.ends_at = max(now, closing.starts_at)
    await changed(session, [row.id], "hours")
    await audit.record(session, actor, "attraction:reopen", object_id=closing.id)
    return closing
