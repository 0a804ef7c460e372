"""The end of a residence, in one operation, and its undoing if it was a mistake."""

import uuid
from datetime import datetime, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import audit, clock
from app.core.access import Actor
from app.core.events import emit
from app.core.problems import FieldError, Forbidden, Malformed
from app.identity.closing.problems import NotClosed, PersonErased
from app.identity.closing.repository import end_rights, restore_rights
from app.identity.closing.schemas import Closure
from app.identity.events import AccountDeactivated, GrantRevoked, ResidentClosed, ResidentReopened
from app.identity.models import Account, Resident
from app.identity.people.problems import ResidenceEnded
from app.identity.people.repository import lock_resident
from app.identity.visibility import ResidentSubject

_STATES: Final[dict[str, Literal["deceased", "moved_out"]]] = {"died": "deceased", "moved_out": "moved_out"}
_LONGEST_AGO: Final = timedelta(days=366)


async def hold(session: AsyncSession, actor: Actor, subject: ResidentSubject) -> tuple[Account, Resident]:
    """Return the rows of a residence the actor may end, locked: no alarm is raised until the transaction ends.

    Raises ``Forbidden`` for anybody but staff, ``ResidenceEnded``.
    """
    _check_staff(actor, subject)
    account, resident = await lock_resident(session, subject.resident_id)
    if resident.state != "active":
        raise ResidenceEnded
    return account, resident


async def close(session: AsyncSession, actor: Actor, account: Account, resident: Resident, closure: Closure) -> None:
    """End a residence that is held: state, grants and agreements at once; plans, bookings and notices follow the event.

    Who died can no longer sign in, and what others granted them ends, too; who moved out still reads what is theirs.
    Raises ``Malformed`` for a day in the future or long past.
    """
    today = clock.now().astimezone(ZoneInfo(account.time_zone)).date()
    if not today - _LONGEST_AGO <= closure.day <= today:
        raise Malformed(errors=[FieldError("/body/date", "has to lie within the past year", "period")])
    await end_residence(session, actor, account, resident, closure)


async def end_residence(
    session: AsyncSession, actor: Actor, account: Account, resident: Resident, closure: Closure
) -> None:
    """End the residence of a resident whose rows are locked; see ``close``."""
    now = clock.now()
    died = closure.reason == "died"
    resident.state = _STATES[closure.reason]
    resident.closed_on, resident.closed_at = closure.day, now
    if died:
        account.state, account.deactivated_at = "deactivated", now
    await session.flush()
    grants, agreements = await end_all_rights(session, resident.id, account.id if died else None, now)
    details = {"reason": closure.reason, "grants": grants, "agreements": agreements}
    await audit.record(
        session, actor, "resident:close", resident_id=resident.id, object_id=resident.id, details=details
    )
    if died:
        await emit(session, AccountDeactivated(aggregate_id=account.id, community_id=account.community_id))
    await emit(
        session,
        ResidentClosed(aggregate_id=resident.id, community_id=resident.community_id, reason=closure.reason),
    )


async def end_all_rights(
    session: AsyncSession, resident_id: uuid.UUID | None, account_id: uuid.UUID | None, at: datetime
) -> tuple[int, int]:
    """End the agreements and grants about a resident and the grants an account holds; return how many of each."""
    grants, agreements = await end_rights(session, resident_id, account_id, at)
    for row in grants:
        await emit(
            session,
            GrantRevoked(
                aggregate_id=row.id,
                community_id=row.community_id,
                resident_id=row.resident_id,
                grantee_account_id=row.grantee_account_id,
                kind=row.kind,
            ),
        )
    return len(grants), agreements


async def reopen(session: AsyncSession, actor: Actor, subject: ResidentSubject) -> None:
    """Undo a closure: state, grants and agreements are as before; emergency access and bookings do not come back.

    Raises ``Forbidden`` for anybody but staff, ``NotClosed``, ``PersonErased``.
    """
    _check_staff(actor, subject)
    account, resident = await lock_resident(session, subject.resident_id)
    if account.state == "erased":
        raise PersonErased
    if resident.state == "active" or resident.closed_at is None:
        raise NotClosed
    closed_at, now = resident.closed_at, clock.now()
    resident.state, resident.closed_on, resident.closed_at = "active", None, None
    if account.deactivated_at == closed_at:
        account.state, account.deactivated_at = "active", None
    await session.flush()
    grants, agreements = await restore_rights(session, resident.id, account.id, closed_at, now)
    details = {"grants": grants, "agreements": agreements}
    await audit.record(
        session, actor, "resident:reopen", resident_id=resident.id, object_id=resident.id, details=details
    )
    await emit(session, ResidentReopened(aggregate_id=resident.id, community_id=resident.community_id))


def _check_staff(actor: Actor, subject: ResidentSubject) -> None:
    """Let only the operator's people pass: what others agreed with the resident is not an agency's to end."""
    if subject.relation != "staff" or not actor.holds("operator", "coordinator", organization_kind="operator"):
        raise Forbidden("only the community's staff ends or resumes a residence")
