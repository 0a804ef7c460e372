"""Taking what the gateway tells: nothing is asked meanwhile, what it is of is made to be looked at by the worker."""

import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import structlog
from prometheus_client import Counter
from sqlalchemy.ext.asyncio import AsyncSession

from app.billing.disputes.service.telling import dispute_told
from app.billing.gateway_events import repository, rules
from app.billing.gateways.port import Told
from app.billing.payouts.service.accounts import account_told
from app.billing.payouts.service.sending import transfer_told
from app.billing.reconciliation.rules import Odd
from app.billing.reconciliation.service import report
from app.billing.wallet.service.saving import setup_told
from app.core import clock
from app.core.database import reading, unit_of_work

EVENTS_TAKEN = Counter(
    "hearthline_gateway_events", "Events the payment gateway told, by what came of them", ["outcome"]
)

_CONCERNED: Final[Mapping[str, Callable[[AsyncSession, Mapping[str, Any]], Awaitable[bool]]]] = {
    "dispute": dispute_told,
    "account": account_told,
    "transfer": transfer_told,
    "setup_intent": setup_told,
}
"""Who is told of other things than payments and refunds, by Stripe's name for them: they say whether it is ours."""

_NO_MONEY: Final = frozenset({"setup_intent"})
"""What is in nobody's books: of somebody who was erased meanwhile, no row is found."""

log = structlog.get_logger(__name__)


async def take(session: AsyncSession, gateway: str, told: Told) -> None:
    """Keep an event, once, and let what it is of be looked at. What nobody here knows is reported."""
    means = rules.meaning(told)
    values: dict[str, Any] = {
        "event_id": clock.new_id(),
        "event_ref": told.ref,
        "kind": told.kind,
        "happened_at": told.happened_at,
        "body": rules.kept(told.body) | ({"row": means.row} if means.row else {}),
        **_of(gateway, means.ref, means.row, means.known_states),
    }
    outcome = await repository.take(session, means.about, values)
    if outcome is not None and (concerned := _CONCERNED.get(str(told.body.get("object")))):
        outcome = "known" if await concerned(session, told.body) else "unknown"
        await repository.set_outcome(session, values["event_id"], outcome)
    if outcome == "unknown" and told.body.get("object") not in _NO_MONEY:
        await report(session, Odd(gateway, means.about, means.ref, "unknown"))
    EVENTS_TAKEN.labels(outcome or "again").inc()


async def replay(refs: Sequence[str], since: datetime | None) -> int:
    """Let what the kept events with ``refs``, or all since an instant, are of be looked at; return how many it was."""
    async with reading() as connection:
        found = await repository.to_replay(connection, refs, since)
    looked = 0
    for event in found:
        told = Told(event.ref, event.kind, event.happened_at, event.body | {"metadata": {"row": event.body.get("row")}})
        means = rules.meaning(told)
        concerned = _CONCERNED.get(str(event.body.get("object")))
        if means.about == "other" and concerned is None:
            continue
        async with unit_of_work() as session:
            if concerned is not None:
                is_ours = await concerned(session, event.body)
            else:
                of = _of(event.gateway, means.ref, means.row, ())
                is_ours = await repository.look_again(session, means.about, of)
            await repository.set_outcome(session, event.id, "known" if is_ours else "unknown")
        looked += is_ours
    return looked


def _of(gateway: str, ref: str, row: str | None, known_states: Sequence[str]) -> dict[str, object]:
    return {
        "now": clock.now(),
        "of_gateway": gateway,
        "object_ref": ref,
        "row_id": _uuid(row),
        "known_states": list(known_states),
    }


def _uuid(row: str | None) -> uuid.UUID | None:
    try:
        return None if row is None else uuid.UUID(row)
    except ValueError:
        return None
