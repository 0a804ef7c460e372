"""Questions between clinicians: asked, answered, asked once more, closed."""

import uuid

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core import audit, clock
from app.core.access import Actor, system_actor
from app.core.events import emit
from app.core.problems import FieldError, Malformed
from app.core.sealing import seal
from app.identity.api import ResidenceEnded, organization_members
from notifications.api import send
from telemedicine.events import QuestionStateChanged
from telemedicine.records.access import RecordSubject, acting_for
from telemedicine.referrals import repository
from telemedicine.referrals.access import Subject, require_clinics
from telemedicine.referrals.models import MESSAGE, QUESTION, Question, QuestionMessage
from telemedicine.referrals.notices import ASKED, ASKED_NOW, QUESTION_ANSWERED, QUESTION_NEWS
from telemedicine.referrals.problems import NotYourPart, QuestionStands
from telemedicine.referrals.rules.deadlines import PRESSING, STAGES
from telemedicine.referrals.rules.states import QUESTION_WAYS, QuestionState, Side, Urgency
from telemedicine.referrals.schemas.parts import RecordSelection
from telemedicine.referrals.schemas.questions import QuestionAsk, QuestionContent
from telemedicine.referrals.service.climbing import acknowledge
from telemedicine.referrals.service.requesting import require_own_right, require_selection, require_target


async def ask(session: AsyncSession, subject: RecordSubject, data: QuestionAsk) -> Question:
    """Ask another clinic about a resident and return the question; the resident is told that somebody is asked.

    Raises ``ForReferrers``, ``ResidenceEnded``, and ``Malformed`` for a clinic, colleague or record that is not there.
    """
    require_clinics(subject)
    resident = subject.resident
    if resident.state != "active":
        raise ResidenceEnded
    from_id = acting_for(subject, data.organization_id) or subject.clinics[0]
    connection = await session.connection()
    await require_target(connection, resident.community_id, from_id, data.to_organization_id, None)
    colleagues = await organization_members(connection, data.to_organization_id, "clinician")
    if data.colleague_id is not None and data.colleague_id not in colleagues:
        raise Malformed(errors=[FieldError("/body/colleague_id", "no clinician there", "no_clinician")])
    await require_own_right(connection, subject, data.selection)
    await require_selection(connection, resident.resident_id, data.selection)
    await _require_unnamed(connection, data.selection)
    content = QuestionContent(specialty=data.specialty)
    row = Question(
        community_id=resident.community_id,
        resident_id=resident.resident_id,
        from_organization_id=from_id,
        to_organization_id=data.to_organization_id,
        colleague_id=data.colleague_id,
        requested_by=subject.actor.id,
        urgency=data.urgency,
        content=seal(content.model_dump_json(exclude_none=True), QUESTION),
    )
    await _wait(session, row, "asked")
    session.add(row)
    await session.flush()
    await repository.share(session, "question", row.id, row.resident_id, data.selection)
    await repository.publish(session, row.id, clock.now())
    await _say(session, row, "question", data.text, subject.actor)
    await _record(session, row, subject.actor)
    await _tell_asked(session, row)
    await send(
        session,
        QUESTION_NEWS,
        [resident.account_id],
        community_id=row.community_id,
        dedupe_key=f"{QUESTION_NEWS.key}:{row.id}",
        variables={"resident": row.resident_id},
        about=row.resident_id,
        data={"question_id": str(row.id)},
    )
    return row


async def _require_unnamed(connection: AsyncConnection, selection: RecordSelection) -> None:
    """Raise ``Malformed`` for what names the resident by what it is: the number they are insured under."""
    naming = await repository.naming(connection, [one.id for one in selection.health_records])
    wrong = [
        FieldError(f"/body/selection/health_records/{index}", "this tells who the resident is", "names_resident")
        for index, one in enumerate(selection.health_records)
        if one.id in naming
    ]
    if wrong:
        raise Malformed(errors=wrong)


async def answer(session: AsyncSession, subject: Subject, text: str) -> Question:
    """Answer a question and return it; whoever asked is told. Raises ``NotYourPart``, ``QuestionStands``."""
    row = await _become(session, subject, "answered")
    await _say(session, row, "answer", text, subject.actor)
    clinicians = await organization_members(await session.connection(), row.from_organization_id, "clinician")
    await send(
        session,
        QUESTION_ANSWERED,
        [row.requested_by] if row.requested_by in clinicians else clinicians,
        community_id=row.community_id,
        dedupe_key=f"{QUESTION_ANSWERED.key}:{row.id}:{row.version}",
        variables={"resident": row.resident_id},
        about=row.resident_id,
        data={"question_id": str(row.id)},
    )
    return row


async def follow_up(session: AsyncSession, subject: Subject, text: str) -> Question:
    """Ask once more, and return the question; raises ``NotYourPart``, ``QuestionStands``."""
    row = await _become(session, subject, "asked")
    await _say(session, row, "question", text, subject.actor)
    await _tell_asked(session, row)
    return row


async def close(session: AsyncSession, subject: Subject) -> Question:
    """Close a question, or object to it as the resident, and return it; raises ``NotYourPart``, ``QuestionStands``."""
    return await _become(session, subject, "closed")


async def take_up(session: AsyncSession, subject: Subject) -> Question:
    """Take up a late question and return it; raises as ``acknowledge``."""
    row = await repository.lock_question(session, subject.id)
    await acknowledge(session, subject, row)
    return row


async def close_of_resident(session: AsyncSession, resident_id: uuid.UUID) -> None:
    """Close what is open of the questions about a resident as their residence ends."""
    for row in await repository.open_questions_of(session, resident_id):
        await _set(session, row, "closed", system_actor(row.community_id))


async def _become(session: AsyncSession, subject: Subject, after: QuestionState) -> Question:
    sides: frozenset[Side] = frozenset(side for ways in QUESTION_WAYS.values() for side in ways.get(after, ()))
    is_staff_without_right = subject.side in ("from", "to") and not subject.is_clinician
    if subject.side not in sides or is_staff_without_right or subject.actor.kind != "account":
        raise NotYourPart(side=subject.side)
    row = await repository.lock_question(session, subject.id)
    before: QuestionState = row.state  # type: ignore[assignment]  # the table's check allows no other
    if subject.side not in QUESTION_WAYS[before].get(after, frozenset()):
        raise QuestionStands(question_state=row.state)
    await _set(session, row, after, subject.actor)
    return row


async def _set(session: AsyncSession, row: Question, after: QuestionState, by: Actor) -> None:
    await _wait(session, row, after)
    row.state = after
    row.closed_at = clock.now() if after == "closed" else None
    await session.flush()
    await _record(session, row, by)


async def _wait(session: AsyncSession, row: Question, state: QuestionState) -> None:
    """Set by when a question in a state is to be answered, or that nothing is waited for."""
    stage, due_at = STAGES.get(state), None
    if stage is not None:
        urgency: Urgency = row.urgency  # type: ignore[assignment]  # the table's check allows no other
        due_at = clock.now() + await repository.within(session, row.to_organization_id, stage, urgency)
    row.due_at = row.next_step_at = due_at
    row.step, row.acknowledged_at, row.acknowledged_by = 0, None, None


async def _say(session: AsyncSession, row: Question, kind: str, text: str, by: Actor) -> None:
    is_answer = kind == "answer"
    session.add(
        QuestionMessage(
            question_id=row.id,
            resident_id=row.resident_id,
            kind=kind,
            author_id=by.id,
            organization_id=row.to_organization_id if is_answer else row.from_organization_id,
            text=seal(text, MESSAGE),
        )
    )
    await session.flush()


async def _record(session: AsyncSession, row: Question, by: Actor) -> None:
    await emit(
        session,
        QuestionStateChanged(
            aggregate_id=row.id,
            community_id=row.community_id,
            resident_id=row.resident_id,
            organization_id=row.to_organization_id,
            from_organization_id=row.from_organization_id,
            state=row.state,
        ),
    )
    await audit.record(
        session,
        by,
        f"question:{row.state}",
        resident_id=row.resident_id,
        object_id=row.id,
        community_id=row.community_id,
    )


async def _tell_asked(session: AsyncSession, row: Question) -> None:
    clinicians = await organization_members(await session.connection(), row.to_organization_id, "clinician")
    notice = ASKED_NOW if row.urgency in PRESSING else ASKED
    await send(
        session,
        notice,
        [row.colleague_id] if row.colleague_id in clinicians else clinicians,
        community_id=row.community_id,
        dedupe_key=f"{notice.key}:{row.id}:{row.version}",
        data={"question_id": str(row.id)},
    )
