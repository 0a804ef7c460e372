"""A notice's attempts over HTTP."""

import uuid

from app.core.problems import NotFound, Unauthenticated, problem_responses
from app.core.routing import Reading, Router
from app.identity.api import PeopleOnly, Person
from notifications.attempts import service
from notifications.attempts.schemas import NoticeAttempts

router = Router(tags=["notifications"])


@router.get("/notices/{notice_id}", responses=problem_responses(Unauthenticated, PeopleOnly, NotFound))
async def get_notice(person: Person, connection: Reading, notice_id: uuid.UUID) -> NoticeAttempts:
    """Show every attempt to bring a notice to its recipient: channels, times, failures, receipts."""
    return await service.notice(connection, person, notice_id)
