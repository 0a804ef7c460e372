"""Calling endpoints: each delivery by itself, outside of transactions, and its outcome stored when it is known."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import structlog
from prometheus_client import Counter
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock, failures, outbound, stopping
from app.core.database import unit_of_work
from app.core.later import Later
from app.core.sealing import unseal
from app.core.settings import settings
from app.identity import api as identity
from notifications.delivery.service import send
from notifications.webhooks import repository, rules
from notifications.webhooks.access import MANAGERS
from notifications.webhooks.catalogue import TEST
from notifications.webhooks.composing import Composed, ToCompose, compose
from notifications.webhooks.models import PREVIOUS_SECRET, SECRET, URL, DisabledReason
from notifications.webhooks.notices import DISABLED
from notifications.webhooks.repository import Claimed, Standing
from notifications.webhooks.rules import Ended, Result

if TYPE_CHECKING:
    import aiohttp
else:
    aiohttp = Later("aiohttp")

ROOM = 500  # calls in the air per worker
WITHHELD = Result(error="withheld", withheld=True)
LOOK_AGAIN_SECONDS = 0.25  # while calls are in the air: what was written meanwhile is claimed after this at the latest

CALLS = Counter("hearthline_webhook_calls", "Calls of organizations' endpoints by how they went", ["outcome"])

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Landed:
    """A call that ended."""

    claimed: Claimed
    result: Result
    began: datetime
    milliseconds: int


async def run() -> int:
    """Deliver what is due until nothing is, and return how many deliveries were taken up.

    Returns when the last call has landed; asked to stop, it takes up no further one.
    """
    claimed = await _claim(ROOM)
    if not claimed:
        return 0
    handled = 0
    chosen = settings().webhooks
    flights: set[asyncio.Task[Landed]] = set()
    async with outbound.outbound_session(chosen.allow_private, total=chosen.timeout) as http:
        try:
            while True:
                handled += len(claimed)
                flights |= {asyncio.create_task(_call(http, delivery)) for delivery in claimed}
                if not flights:
                    return handled
                done, flights = await asyncio.wait(
                    flights, timeout=LOOK_AGAIN_SECONDS, return_when=asyncio.FIRST_COMPLETED
                )
                await _settle([flight.result() for flight in done])
                claimed = await _claim(ROOM - len(flights))
        finally:
            for flight in flights:
                flight.cancel()
            await asyncio.gather(*flights, return_exceptions=True)


async def _claim(room: int) -> list[Claimed]:
    if room <= 0 or stopping.requested():
        return []
    async with unit_of_work() as session:
        return await repository.claim(session, room)


async def _call(http: "aiohttp.ClientSession", claimed: Claimed) -> Landed:
    began, started = clock.now(), time.monotonic()
    result = await _result(http, claimed, began)
    return Landed(claimed, result, began, round((time.monotonic() - started) * 1000))


async def _result(http: "aiohttp.ClientSession", claimed: Claimed, now: datetime) -> Result:
    try:
        signing = [unseal(claimed.secret, SECRET)]
        if claimed.previous_secret is not None:
            signing.append(unseal(claimed.previous_secret, PREVIOUS_SECRET))
        call = await _composed(claimed)
        if call is None:
            return WITHHELD
        headers = {**rules.headers(claimed.event_id, now, call.content, signing), **call.headers}
        url = rules.below(unseal(claimed.url, URL), call.path)
        answer = await outbound.send(http, call.method, url, data=call.content, headers=headers)
    except TimeoutError:
        return Result(error="timeout")
    except outbound.AddressForbidden:
        return Result(error="address_not_allowed")
    except aiohttp.ClientError as error:
        return Result(error=type(error).__name__)
    except Exception as error:  # noqa: BLE001 - one endpoint's oddity must not end the calls of others
        log.error("webhook_call_failed", error=failures.code_of(error), place=failures.place_of(error))  # noqa: TRY400 - a traceback may hold data
        return Result(error=failures.code_of(error))
    return Result(answer.status, retry_at=rules.retry_at(answer.headers.get("Retry-After"), now))


async def _composed(claimed: Claimed) -> Composed | None:
    if claimed.composer is not None and claimed.event_type != TEST:
        return await compose(claimed.composer, ToCompose(claimed.endpoint_id, claimed.resident_id, claimed.data))
    content = rules.body(claimed.event_type, claimed.occurred_at, claimed.data)
    return Composed(content=content, headers={"Content-Type": "application/json"})


async def _settle(landed: Sequence[Landed]) -> None:
    """Store outcomes in one transaction; what it cannot store, the lease brings back."""
    if not landed:
        return
    try:
        async with unit_of_work() as session:
            await _store(session, landed)
    except Exception as error:  # noqa: BLE001 - the calls in the air still have to land
        log.error("webhooks_not_settled", error=failures.code_of(error), place=failures.place_of(error))  # noqa: TRY400 - a traceback may hold data


async def _store(session: AsyncSession, landed: Sequence[Landed]) -> None:
    now = clock.now()
    endpoints = await repository.lock_endpoints(session, {each.claimed.endpoint_id for each in landed})
    settled = [(each.claimed, _settlement(each, endpoints.get(each.claimed.endpoint_id), now)) for each in landed]
    await repository.note_attempts(
        session, [(each.claimed, each.result, each.began, each.milliseconds) for each in landed]
    )
    ours = await repository.store(session, settled)
    for each in landed:
        CALLS.labels(each.result.code or "delivered").inc()
    of_endpoint: defaultdict[Standing, list[tuple[Landed, rules.Settlement]]] = defaultdict(list)
    for each, (claimed, settlement) in zip(landed, settled, strict=True):
        if claimed.id in ours and claimed.endpoint_id in endpoints:
            of_endpoint[endpoints[claimed.endpoint_id]].append((each, settlement))
    for endpoint, outcomes in of_endpoint.items():
        await _judge(session, endpoint, outcomes)


def _settlement(landed: Landed, endpoint: Standing | None, now: datetime) -> rules.Settlement:
    claimed = landed.claimed
    enabled = endpoint is not None and endpoint.state == "enabled"
    return rules.settle(claimed.event_type, claimed.attempts, claimed.queued_at, landed.result, now, enabled=enabled)


async def _judge(
    session: AsyncSession, endpoint: Standing, outcomes: Sequence[tuple[Landed, rules.Settlement]]
) -> None:
    """Count how the endpoint did, and disable it if that was the end; it is no failing of its if it was not called."""
    outcomes = [(each, settlement) for each, settlement in outcomes if not each.result.withheld]
    if not outcomes:
        return
    took = any(each.result.delivered for each, _ in outcomes)
    await repository.note_outcomes(session, endpoint.id, took=took, failed=len(outcomes))
    ended = [
        Ended(each.claimed.event_type, each.claimed.queued_at, each.result.gone)
        for each, settlement in outcomes
        if settlement.state == "failed"
    ]
    reason = rules.reason_to_disable(ended, clock.now() if took else endpoint.delivered_at)
    if reason is not None and endpoint.state == "enabled":
        await repository.disable(session, endpoint.id, reason)
        await _tell(session, endpoint, reason)


async def _tell(session: AsyncSession, endpoint: Standing, reason: DisabledReason) -> None:
    """Tell those who run the organization that its endpoint was disabled."""
    connection = await session.connection()
    found = [await identity.organization_members(connection, endpoint.organization_id, role) for role in MANAGERS]
    await send(
        session,
        DISABLED,
        list(dict.fromkeys(account for accounts in found for account in accounts)),
        community_id=endpoint.community_id,
        dedupe_key=f"notifications.webhook_disabled:{endpoint.id}:{clock.now().isoformat()}",
        variables={"host": urlsplit(unseal(endpoint.url, URL)).hostname or "", "reason": reason},
    )
