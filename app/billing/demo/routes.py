"""The local twin over HTTP: what an app does with Stripe, a person does here with made-up cards."""

from app.billing.demo import views
from app.billing.demo.problems import MadeUpCardRefused
from app.billing.demo.schemas import CardEntered, ProofGiven, TwinPayments
from app.billing.gateways.local_gateway import LocalGateway
from app.billing.gateways.port import NotDoneError
from app.core.access import public
from app.core.problems import problem_responses
from app.core.routing import Reading, Router, route_options

router = Router(tags=["demo"], prefix="/demo")


@router.get("/payments")
@public("what the demo's local twin took, of nobody's; never mounted in production")
async def list_twin_payments(connection: Reading) -> TwinPayments:
    """List what the local twin took or holds, the newest first."""
    return TwinPayments(items=await views.newest(connection))


@router.post("/card-setups", status_code=204, responses=problem_responses(MadeUpCardRefused))
@public("a card of the demo, where no card is real; never mounted in production")
@route_options(database=False, idempotency=False)
async def enter_card(data: CardEntered) -> None:
    """Give a made-up card to be saved, as an app does with Stripe."""
    try:
        await LocalGateway().save_card(data.ref, data.last4)
    except NotDoneError as error:
        raise MadeUpCardRefused(reason=error.code) from None


@router.post("/card-proofs", status_code=204, responses=problem_responses(MadeUpCardRefused))
@public("a proof of the demo, where no card is real; never mounted in production")
@route_options(database=False, idempotency=False)
async def give_proof(data: ProofGiven) -> None:
    """Prove who one is, or fail to, as an app does with Stripe."""
    try:
        await LocalGateway().prove(data.ref, succeeds=data.succeeds)
    except NotDoneError as error:
        raise MadeUpCardRefused(reason=error.code) from None
