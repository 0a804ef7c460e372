"""What is written about a video visit, over HTTP."""

from typing import Annotated, Final

from fastapi import Depends, Response

from app.core.paging import Page
from app.core.problems import Forbidden, NotFound, StaleVersion, Unauthenticated, problem_responses
from app.core.routing import IfMatch, Reading, Router, Session, set_etag
from app.identity.api import trace_read
from telemedicine.consultations import views
from telemedicine.consultations.access import JOIN, READ, ConsultationSubject, note_guard
from telemedicine.consultations.problems import NoteMissing, NoteSigned, NotYourConsultation
from telemedicine.consultations.schemas.notes import AddendumWrite, ConsultationNotePublic, ConsultationNoteWrite
from telemedicine.consultations.service import notes

router = Router(tags=["telemedicine"])

Seen = Annotated[ConsultationSubject, Depends(note_guard(READ))]
Held = Annotated[ConsultationSubject, Depends(note_guard(JOIN, holder=True))]
_GUARDED: Final = (Unauthenticated, Forbidden, NotFound)
_HELD: Final = (*_GUARDED, NotYourConsultation)


@router.get("/consultations/{consultation_id}/notes", responses=problem_responses(*_GUARDED))
async def list_consultation_notes(connection: Reading, seen: Seen) -> Page[ConsultationNotePublic]:
    """Show the signed note and what was added to it; to its author also the draft."""
    await trace_read(connection, seen.actor, seen.resident, "consultation_note:read", seen.id)
    return Page(items=await views.notes(connection, seen), next=None)


@router.put("/consultations/{consultation_id}/note", responses=problem_responses(*_HELD, NoteSigned, StaleVersion))
async def write_consultation_note(
    session: Session, held: Held, data: ConsultationNoteWrite, if_match: IfMatch, response: Response
) -> ConsultationNotePublic:
    """Write the note, whole, until it is signed."""
    note = await notes.write_note(session, held, data, if_match)
    set_etag(response, note.version)
    return await views.note(await session.connection(), held, note.id)


@router.post(
    "/consultations/{consultation_id}/note/signature",
    responses=problem_responses(*_HELD, NoteMissing, NoteSigned),
)
async def sign_consultation_note(session: Session, held: Held) -> ConsultationNotePublic:
    """Sign the note: it stands from now on, and the resident gets the instructions in it."""
    note = await notes.sign_note(session, held)
    return await views.note(await session.connection(), held, note.id)


@router.post(
    "/consultations/{consultation_id}/addenda", status_code=201, responses=problem_responses(*_HELD, NoteMissing)
)
async def add_consultation_addendum(session: Session, held: Held, data: AddendumWrite) -> ConsultationNotePublic:
    """Add to the note what is to be said after it was signed."""
    note = await notes.add_addendum(session, held, data)
    return await views.note(await session.connection(), held, note.id)
