"""Authorizations go on to another state, and whoever waits for it is told in the same transaction."""

from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.billing.authorizations import repository
from app.billing.authorizations.models import Authorization
from app.billing.events import (
    AuthorizationFailed,
    AuthorizationLapsed,
    AuthorizationNeedsAction,
    AuthorizationSucceeded,
    CardRefundFailed,
)
from app.billing.subsidies.service import reserving
from app.core import clock
from app.core.events import emit

_Told = (
    type[AuthorizationFailed]
    | type[AuthorizationLapsed]
    | type[AuthorizationNeedsAction]
    | type[AuthorizationSucceeded]
    | type[CardRefundFailed]
)
_OVER: Final[dict[str, type[AuthorizationFailed] | type[AuthorizationLapsed]]] = {
    "failed": AuthorizationFailed,
    "lapsed": AuthorizationLapsed,
}


async def succeed(session: AsyncSession, authorization: Authorization) -> None:
    """All of it is promised."""
    authorization.state, authorization.authorized_at, authorization.failure = "authorized", clock.now(), None
    await tell(session, authorization, AuthorizationSucceeded)


async def ask_the_payer(session: AsyncSession, authorization: Authorization) -> None:
    """The bank wants the payer to prove who they are."""
    authorization.state = "requires_action"
    await tell(session, authorization, AuthorizationNeedsAction)


async def end(session: AsyncSession, authorization: Authorization, state: str, failure: str | None = None) -> None:
    """It promises nothing any more: ``failed``, ``lapsed``, or ``voided``, which whoever voids it knows.

    What programmes promised for it is let go with it.
    """
    await reserving.release(session, authorization.id)
    authorization.state, authorization.failure, authorization.closed_at = state, failure, clock.now()
    if state in _OVER:
        await tell(session, authorization, _OVER[state])
    else:
        await session.flush()


async def begin_authorized(session: AsyncSession, authorization: Authorization) -> None:
    """Insert an authorization of which nothing is to be held on a card, and tell of it."""
    authorization.state, authorization.authorized_at = "authorized", clock.now()
    told = AuthorizationSucceeded(**_about(authorization))
    await repository.add_authorized(session, authorization, told)


async def tell(session: AsyncSession, authorization: Authorization, event: _Told) -> None:
    """Emit a fact about an authorization."""
    await emit(session, event(**_about(authorization)))


def _about(authorization: Authorization) -> dict[str, Any]:
    return {
        "aggregate_id": authorization.id,
        "community_id": authorization.community_id,
        "resident_id": authorization.resident_id,
        "organization_id": authorization.organization_id,
        "reference_kind": authorization.reference_kind,
        "reference_id": authorization.reference_id,
    }
