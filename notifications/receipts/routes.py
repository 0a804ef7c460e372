"""Receipts over HTTP: what an app confirms, and what is read in the inbox, which confirms it too."""

import uuid

from app.core.problems import Forbidden, NotFound, Unauthenticated, problem_responses
from app.core.routing import Router, Session
from app.identity.api import PeopleOnly, Person
from notifications.inbox.access import InboxOwner
from notifications.inbox.schemas import InboxReading, MarkedRead
from notifications.receipts import service
from notifications.receipts.schemas import ReceiptBatch

router = Router(tags=["notifications"])


@router.post("/me/receipts", status_code=204, responses=problem_responses(Unauthenticated, PeopleOnly))
async def record_my_receipts(person: Person, session: Session, batch: ReceiptBatch) -> None:
    """Say which pushes arrived and which were opened. Again changes nothing; ids that are not mine are ignored."""
    await service.record_receipts(session, person, batch.receipts)


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
