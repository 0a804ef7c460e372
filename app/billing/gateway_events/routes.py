"""Where the payment gateway tells what happened."""

from typing import Annotated

from fastapi import Header, Request

from app.billing.gateway_events import service
from app.billing.gateway_events.problems import ForgedWebhook
from app.billing.gateways.choosing import chosen_gateway
from app.billing.gateways.port import ForgedError
from app.core.access import public
from app.core.problems import problem_responses
from app.core.routing import Router, Session, route_options

router = Router(tags=["billing"])


@router.post("/payments/stripe/webhooks", status_code=204, responses=problem_responses(ForgedWebhook))
@public("the gateway has no account: it signs what it sends")
@route_options(idempotency=False)
async def take_gateway_event(
    request: Request, session: Session, stripe_signature: Annotated[str, Header(max_length=2_048)] = ""
) -> None:
    """Take an event of Stripe's, signed over the bytes of its body. It may come twice and in any order."""
    gateway = chosen_gateway()
    if gateway is None:
        raise ForgedWebhook
    try:
        told = gateway.verify(await request.body(), stripe_signature)
    except ForgedError:
        raise ForgedWebhook from None
    await service.take(session, gateway.name, told)
