"""The HTTP side of the circle's conversation."""

import uuid
from typing import Annotated

from fastapi import Depends

from app.core.paging import Page, PageQuery
from app.core.problems import Forbidden, NotFound, Unauthenticated, problem_responses
from app.core.routing import Reading, Router, Session
from app.identity.api import trace_read
from eldercare.messages import service, views
from eldercare.messages.access import Participant, conversation_guard
from eldercare.messages.problems import MessageWithdrawn, NotInCircle
from eldercare.messages.schemas import MessagePublic, MessageWrite, ReadMark, ReadUpTo

router = Router(tags=["eldercare"])

Reader = Annotated[Participant, Depends(conversation_guard("messages:read"))]
Writer = Annotated[Participant, Depends(conversation_guard("messages:write"))]
_REFUSALS = (Unauthenticated, Forbidden, NotInCircle, NotFound)


@router.resident_route("GET", "/circle-messages", responses=problem_responses(*_REFUSALS))
async def list_circle_messages(connection: Reading, reader: Reader, page: PageQuery) -> Page[MessagePublic]:
    """List what the circle wrote to each other, the latest first, back to when the reader joined."""
    return await views.messages(connection, reader, page)


@router.resident_route("POST", "/circle-messages", status_code=201, responses=problem_responses(*_REFUSALS))
async def write_circle_message(session: Session, writer: Writer, data: MessageWrite) -> MessagePublic:
    """Write to the circle: words, photos or both."""
    message = await service.write(session, writer, data)
    return await views.message(await session.connection(), message.id)


@router.resident_route(
    "DELETE",
    "/circle-messages/{message_id}",
    status_code=204,
    responses=problem_responses(*_REFUSALS, MessageWithdrawn),
)
async def withdraw_circle_message(session: Session, writer: Writer, message_id: uuid.UUID) -> None:
    """Take back what one wrote; the resident can take back anything. That it was there stays visible."""
    await service.withdraw(session, writer, message_id)


@router.resident_route("GET", "/circle-read-marks", responses=problem_responses(*_REFUSALS))
async def list_circle_read_marks(connection: Reading, reader: Reader) -> Page[ReadMark]:
    """Show how far everybody who reads along has read, and how much the caller has not."""
    await trace_read(connection, reader.actor, reader.subject, "circle_message:list")
    return Page(items=await views.read_marks(connection, reader), next=None)


@router.resident_route("POST", "/circle-read-marks", status_code=204, responses=problem_responses(*_REFUSALS))
async def mark_circle_messages(session: Session, reader: Reader, data: ReadUpTo) -> None:
    """Say that one has read up to a message; it never goes back."""
    await service.mark_read(session, reader, data.up_to)
