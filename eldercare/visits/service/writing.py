"""What carers leave of a visit: tasks ticked, notes, a word for whoever comes next, photos."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.access import Actor
from app.core.sealing import seal
from app.core.touching import touch
from app.media.api import MediaPublic, Purpose, attach
from eldercare.visits import repository, rules
from eldercare.visits.access import OwnVisit
from eldercare.visits.models import NOTE_TEXT, TICK_REASON, VisitNote
from eldercare.visits.problems import TaskRecorded, UnknownTask, VisitNotOpen
from eldercare.visits.schemas.tasks import tasks_of_visit
from eldercare.visits.schemas.work import NoteGive, PhotoGive, TickGive
from eldercare.visits.service.staffing import locked, record
from eldercare.visits.service.times import moment_of
from eldercare.visits.views.visits import PHOTOS


async def tick(session: AsyncSession, actor: Actor, own: OwnVisit, data: TickGive) -> None:
    """Say what became of a task of a visit under way; the last word counts.

    Raises ``VisitNotOpen``, ``UnknownTask``, ``WrongTime``, and ``TaskRecorded`` where a colleague said otherwise while
    the phone had no network, and it is not ``confirmed``.
    """
    visit = await locked(session, own.visit.resident_id, own.visit.id)
    if visit.state != "in_progress":
        raise VisitNotOpen(state=visit.state)
    if data.task_id not in {task.id for task in tasks_of_visit(visit.tasks)}:
        raise UnknownTask
    at = rules.within(moment_of(data.occurred_at), visit.started_at)
    said = await repository.word_of(session, visit.id, data.task_id)
    word = rules.Word(data.is_done, at, actor.id)
    match rules.weighed(said, word, is_belated=data.occurred_at is not None, confirmed=data.confirmed):
        case "known":
            return
        case "doubt" if said is not None:
            raise TaskRecorded(is_done=said.is_done, ticked_at=said.at.isoformat(), ticked_by=str(said.by))
    row = {
        "visit_id": visit.id,
        "resident_id": visit.resident_id,
        "task_id": data.task_id,
        "is_done": data.is_done,
        "reason": seal(data.reason, TICK_REASON) if data.reason else None,
        "ticked_at": at,
        "ticked_by": actor.id,
    }
    await repository.set_ticks(session, [row])
    await touch(session, "visit", visit.id, community_id=visit.community_id, resident_id=visit.resident_id)
    await record(session, actor, "visit:tick", visit)


async def write_note(session: AsyncSession, actor: Actor, own: OwnVisit, data: NoteGive) -> VisitNote:
    """Write a note while the visit goes on or after it.

    Raises ``VisitNotOpen`` for one that never began, ``WrongTime``.
    """
    visit = await locked(session, own.visit.resident_id, own.visit.id)
    if visit.state not in ("in_progress", "completed"):
        raise VisitNotOpen(state=visit.state)
    note = VisitNote(
        visit_id=visit.id,
        resident_id=visit.resident_id,
        organization_id=visit.organization_id,
        author_id=actor.id,
        kind=data.kind,
        text=seal(data.text, NOTE_TEXT),
        written_at=rules.within(moment_of(data.occurred_at), visit.started_at),
    )
    session.add(note)
    await session.flush()
    await touch(session, "visit", visit.id, community_id=visit.community_id, resident_id=visit.resident_id)
    await record(session, actor, "visit:note", visit)
    return note


async def add_photo(session: AsyncSession, actor: Actor, own: OwnVisit, data: PhotoGive) -> MediaPublic:
    """Add a photo that the carer uploaded; raises ``VisitNotOpen``, ``WrongTime`` and what ``attach`` raises."""
    visit = await locked(session, own.visit.resident_id, own.visit.id)
    if visit.state not in ("in_progress", "completed"):
        raise VisitNotOpen(state=visit.state)
    taken_at = rules.within(moment_of(data.occurred_at), visit.started_at)
    added = await attach(
        session,
        actor,
        data.upload_id,
        purpose=Purpose.PHOTO,
        kind=PHOTOS,
        object_id=visit.id,
        resident_id=visit.resident_id,
        taken_at=taken_at,
    )
    await touch(session, "visit", visit.id, community_id=visit.community_id, resident_id=visit.resident_id)
    await record(session, actor, "visit:photo", visit)
    return added
