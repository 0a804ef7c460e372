"""The HTTP side of the desk: its queue, claims, hand-overs and scripts."""

import uuid
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, Header, Query, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent

from app.core import live
from app.core.paging import Page, PageQuery
from app.core.problems import Forbidden, NotFound, TooManyRequests, Unauthenticated, problem_responses
from app.core.routing import Reading, Router, Session, route_options
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
from eldercare.duty_desk import views
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
from eldercare.duty_desk.service import following, working

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


async def _one_more_stream(member: Desk) -> AsyncIterator[None]:
    with live.stream_of(member.actor.viewed_by or member.actor.id):
        yield


@router.get(
    "/duty-desk/queue/stream",
    response_class=EventSourceResponse,
    dependencies=[Depends(_one_more_stream)],
    responses=problem_responses(Unauthenticated, Forbidden, TooManyRequests),
)
@route_options(database=False)
async def stream_desk_queue(
    request: Request,
    member: Desk,
    show: Annotated[Show, Query()] = "all",
    last_event_id: Annotated[str | None, Header(description="the id of the last event that was taken in")] = None,
) -> AsyncIterator[ServerSentEvent]:
    """Follow the community's open alarms live (Server-Sent Events), as they are committed.

    `entered`, `changed`: an alarm as the queue shows it. `left`: `{"id"}` of one that is in it no more. `queue`: what
    is in it now, the worst first, at the beginning and when all of a change was told; of what is not in there any
    more, let go. `reset`: the place of `Last-Event-ID` is not known any more, read the queue again. Connect first, then
    read the queue. The stream ends with the access token, the session or the place at the desk; come back with a new
    token and `Last-Event-ID`: nothing is lost, and a thing may be told again.
    """
    async for event in following.follow(request, member.actor, show, last_event_id):
        yield event


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
    await working.claim(session, at_desk.actor, alarm.id)
    return await views.desk_alarm(await session.connection(), at_desk.actor, alarm.id, alarm.resident_id, language)


@router.delete(
    "/duty-desk/alarms/{alarm_id}/claim",
    responses=problem_responses(*_REFUSALS, AlarmClosed, AlarmNotYours, AlarmAlreadyOnScene),
)
async def release_alarm(session: Session, at_desk: DeskAndAlarm) -> AlarmPublic:
    """Put an alarm back into the queue: the next people are told at once."""
    return alarm_public(await working.give_back(session, at_desk.actor, at_desk.alarm.id))


@router.post(
    "/duty-desk/alarms/{alarm_id}/handovers",
    status_code=201,
    responses=problem_responses(*_REFUSALS, AlarmClosed, AlarmNotYours, AlarmAlreadyOnScene, HandoverOpen),
)
async def offer_handover(session: Session, at_desk: DeskAndAlarm, data: HandoverOffer) -> HandoverPublic:
    """Ask a colleague to take on an alarm; one has it until they do."""
    offer = await working.offer_handover(session, at_desk.actor, at_desk.alarm.id, data)
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
    await working.accept_handover(session, at_desk.actor, alarm.id, handover_id)
    return await views.desk_alarm(await session.connection(), at_desk.actor, alarm.id, alarm.resident_id, language)


@router.delete(
    "/duty-desk/alarms/{alarm_id}/handovers/{handover_id}",
    status_code=204,
    responses=problem_responses(*_REFUSALS, AlarmClosed, AlarmAlreadyOnScene, HandoverOver),
)
async def end_handover(session: Session, at_desk: DeskAndAlarm, handover_id: uuid.UUID) -> None:
    """Say no to a hand-over, or take one's own back: the alarm stays whose it is."""
    await working.end_handover(session, at_desk.actor, at_desk.alarm.id, handover_id)


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
    return views.script_public(await working.write_script(session, member.actor, member.community_id, data))
