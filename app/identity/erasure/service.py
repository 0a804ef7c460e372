"""Erasing a person: rights, roles and sessions end, then everything we hold goes as its table declares."""

import uuid
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import audit, clock, privacy
from app.core.access import Actor
from app.core.database import take_time
from app.core.events import emit
from app.identity.closing.schemas import Closure
from app.identity.closing.service import end_all_rights, end_residence
from app.identity.erasure import repository
from app.identity.erasure.problems import FreshSignInNeeded
from app.identity.erasure.rules import AGAIN_AFTER, is_fresh
from app.identity.events import AccountDeactivated
from app.identity.models import Account, Resident
from app.identity.organizations.problems import LastOperator
from app.identity.organizations.repository import end_memberships, has_operator
from app.identity.people.repository import lock_account, lock_resident, resident_of_account
from app.identity.second_factor.service import require_shown_if_set_up
from app.identity.sessions import service as sessions
from app.identity.sessions.models import AccountSession


@dataclass(frozen=True, slots=True)
class HeldPerson:
    """A person whose rows are locked until the end of the transaction."""

    account: Account
    resident: Resident | None

    @property
    def is_erased(self) -> bool:
        """Whether the person was erased before."""
        return self.account.state == "erased"


async def require_fresh_sign_in(session: AsyncSession, actor: Actor) -> None:
    """Raise ``FreshSignInNeeded`` unless the actor has just signed in or shown a second factor.

    Raises ``SecondFactorNeeded`` if they have a second factor that this session has not shown.
    """
    await require_shown_if_set_up(session, actor)
    row = await session.get(AccountSession, actor.session_id)
    if row is None or not is_fresh(row.method, row.created_at, row.second_factor_at, clock.now()):
        raise FreshSignInNeeded


async def hold_person(session: AsyncSession, account_id: uuid.UUID) -> HeldPerson:
    """Return a person, locked: no alarm of theirs is raised until the transaction ends. Raises ``NotFound``."""
    resident_id = await resident_of_account(session, account_id)
    if resident_id is None:
        return HeldPerson(await lock_account(session, account_id), None)
    return HeldPerson(*await lock_resident(session, resident_id))


async def erase_person(session: AsyncSession, actor: Actor, person: HeldPerson) -> None:
    """Erase a person; erasing them again changes nothing. Raises ``LastOperator``.

    A residence that goes on ends as by moving out. The account stays as an id that names nobody: what is kept (the
    trail, consents, the times of alarms) still refers to it.
    """
    if person.is_erased:
        return
    account, resident = person.account, person.resident
    now = clock.now()
    await take_time(session, repository.LONGEST_STATEMENT)
    await _end_roles(session, account)
    if resident is not None and resident.state == "active":
        today = now.astimezone(ZoneInfo(account.time_zone)).date()
        await end_residence(session, actor, account, resident, Closure(reason="moved_out", date=today))
    resident_id, household_id = (resident.id, resident.household_id) if resident else (None, None)
    await end_all_rights(session, resident_id, account.id, now)
    await sessions.end(session, actor, account.id, None, "deactivated")
    if account.state == "active":
        await emit(session, AccountDeactivated(aggregate_id=account.id, community_id=account.community_id))
    account.state, account.deactivated_at, account.erase_again_at = "erased", now, now + AGAIN_AFTER
    await session.flush()
    # Without details: they would be sealed with the key that goes with the person.
    await audit.record(
        session,
        actor,
        "person:erase",
        resident_id=resident_id,
        object_id=account.id,
        community_id=account.community_id,
    )
    await _erase_rows(session, account.id, resident_id)
    if household_id is not None:
        await repository.forget_empty_home(session, household_id)


async def erase_again(session: AsyncSession, person: HeldPerson) -> None:
    """Erase what was let in before an erasure and written after it: rights are asked once, when a request begins."""
    resident_id = person.resident.id if person.resident else None
    await take_time(session, repository.LONGEST_STATEMENT)
    person.account.erase_again_at = None
    await session.flush()
    await end_all_rights(session, resident_id, person.account.id, clock.now())
    await _erase_rows(session, person.account.id, resident_id)


async def put_off(session: AsyncSession, person: HeldPerson) -> None:
    """Erase again later: somebody still needs what there is."""
    person.account.erase_again_at = clock.now() + AGAIN_AFTER
    await session.flush()


async def _erase_rows(session: AsyncSession, account_id: uuid.UUID, resident_id: uuid.UUID | None) -> None:
    await privacy.erase_subject(session, [account_id] if resident_id is None else [account_id, resident_id])


async def _end_roles(session: AsyncSession, account: Account) -> None:
    had_operator = await has_operator(session, account.community_id)
    await end_memberships(session, account.id, None)
    if had_operator and not await has_operator(session, account.community_id):
        raise LastOperator
