"""Receipts over HTTP: what an app confirms, and what is read in the inbox, which confirms it too."""

import uuid

from app.core.access import public
from app.core.problems import Forbidden, NotFound, Unauthenticated, problem_responses
from app.core.routing import Router, Session, route_options
from app.identity.api import PeopleOnly, Person
from notifications.inbox.access import InboxOwner
from notifications.inbox.schemas import InboxReading, MarkedRead
from notifications.receipts import service
from notifications.receipts.schemas import PushReceipt, ReceiptBatch

router = Router(tags=["notifications"])


@router.post("/me/receipts", status_code=204, responses=problem_responses(Unauthenticated, PeopleOnly))
async def record_my_receipts(person: Person, session: Session, batch: ReceiptBatch) -> None:
    """Say which pushes arrived and which were opened. Again changes nothing; ids that are not mine are ignored."""
    await service.record_receipts(session, person, batch.receipts)


@router.post("/push-receipts", status_code=204)
@public("the token in the push, which only the browser it was encrypted for has; all it can say is that the push came")
@route_options(database=False, idempotency=False)
async def record_push_receipt(receipt: PushReceipt) -> None:
    """Say that a Web Push arrived or was opened, from a worker that has no sign-in. Again changes nothing."""
    await service.record_push_receipt(receipt)


@router.post("/me/inbox/readings", responses=problem_responses(Unauthenticated, Forbidden))
async def mark_my_inbox_read(owner: InboxOwner, session: Session, reading: InboxReading) -> MarkedRead:
    """Mark everything up to an item as read."""
    return MarkedRead(marked=await service.open_up_to(session, owner, reading.up_to))


@router.post(
    "/me/inbox/{item_id}/reading", status_code=204, responses=problem_responses(Unauthenticated, Forbidden, NotFound)
)
async def mark_my_inbox_item_read(owner: InboxOwner, session: Session, item_id: uuid.UUID) -> None:
    """Mark one notice as read; doing it again changes nothing."""
    await service.open_item(session, owner, item_id)
