"""Asking insurers, outside of transactions, and storing what they say when it is known.

A request is committed before anybody is asked, and asked in every attempt under the same identifier: whatever is lost
on the way, the insurer knows it for the same.
"""

import asyncio
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import sqlalchemy as sa
import structlog
from prometheus_client import Counter
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock, failures, stopping
from app.core.database import reading, unit_of_work
from app.core.due import Due
from app.core.leases import Held, Lease
from app.core.sealing import seal, unseal
from app.identity.api import organization_members
from notifications.api import Notice, send
from telemedicine.settlement import notices, repository
from telemedicine.settlement.models import ASKED, DISPOSITION, REQUESTS, Bill, InsurerRequest
from telemedicine.settlement.rules.asking import Answered, Asked, disagreement
from telemedicine.settlement.rules.states import OPEN_REQUESTS, REMIND_AFTER, ask_again_at, decision
from telemedicine.settlement.service.claiming import take_back
from telemedicine.settlement.service.going_on import ask_own_share, go_on
from telemedicine.settlement.service.insurers.directory import Insurers, name_of
from telemedicine.settlement.service.insurers.port import NotAnswered

BATCH: Final = 8
"""As many as are asked within a lease, however slow each is."""
LEASE: Final = Lease(Due("telemedicine.ask_insurers", InsurerRequest, "ask_at"), timedelta(minutes=5))
_TAKEN: Final = sa.select(
    REQUESTS.c.id, REQUESTS.c.bill_id, REQUESTS.c.state, REQUESTS.c.insurer, REQUESTS.c.asked
).where(REQUESTS.c.id == sa.any_(sa.bindparam("ids", type_=ARRAY(sa.Uuid))))

ASKS: Final = Counter("hearthline_insurer_asks", "Calls of insurers by how they went", ["outcome"])

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Taken:
    """A request that is being carried out."""

    held: Held
    bill_id: uuid.UUID
    is_pending: bool
    insurer: str
    asked: Asked | None


async def run() -> int:
    """Ask insurers what is due and return how many requests that was; asked to stop, it takes up no further ones."""
    total = 0
    while not stopping.requested():
        async with LEASE.holding(BATCH) as held:
            if not held:
                break
            await _ask_all(held)
            total += len(held)
    return total


async def _ask_all(held: Sequence[Held]) -> None:
    async with reading() as connection:
        rows = {row.id: row for row in await connection.execute(_TAKEN, {"ids": [one.id for one in held]})}
    insurers = Insurers()
    try:
        flights = [_ask_one(insurers, _taken(one, rows[one.id])) for one in held if one.id in rows]
        for ended in await asyncio.gather(*flights, return_exceptions=True):
            if isinstance(ended, BaseException):  # it could not be stored: the others were, and this one is due again
                raise ended
    finally:
        await insurers.close()


def _taken(held: Held, row: Any) -> _Taken:
    asked = Asked.model_validate_json(unseal(row.asked, ASKED)) if row.asked else None
    return _Taken(held, row.bill_id, row.state == "pending", row.insurer, asked)


async def _ask_one(insurers: Insurers, taken: _Taken) -> None:
    outcome = None if taken.asked is None else await _outcome(insurers, taken, taken.asked)
    async with unit_of_work() as session:
        # The bill first, as whoever changes one does: two who each hold what the other wants would wait for ever.
        bill = await repository.lock(session, taken.bill_id)
        if taken.held.id not in await LEASE.finish(session, [taken.held]):
            return
        request = await session.get_one(InsurerRequest, taken.held.id, populate_existing=True)
        if request.state not in OPEN_REQUESTS:
            return
        if taken.asked is None or outcome is None:  # whom it was about was erased: there is nobody left to ask for
            request.state, request.ask_at, request.remind_at = "cancelled", None, None
            if request.kind == "claim":  # the clinic decides how to go on
                await go_on(session, bill, "issued", None)
        else:
            await _store(session, bill, request, taken.asked, outcome)


async def _outcome(insurers: Insurers, taken: _Taken, asked: Asked) -> Answered | str:
    """Return what the insurer says, or why there is no answer as a code; counts it."""
    outcome = await _answer(insurers, taken, asked)
    ASKS.labels(outcome if isinstance(outcome, str) else outcome.outcome).inc()
    return outcome


async def _answer(insurers: Insurers, taken: _Taken, asked: Asked) -> Answered | str:
    insurer = insurers.by_key(taken.insurer)
    if insurer is None:
        return "unknown_insurer"
    try:
        return await (insurer.follow_up(asked) if taken.is_pending else insurer.ask(asked))
    except NotAnswered as error:
        return error.code
    except Exception as error:  # noqa: BLE001 - one insurer's oddity must not keep others from being asked
        log.error("insurer_call_failed", error=failures.code_of(error), place=failures.place_of(error))  # noqa: TRY400 - a traceback may hold data
        return failures.code_of(error)


async def _store(
    session: AsyncSession, bill: Bill, request: InsurerRequest, asked: Asked, outcome: Answered | str
) -> None:
    request.attempts += 1
    if isinstance(outcome, str) or outcome.outcome == "pending":
        request.failure = outcome if isinstance(outcome, str) else None
        if not isinstance(outcome, str):
            request.state, request.reference = "pending", outcome.reference or request.reference
        request.ask_at = ask_again_at(clock.now(), request.attempts)
        await session.flush()
        return
    # An insurer that was asked before may have taken it then, and now refuse it because of that.
    may_stand = request.state == "queued" and request.fence > 1
    odd = disagreement(asked, outcome) if request.kind == "claim" and outcome.outcome == "complete" else None
    request.state = "error" if odd or outcome.outcome == "error" else "complete"
    request.failure, request.ask_at, request.remind_at = odd, None, None
    request.answered_at = clock.now()
    request.reference = outcome.reference
    request.disposition = seal(outcome.disposition, DISPOSITION) if outcome.disposition else None
    request.in_force = outcome.in_force
    await session.flush()
    if request.kind == "claim":
        if request.state == "error" and (odd or may_stand):  # a decision stands there that is not taken here
            await take_back(session, request, request.requested_by)
        await _decide(session, bill, request, asked, outcome)
    if request.state == "error":
        await _tell(session, notices.CLAIM_REFUSED, request)


async def _decide(session: AsyncSession, bill: Bill, request: InsurerRequest, asked: Asked, answered: Answered) -> None:
    """Take the bill where an answer to its claim leads."""
    if request.state == "error":
        await go_on(session, bill, "issued", None)
        return
    decided = decision(asked.total, answered.eligible, answered.insured)
    request.decision, request.insured_amount = decided, answered.insured
    request.deductible_amount = answered.deductible
    said = {line.sequence: line for line in answered.lines}
    for line in await repository.lines_of(session, bill.id) if said else ():
        known = said.get(line.sequence)
        line.insured_amount, line.insured_reason = (known.insured, known.reason) if known else (0, None)
    bill.decision, bill.insured_amount = decided, answered.insured
    await go_on(session, bill, decided, None)
    if decided == "denied":
        await _tell(session, notices.CLAIM_REFUSED, request)
    else:
        await ask_own_share(session, bill, None)


async def remind(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
    """Tell the clinics that insurers have not answered; they are told again as long as that is so."""
    now = clock.now()
    found = await session.scalars(sa.select(InsurerRequest).where(REQUESTS.c.id.in_(ids)))
    for request in found.all():
        request.remind_at = now + REMIND_AFTER
        await _tell(session, notices.CLAIM_UNANSWERED, request)


async def _tell(session: AsyncSession, notice: Notice, request: InsurerRequest) -> None:
    """Tell the clinic's coordinators how it stands with what an insurer was asked."""
    await send(
        session,
        notice,
        await organization_members(await session.connection(), request.organization_id, "coordinator"),
        community_id=request.community_id,
        dedupe_key=f"{notice.key}:{request.id}:{clock.now().isoformat()}",
        variables={"resident": request.resident_id, "insurer": name_of(request.insurer)},
        about=request.resident_id,
        data={"bill_id": str(request.bill_id)},
    )
