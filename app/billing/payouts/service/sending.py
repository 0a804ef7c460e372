"""Transfers are asked of the gateway outside of transactions, and entered when it is known that they were done.

A transfer is committed before anybody is asked, and asked in every attempt under the same key. Before it is asked for
the first time it is drawn once more: what was frozen or given back since its cut-off does not leave. Once it was asked
it may have been done: it is asked to the end, and what is frozen later is held back of what comes after it.
"""

import asyncio
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
import structlog
from prometheus_client import Counter
from sqlalchemy.ext.asyncio import AsyncSession

from app.billing.gateways.choosing import chosen_gateway
from app.billing.gateways.patience import again_at
from app.billing.gateways.port import Gateway, NotAnsweredError, NotDoneError
from app.billing.ledger.rules import Account, Move
from app.billing.ledger.service import Occasion, enter
from app.billing.payouts import notices, repository, rules
from app.billing.payouts.models import TRANSFERS, PayoutAccount, Transfer
from app.billing.payouts.service.drawing import draw
from app.core import clock, failures, stopping
from app.core.database import unit_of_work
from app.core.due import Due
from app.core.leases import Held, Lease
from app.identity.api import organization_members
from notifications.api import send

BATCH: Final = 8
"""As many as are asked within a lease, however slow the gateway is."""
LEASE: Final = Lease(Due("billing.send_transfers", Transfer, "ask_at"), timedelta(minutes=5))
ASKS: Final = Counter("hearthline_transfer_asks", "Transfers asked of the gateway, by how that went", ["outcome"])
_SKEW: Final = timedelta(minutes=5)
Outcome = str | NotAnsweredError | NotDoneError
"""The gateway's reference of what it did, or what it said instead."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A transfer as it is asked for: nothing of it changes any more.

    ``reverses`` is the gateway's reference of what comes back, which lies back to ``since``; with this one
    ``reversed_amount`` of it has.
    """

    row: str
    key: str
    account_id: uuid.UUID
    to: str
    amount: int
    currency: str
    since: datetime
    is_old: bool
    reverses: str | None = None
    reversed_amount: int = 0


async def run() -> int:
    """Ask for the transfers that are due and return how many that was; asked to stop, it takes up no further ones."""
    total = 0
    gateway = chosen_gateway()
    if gateway is None:
        return total
    try:
        while not stopping.requested():
            async with LEASE.holding(BATCH) as held:
                if not held:
                    break
                flights = [_carry_out(gateway, one) for one in held]
                for ended in await asyncio.gather(*flights, return_exceptions=True):
                    if isinstance(ended, BaseException):  # it could not be stored: this one is due again
                        raise ended
                total += len(held)
    finally:
        await gateway.close()
    return total


async def transfer_told(session: AsyncSession, body: Mapping[str, Any]) -> bool:
    """Let a transfer be asked for at once that a webhook ``transfer.*`` tells of; return whether it is one of ours.

    One that is not known to be sent was, then: asked again under its key, the gateway answers so. What came back of one
    otherwise than by a row of ours is for the reconciliation to find.
    """
    row_id = _uuid((body.get("metadata") or {}).get("row") or body.get("row"))
    if row_id is None or await session.get(Transfer, row_id) is None:
        return False
    of_it = sa.or_(TRANSFERS.c.id == row_id, TRANSFERS.c.reverses_id == row_id)
    is_wanted = TRANSFERS.c.state == sa.literal("wanted", sa.Text)
    await session.execute(sa.update(TRANSFERS).where(of_it, is_wanted).values(ask_at=clock.now()))
    return True


async def _carry_out(gateway: Gateway, held: Held) -> None:
    asked = await _begin(gateway, held)
    if asked is None:
        return
    outcome = await _outcome(gateway, asked)
    ASKS.labels(_word(outcome)).inc()
    async with unit_of_work() as session:
        account = await repository.lock_account_by_id(session, asked.account_id)
        if held.id not in await LEASE.finish(session, [held]):
            return
        transfer = await repository.lock_transfer(session, held.id)
        if transfer.state != "wanted":
            return
        await _store(session, transfer, account, outcome)


async def _begin(gateway: Gateway, held: Held) -> _Asked | None:
    """Return what is to be asked, committed as asked; ``None`` if there is nothing to ask any more."""
    async with unit_of_work() as session:
        known = await session.get_one(Transfer, held.id)
        account = await repository.lock_account_by_id(session, known.payout_account_id)
        transfer = await repository.lock_transfer(session, held.id)
        if transfer.state != "wanted" or transfer.fence != held.fence:
            return None
        if account.gateway != gateway.name or account.ref is None:
            transfer.ask_at = again_at(clock.now(), transfer.asked + 12)
            return None
        if transfer.asked == 0 and transfer.reverses_id is None and not await _is_still_due(session, transfer, account):
            await _end(session, transfer, "dropped")
            return None
        now = clock.now()
        transfer.asked += 1
        transfer.asked_at = asked_at = transfer.asked_at or now
        await session.flush()
        asked = _Asked(
            row=str(transfer.id),
            key=f"transfer:{transfer.id}:{transfer.key_no}",
            account_id=account.id,
            to=account.ref,
            amount=transfer.amount,
            currency=transfer.currency,
            since=asked_at - _SKEW,
            is_old=asked_at < now - rules.KEY_LIVES,
        )
        if transfer.reverses_id is None:
            return asked
        reverses = await repository.lock_transfer(session, transfer.reverses_id)
        # One comes back at a time: what is about to is this one.
        return replace(
            asked, reverses=reverses.ref, since=reverses.created_at, reversed_amount=reverses.reversed_amount
        )


async def _is_still_due(session: AsyncSession, transfer: Transfer, account: PayoutAccount) -> bool:
    """Draw a transfer anew that nobody has been asked for yet, and say whether there is anything to it."""
    terms = await repository.terms_of(session, transfer.organization_id, lock=False)
    if account.state != "enabled" or terms is None or transfer.cut_off_at is None:
        await repository.take_items_back(session, transfer.id, forget=True)
        return False
    await repository.take_items_back(session, transfer.id, forget=True)
    drawn = await draw(session, transfer.organization_id, transfer.cut_off_at, terms.hold_days)
    amounts = drawn.get(transfer.currency, {})
    amount = sum(amounts.values())
    if amount < terms.minimum_amount:
        return False
    transfer.amount = amount
    await repository.add_items(session, transfer.id, amounts)
    return True


async def _outcome(gateway: Gateway, asked: _Asked) -> Outcome:
    """Return the gateway's reference of what was done, or why it was not, or is not known to be."""
    try:
        if asked.is_old and (found := await _find(gateway, asked)):
            return found
        if asked.reverses is not None:
            return (await gateway.reverse_transfer(asked.key, asked.reverses, asked.amount)).ref
        return (await gateway.transfer(asked.key, asked.to, asked.amount, asked.currency, asked.row)).ref
    except NotAnsweredError as error:
        return await _looked_for(gateway, asked, error) if error.is_stuck else error
    except NotDoneError as error:
        return error
    except Exception as error:  # noqa: BLE001 - one oddity must not keep others from being paid
        log.error("transfer_call_failed", error=failures.code_of(error), place=failures.place_of(error))  # noqa: TRY400 - a traceback may hold data
        return NotAnsweredError(failures.code_of(error))


async def _looked_for(gateway: Gateway, asked: _Asked, error: NotAnsweredError) -> Outcome:
    try:
        return await _find(gateway, asked) or error
    except (NotAnsweredError, NotDoneError) as problem:  # nobody could look: the same key is asked again
        return NotAnsweredError(str(problem))


async def _find(gateway: Gateway, asked: _Asked) -> str | None:
    """Return the gateway's reference of what was asked, if it was done."""
    async for found in gateway.transfers_since(asked.since):
        if asked.reverses is None:
            is_it = found.row == asked.row
        else:
            is_it = found.ref == asked.reverses and found.reversed >= asked.reversed_amount
        if is_it:
            return found.ref
    return None


async def _store(
    session: AsyncSession,
    transfer: Transfer,
    account: PayoutAccount,
    outcome: Outcome,
) -> None:
    if isinstance(outcome, NotAnsweredError):
        if outcome.is_stuck:  # looked for, and not there
            transfer.key_no += 1
        transfer.ask_at = again_at(clock.now(), transfer.asked, outcome.again_after)
        await session.flush()
        return
    if isinstance(outcome, NotDoneError):
        await repository.take_items_back(session, transfer.id)
        transfer.failure = outcome.code
        if transfer.reverses_id is not None:
            reverses = await session.get_one(Transfer, transfer.reverses_id, with_for_update=True)
            reverses.reversed_amount -= transfer.amount
        account.ask_at = clock.now()  # it may be the account that takes nothing any more
        await _end(session, transfer, "failed")
        await _tell(session, transfer)
        return
    transfer.ref = outcome
    await _end(session, transfer, "sent")
    community, organization = transfer.community_id, transfer.organization_id
    card, payable = Account("community", community, "card"), Account("organization", organization, "payable")
    if transfer.reverses_id is None:
        moves = [Move(payable, transfer.amount), Move(card, -transfer.amount)]
        occasion = Occasion(community, "transfer", transfer.id, transfer.currency, organization)
    else:
        moves = [Move(card, transfer.amount), Move(payable, -transfer.amount)]
        occasion = Occasion(community, "transfer_reversal", transfer.id, transfer.currency, organization)
        reverses = await session.get_one(Transfer, transfer.reverses_id, with_for_update=True)
        if reverses.reversed_amount == reverses.amount:
            reverses.state = "reversed"
    await enter(session, occasion, moves)


async def _end(session: AsyncSession, transfer: Transfer, state: rules.TransferState) -> None:
    transfer.state, transfer.ask_at, transfer.ended_at = state, None, clock.now()
    await session.flush()


async def _tell(session: AsyncSession, transfer: Transfer) -> None:
    people: list[uuid.UUID] = await organization_members(
        await session.connection(), transfer.organization_id, "coordinator"
    )
    await send(
        session,
        notices.TRANSFER_FAILED,
        people,
        community_id=transfer.community_id,
        dedupe_key=f"{notices.TRANSFER_FAILED.key}:{transfer.id}",
        data={"transfer_id": str(transfer.id)},
    )


def _uuid(row: object) -> uuid.UUID | None:
    try:
        return uuid.UUID(row) if isinstance(row, str) else None
    except ValueError:
        return None


def _word(outcome: Outcome) -> str:
    if isinstance(outcome, str):
        return "done"
    return "not_done" if isinstance(outcome, NotDoneError) else "not_answered"
