"""Pairing over HTTP: make a code for a resident's phone, redeem it on the phone."""

from datetime import timedelta
from typing import Annotated

from fastapi import Depends, status

from app.core.access import public
from app.core.problems import Forbidden, NotFound, TooManyRequests, Unauthenticated, problem_responses
from app.core.rate_limits import Rate, rate_limited
from app.core.routing import Router, Session, route_options
from app.identity.pairing import service
from app.identity.pairing.problems import PairingCodeInvalid
from app.identity.pairing.schemas import PairedPhone, PairingCreated, PairingRedeem
from app.identity.scopes import PROFILE_MANAGE
from app.identity.signed_in import PeopleOnly, Person
from app.identity.visibility import ResidentSubject, resident_guard

router = Router(tags=["identity"])


@router.resident_route(
    "POST",
    "/pairings",
    status_code=status.HTTP_201_CREATED,
    responses=problem_responses(Unauthenticated, Forbidden, PeopleOnly, NotFound),
)
@route_options(idempotency=False)
async def create_pairing(
    subject: Annotated[ResidentSubject, Depends(resident_guard(PROFILE_MANAGE))], actor: Person, session: Session
) -> PairingCreated:
    """Make a pairing code for the resident's phone: good once, for 15 minutes. Earlier codes end."""
    return await service.create_pairing(session, actor, subject)


@router.post(
    "/pairings/redemption",
    status_code=status.HTTP_201_CREATED,
    dependencies=[Depends(rate_limited("pairing", Rate(30, timedelta(minutes=10))))],
    responses=problem_responses(PairingCodeInvalid, TooManyRequests),
)
@public("the pairing code itself is the credential")
@route_options(idempotency=False)
async def redeem_pairing(data: PairingRedeem, session: Session) -> PairedPhone:
    """Set up a resident's phone: it is signed in, and gets a credential with which it can always raise an alarm."""
    return await service.redeem(session, data.code, data.device_label)
