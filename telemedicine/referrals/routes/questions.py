"""Questions between clinicians over HTTP."""

import uuid
from typing import Annotated, Final

from fastapi import Depends, Response

from app.core.paging import Page, PageQuery
from app.core.problems import Forbidden, NotFound, Unauthenticated, problem_responses
from app.core.routing import Reading, Router, Session, set_etag
from app.identity.api import ResidenceEnded
from telemedicine.records.access import RecordSubject
from telemedicine.records.problems import NoTreatment
from telemedicine.referrals.access import Subject, question_guard, reader_guard, referrer_guard, require_question
from telemedicine.referrals.problems import ForReferrers, NothingClimbs, NotYourPart, QuestionStands
from telemedicine.referrals.schemas.questions import QuestionAsk, QuestionDetail, QuestionPublic, QuestionText
from telemedicine.referrals.schemas.referrals import SharedContent
from telemedicine.referrals.service import questions
from telemedicine.referrals.views import questions as views
from telemedicine.referrals.views.parts import question_records

router = Router(tags=["telemedicine"])

_KNOWN: Final = (Unauthenticated, Forbidden, NotFound)
_DECIDING: Final = (*_KNOWN, NotYourPart, QuestionStands)
_ONE: Final = "/questions/{question_id}"
Reader = Annotated[RecordSubject, Depends(reader_guard)]
Referrer = Annotated[RecordSubject, Depends(referrer_guard)]
Party = Annotated[Subject, Depends(question_guard)]


@router.post(
    "/residents/{resident_id}/questions",
    status_code=201,
    responses=problem_responses(Unauthenticated, Forbidden, NotFound, NoTreatment, ForReferrers, ResidenceEnded),
)
async def ask_question(
    resident_id: uuid.UUID,  # noqa: ARG001 - read by the guard
    session: Session,
    subject: Referrer,
    data: QuestionAsk,
    response: Response,
) -> QuestionDetail:
    """Ask another clinic about a resident one treats, who is not named to it."""
    row = await questions.ask(session, subject, data)
    party = await require_question(await session.connection(), subject.actor, row.id)
    return await _answer(session, party, response)


@router.resident_route("GET", "/questions", responses=problem_responses(*_KNOWN, NoTreatment))
async def list_questions(connection: Reading, subject: Reader, page: PageQuery) -> Page[QuestionPublic]:
    """List what clinics ask each other about a resident, the last first."""
    return await views.of_resident(connection, subject.actor, subject.resident.resident_id, page)


@router.get(_ONE, responses=problem_responses(*_KNOWN))
async def get_question(
    question_id: uuid.UUID,  # noqa: ARG001 - read by the guard
    connection: Reading,
    subject: Party,
    response: Response,
) -> QuestionDetail:
    """Show a question with what was said."""
    found = await views.question(connection, subject)
    set_etag(response, found.version)
    return found


@router.get(f"{_ONE}/records", responses=problem_responses(*_KNOWN))
async def get_question_records(
    question_id: uuid.UUID,  # noqa: ARG001 - read by the guard
    connection: Reading,
    subject: Party,
) -> SharedContent:
    """Show what goes with a question; to who is asked the question's id stands in place of the resident's."""
    return await question_records(connection, subject)


@router.post(f"{_ONE}/answers", responses=problem_responses(*_DECIDING))
async def answer_question(
    question_id: uuid.UUID,  # noqa: ARG001 - read by the guard
    session: Session,
    subject: Party,
    data: QuestionText,
    response: Response,
) -> QuestionDetail:
    """Answer a question."""
    await questions.answer(session, subject, data.text)
    return await _answer(session, subject, response)


@router.post(f"{_ONE}/follow-ups", responses=problem_responses(*_DECIDING))
async def follow_up_question(
    question_id: uuid.UUID,  # noqa: ARG001 - read by the guard
    session: Session,
    subject: Party,
    data: QuestionText,
    response: Response,
) -> QuestionDetail:
    """Ask once more, after an answer."""
    await questions.follow_up(session, subject, data.text)
    return await _answer(session, subject, response)


@router.post(f"{_ONE}/closure", responses=problem_responses(*_DECIDING))
async def close_question(
    question_id: uuid.UUID,  # noqa: ARG001 - read by the guard
    session: Session,
    subject: Party,
    response: Response,
) -> QuestionDetail:
    """Close a question, or object to it as the resident: what went with it is shown to nobody there any more."""
    await questions.close(session, subject)
    return await _answer(session, subject, response)


@router.post(f"{_ONE}/acknowledgement", responses=problem_responses(*_KNOWN, NotYourPart, NothingClimbs))
async def acknowledge_question(
    question_id: uuid.UUID,  # noqa: ARG001 - read by the guard
    session: Session,
    subject: Party,
    response: Response,
) -> QuestionDetail:
    """Take up a question that is late: nobody else is told that it is."""
    await questions.take_up(session, subject)
    return await _answer(session, subject, response)


async def _answer(session: Session, subject: Subject, response: Response) -> QuestionDetail:
    await session.flush()
    found = await views.written(await session.connection(), subject)
    set_etag(response, found.version)
    return found
