"""The HTTP side of the desk: its queue, claims, hand-overs and scripts."""

import uuid
from typing import Annotated

from fastapi import Depends, Header, Query

from app.core.paging import Page, PageQuery
from app.core.problems import Forbidden, NotFound, Unauthenticated, problem_responses
from app.core.routing import Reading, Router, Session
from app.identity.api import LANGUAGES, language_for
from eldercare.alarms.problems import (
    AlarmAlreadyAcknowledged,
    AlarmAlreadyOnScene,
    AlarmClosed,
    AlarmNotYours,
    NotForTheResident,
)
from eldercare.alarms.schemas import AlarmPublic, KindName
from eldercare.alarms.views import alarm_public
from eldercare.duty_desk import service, views
from eldercare.duty_desk.access import Desk, DeskAndAlarm, Operator
from eldercare.duty_desk.problems import HandoverOpen, HandoverOver, ScriptChanged
from eldercare.duty_desk.schemas import (
    DeskAlarm,
    HandoverOffer,
    HandoverPublic,
    QueueItem,
    ScriptLanguage,
    ScriptPublic,
    ScriptWrite,
    Show,
)

router = Router(tags=["eldercare"])

_REFUSALS = (Unauthenticated, Forbidden, NotForTheResident, NotFound)


async def _language(accept_language: Annotated[str, Header(max_length=200)] = LANGUAGES[0]) -> str:
    return language_for(accept_language)


Language = Annotated[str, Depends(_language)]


@router.get("/duty-desk/queue", responses=problem_responses(Unauthenticated, Forbidden))
async def list_desk_queue(
    connection: Reading, member: Desk, page: PageQuery, show: Annotated[Show, Query()] = "all"
) -> Page[QueueItem]:
    """List the community's open alarms: the worst first, then the oldest; who is told now, and who has them."""
    return await views.desk_queue(connection, member.actor, show, page)


@router.get("/duty-desk/alarms/{alarm_id}", responses=problem_responses(*_REFUSALS))
async def get_desk_alarm(connection: Reading, at_desk: DeskAndAlarm, language: Language) -> DeskAlarm:
    """Show an alarm with what to ask and do, in the reader's language, and who handed it over to whom."""
    alarm = at_desk.alarm
    return await views.desk_alarm(connection, at_desk.actor, alarm.id, alarm.resident_id, language)


@router.post(
    "/duty-desk/alarms/{alarm_id}/claim", responses=problem_responses(*_REFUSALS, AlarmClosed, AlarmAlreadyAcknowledged)
)
async def claim_alarm(session: Session, at_desk: DeskAndAlarm, language: Language) -> DeskAlarm:
    """Take an alarm from the queue. Of two who do so at once, one gets it; the other learns who has it.

    A claim that nothing follows ends, and the ladder goes on.
    """
    alarm = at_desk.alarm
    await service.claim(session, at_desk.actor, alarm.id)
    return await views.desk_alarm(await session.connection(), at_desk.actor, alarm.id, alarm.resident_id, language)


@router.delete(
    "/duty-desk/alarms/{alarm_id}/claim",
    responses=problem_responses(*_REFUSALS, AlarmClosed, AlarmNotYours, AlarmAlreadyOnScene),
)
async def release_alarm(session: Session, at_desk: DeskAndAlarm) -> AlarmPublic:
    """Put an alarm back into the queue: the next people are told at once."""
    return alarm_public(await service.give_back(session, at_desk.actor, at_desk.alarm.id))


@router.post(
    "/duty-desk/alarms/{alarm_id}/handovers",
    status_code=201,
    responses=problem_responses(*_REFUSALS, AlarmClosed, AlarmNotYours, AlarmAlreadyOnScene, HandoverOpen),
)
async def offer_handover(session: Session, at_desk: DeskAndAlarm, data: HandoverOffer) -> HandoverPublic:
    """Ask a colleague to take on an alarm; one has it until they do."""
    offer = await service.offer_handover(session, at_desk.actor, at_desk.alarm.id, data)
    return await views.handover(await session.connection(), offer.id)


@router.post(
    "/duty-desk/alarms/{alarm_id}/handovers/{handover_id}/acceptance",
    responses=problem_responses(*_REFUSALS, AlarmClosed, AlarmAlreadyOnScene, HandoverOver),
)
async def accept_handover(
    session: Session, at_desk: DeskAndAlarm, handover_id: uuid.UUID, language: Language
) -> DeskAlarm:
    """Take on the alarm a colleague hands over."""
    alarm = at_desk.alarm
    await service.accept_handover(session, at_desk.actor, alarm.id, handover_id)
    return await views.desk_alarm(await session.connection(), at_desk.actor, alarm.id, alarm.resident_id, language)


@router.delete(
    "/duty-desk/alarms/{alarm_id}/handovers/{handover_id}",
    status_code=204,
    responses=problem_responses(*_REFUSALS, AlarmClosed, AlarmAlreadyOnScene, HandoverOver),
)
async def end_handover(session: Session, at_desk: DeskAndAlarm, handover_id: uuid.UUID) -> None:
    """Say no to a hand-over, or take one's own back: the alarm stays whose it is."""
    await service.end_handover(session, at_desk.actor, at_desk.alarm.id, handover_id)


@router.get("/duty-desk/scripts", responses=problem_responses(Unauthenticated, Forbidden))
async def list_desk_scripts(
    connection: Reading, member: Desk, language: Annotated[ScriptLanguage, Query()] = "en"
) -> Page[ScriptPublic]:
    """List the scripts in force in a language, one for each kind of alarm."""
    return Page(items=await views.scripts(connection, member.community_id, language), next=None)


@router.get("/duty-desk/script-versions", responses=problem_responses(Unauthenticated, Forbidden))
async def list_desk_script_versions(
    connection: Reading,
    member: Desk,
    page: PageQuery,
    kind: Annotated[KindName, Query()],
    language: Annotated[ScriptLanguage, Query()] = "en",
) -> Page[ScriptPublic]:
    """List the versions the community wrote of a script, the latest first."""
    return await views.script_versions(connection, member.community_id, kind, language, page)


@router.post(
    "/duty-desk/scripts", status_code=201, responses=problem_responses(Unauthenticated, Forbidden, ScriptChanged)
)
async def write_desk_script(session: Session, member: Operator, data: ScriptWrite) -> ScriptPublic:
    """Write a new version of a script, in force from now on."""
    return views.script_public(await service.write_script(session, member.actor, member.community_id, data))
