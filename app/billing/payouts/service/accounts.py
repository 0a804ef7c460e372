"""Payout accounts: opened at the gateway for a row of ours, and looked at until they take money and after.

The gateway is asked outside of transactions; what its answer says is stored in one that locks the account.
"""

import asyncio
import uuid
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.billing.gateways.choosing import chosen_gateway
from app.billing.gateways.patience import again_at
from app.billing.gateways.port import Gateway, NotAnsweredError, NotDoneError
from app.billing.gateways.port import PayoutAccount as Known
from app.billing.payouts import notices, repository, rules
from app.billing.payouts.models import PAYOUT_ACCOUNTS, PayoutAccount
from app.billing.payouts.problems import GatewaySilent, NobodyPaysOut, PayoutAccountRefused
from app.billing.payouts.service import terms
from app.core import audit, clock, stopping
from app.core.access import Actor
from app.core.database import reading, unit_of_work
from app.core.due import Due
from app.core.leases import Held, Lease
from app.core.settings import settings
from app.identity.api import organization_members
from notifications.api import send

BATCH: Final = 8
LEASE: Final = Lease(Due("billing.look_at_payout_accounts", PayoutAccount, "ask_at"), timedelta(minutes=5))
_TAKEN: Final = sa.select(PAYOUT_ACCOUNTS).where(
    PAYOUT_ACCOUNTS.c.id == sa.any_(sa.bindparam("ids", type_=ARRAY(sa.Uuid)))
)
Answer = Known | NotAnsweredError | NotDoneError


async def begin_onboarding(actor: Actor, community_id: uuid.UUID, organization_id: uuid.UUID, country: str) -> str:
    """Return where an organization goes on to say what the gateway wants to know; opens its account if it has none.

    Raises ``NobodyPaysOut``, ``PayoutAccountRefused``, ``GatewaySilent``: what is wanted then stays so.
    """
    gateway = chosen_gateway()
    if gateway is None:
        raise NobodyPaysOut
    try:
        async with unit_of_work() as session:
            account = await _wanted(session, actor, community_id, organization_id, gateway.name, country)
            account_id = account.id
        known = await _ask(gateway, account)
        async with unit_of_work() as session:
            account = await repository.lock_account_by_id(session, account_id)
            await _store(session, account, known)
        if isinstance(known, NotDoneError):
            raise PayoutAccountRefused(reason=known.code)
        if isinstance(known, NotAnsweredError):
            raise GatewaySilent
        try:
            return await gateway.onboarding_link(known.ref, settings().http.public_url)
        except NotAnsweredError:
            raise GatewaySilent from None
        except NotDoneError as error:
            raise PayoutAccountRefused(reason=error.code) from None
    finally:
        await gateway.close()


async def account_told(session: AsyncSession, body: Mapping[str, Any]) -> bool:
    """Let an account be looked at that a webhook ``account.updated`` tells of; return whether it is one of ours.

    What the webhook says of it may be old: the gateway is asked how it stands now.
    """
    found = sa.select(PayoutAccount).where(col(PayoutAccount.ref) == str(body.get("id")))
    account = await session.scalar(found.with_for_update().execution_options(populate_existing=True))
    if account is None:
        return False
    account.ask_at = clock.now()
    await session.flush()
    return True


async def run() -> int:
    """Look at the accounts that are due and return how many that was; asked to stop, it takes up no further ones."""
    total = 0
    gateway = chosen_gateway()
    if gateway is None:
        return total
    try:
        while not stopping.requested():
            async with LEASE.holding(BATCH) as held:
                if not held:
                    break
                await _look_at_all(gateway, held)
                total += len(held)
    finally:
        await gateway.close()
    return total


async def _look_at_all(gateway: Gateway, held: Sequence[Held]) -> None:
    async with reading() as connection:
        rows = {row.id: row for row in await connection.execute(_TAKEN, {"ids": [one.id for one in held]})}
    flights = [_look(gateway, one, rows[one.id]) for one in held if one.id in rows]
    for ended in await asyncio.gather(*flights, return_exceptions=True):
        if isinstance(ended, BaseException):
            raise ended


async def _look(gateway: Gateway, held: Held, row: Any) -> None:
    answer = await _ask(gateway, row) if row.gateway == gateway.name else NotAnsweredError("other_gateway")
    async with unit_of_work() as session:
        if held.id in await LEASE.finish(session, [held]):
            await _store(session, await repository.lock_account_by_id(session, held.id), answer)


async def _wanted(
    session: AsyncSession, actor: Actor, community_id: uuid.UUID, organization_id: uuid.UUID, gateway: str, country: str
) -> PayoutAccount:
    await terms.ensure(session, actor, community_id, organization_id)
    account = await repository.lock_account(session, organization_id, gateway)
    if account is None:
        account = PayoutAccount(
            community_id=community_id, organization_id=organization_id, gateway=gateway, country=country
        )
        account.ask_at = clock.now() + rules.LOOK_AGAIN["wanted"]  # if who asks now does not come back
        session.add(account)
        await session.flush()
        await audit.record(session, actor, "payout_account:open", object_id=account.id, community_id=community_id)
    elif account.ref is None and account.country != country:  # a key is for one thing wanted
        account.country = country
        account.key_no += 1
        account.ask_at = clock.now() + rules.LOOK_AGAIN["wanted"]
    await session.flush()
    return account


async def _ask(gateway: Gateway, account: Any) -> Answer:
    try:
        if account.ref is not None:
            return await gateway.payout_account(account.ref)
        key = f"payout_account:{account.id}:{account.key_no}"
        return await gateway.open_payout_account(key, str(account.id), account.country)
    except (NotAnsweredError, NotDoneError) as error:
        return error


async def _store(session: AsyncSession, account: PayoutAccount, answer: Answer) -> None:
    now = clock.now()
    if isinstance(answer, NotAnsweredError):
        account.asked += 1
        if answer.is_stuck:  # an account that was opened and is not known here takes nothing
            account.key_no += 1
        account.ask_at = again_at(now, account.asked, answer.again_after)
    elif isinstance(answer, NotDoneError):
        account.failure, account.ask_at = answer.code, None
        if account.ref is not None:  # it is gone, or no longer ours to use
            await _restrict(session, account, "restricted")
        else:
            account.key_no += 1  # what is wanted is mended, then asked for under another key
    else:
        account.ref, account.wanting, account.failure = answer.ref, sorted(answer.wanting), None
        account.asked = 0
        await _restrict(session, account, rules.account_state(account.state, payouts_enabled=answer.payouts_enabled))
        account.ask_at = now + rules.LOOK_AGAIN[account.state]  # type: ignore[index] # the table holds no other
    await session.flush()


async def _restrict(session: AsyncSession, account: PayoutAccount, state: rules.AccountState) -> None:
    """Set an account's state, and tell its desk of one that takes nothing any more."""
    before, account.state = account.state, state
    await session.flush()
    if state != "restricted" or before == "restricted":
        return
    await send(
        session,
        notices.ACCOUNT_RESTRICTED,
        await organization_members(await session.connection(), account.organization_id, "coordinator"),
        community_id=account.community_id,
        dedupe_key=f"{notices.ACCOUNT_RESTRICTED.key}:{account.id}:{clock.now().isoformat()}",
    )
