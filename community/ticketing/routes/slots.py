"""Seasons and slots of an attraction, for those who keep them."""

import uuid
from typing import Final

from fastapi import Response

from app.core.paging import Page, PageQuery
from app.core.problems import Forbidden, NotFound, StaleVersion, Unauthenticated, problem_responses
from app.core.routing import IfMatch, Reading, Router, Session, route_options, set_etag
from app.reservations.api import CalendarTaken
from community.attractions.access import Keeper, require_of
from community.ticketing import views
from community.ticketing.access import SpanQuery
from community.ticketing.problems import MoreIsSold, NotAGuide, NotGuided, SlotOver
from community.ticketing.schemas.given import (
    SeasonGenerate,
    SeasonPreviewAsk,
    SlotGuides,
    SlotTemplateWrite,
    TicketSlotCancel,
    TicketSlotChange,
    TicketSlotWrite,
)
from community.ticketing.schemas.shown import SeasonGenerated, SeasonPreview, SlotTemplatePublic, TicketSlotDetail
from community.ticketing.service import guiding, keeping, previewing, seasons, slots

router = Router(tags=["tourism"])

_OF: Final = "/organizations/{organization_id}"
_ATTRACTION: Final = f"{_OF}/attractions/{{attraction_id}}"
_SLOT: Final = f"{_OF}/ticket-slots/{{slot_id}}"
_ASKED: Final = (Unauthenticated, Forbidden, NotFound)


@router.get(f"{_ATTRACTION}/slot-templates", responses=problem_responses(*_ASKED))
async def list_slot_templates(
    organization_id: uuid.UUID, attraction_id: uuid.UUID, connection: Reading, member: Keeper, page: PageQuery
) -> Page[SlotTemplatePublic]:
    """List when an attraction has slots."""
    await require_of(connection, organization_id, attraction_id)
    return await views.kept(connection, member.community_id, SlotTemplatePublic, attraction_id, page)


@router.post(f"{_ATTRACTION}/slot-templates", status_code=201, responses=problem_responses(*_ASKED))
async def add_slot_template(
    organization_id: uuid.UUID,
    attraction_id: uuid.UUID,
    session: Session,
    member: Keeper,
    data: SlotTemplateWrite,
    response: Response,
) -> SlotTemplatePublic:
    """Say when a season has slots; they are made when that is asked for."""
    row = await keeping.add_template(session, member.actor, organization_id, attraction_id, data)
    set_etag(response, row.version)
    return SlotTemplatePublic.model_validate(row)


@router.put(f"{_OF}/slot-templates/{{template_id}}", responses=problem_responses(*_ASKED, StaleVersion))
async def set_slot_template(
    organization_id: uuid.UUID,
    template_id: uuid.UUID,
    session: Session,
    member: Keeper,
    data: SlotTemplateWrite,
    if_match: IfMatch,
) -> SlotTemplatePublic:
    """Say when a season has slots from now on; those that are there follow when they are made anew."""
    row = await keeping.set_template(session, member.actor, organization_id, template_id, data, if_match)
    return SlotTemplatePublic.model_validate(row)


@router.post(f"{_ATTRACTION}/slot-template-previews", responses=problem_responses(*_ASKED))
@route_options(idempotency=False)  # it changes nothing
async def preview_season(
    organization_id: uuid.UUID, attraction_id: uuid.UUID, session: Session, member: Keeper, data: SeasonPreviewAsk
) -> SeasonPreview:
    """Ask which slots ahead a template would have, and what would become of those there are. Nothing is changed."""
    return await previewing.preview(session, member.actor, organization_id, attraction_id, data)


@router.post(
    f"{_OF}/slot-templates/{{template_id}}/generation",
    responses=problem_responses(*_ASKED, MoreIsSold, CalendarTaken),
)
async def generate_season(
    organization_id: uuid.UUID, template_id: uuid.UUID, session: Session, member: Keeper, data: SeasonGenerate
) -> SeasonGenerated:
    """Make a template's slots ahead as it says by now. Asked again, it changes nothing; what is sold stays."""
    return await seasons.generate(session, member.actor, organization_id, template_id, data.overbook_reason)


@router.get(f"{_ATTRACTION}/ticket-slots", responses=problem_responses(*_ASKED))
async def list_ticket_slots(
    organization_id: uuid.UUID,
    attraction_id: uuid.UUID,
    connection: Reading,
    member: Keeper,
    page: PageQuery,
    span: SpanQuery,
) -> Page[TicketSlotDetail]:
    """List slots with what is sold of them and who guides them, also those that are closed."""
    await require_of(connection, organization_id, attraction_id)
    return await views.slots_kept(connection, member.community_id, attraction_id, span, page)


@router.post(f"{_ATTRACTION}/ticket-slots", status_code=201, responses=problem_responses(*_ASKED))
async def add_ticket_slot(
    organization_id: uuid.UUID,
    attraction_id: uuid.UUID,
    session: Session,
    member: Keeper,
    data: TicketSlotWrite,
    response: Response,
) -> TicketSlotDetail:
    """Add a slot beside those of templates."""
    slot_id = await slots.add_slot(session, member.actor, organization_id, attraction_id, data)
    found = await views.slot_detail(await session.connection(), member.community_id, organization_id, slot_id)
    set_etag(response, found.version)
    return found


@router.get(_SLOT, responses=problem_responses(*_ASKED))
async def get_ticket_slot(
    organization_id: uuid.UUID, slot_id: uuid.UUID, connection: Reading, member: Keeper, response: Response
) -> TicketSlotDetail:
    """Show a slot, what is sold of it and who guides it."""
    found = await views.slot_detail(connection, member.community_id, organization_id, slot_id)
    set_etag(response, found.version)
    return found


@router.put(_SLOT, responses=problem_responses(*_ASKED, StaleVersion, SlotOver, MoreIsSold, CalendarTaken))
async def set_ticket_slot(
    organization_id: uuid.UUID,
    slot_id: uuid.UUID,
    session: Session,
    member: Keeper,
    data: TicketSlotChange,
    if_match: IfMatch,
) -> TicketSlotDetail:
    """Change a slot by hand. Tickets that are sold stay good, also at another time, of which their holders hear."""
    await slots.change_slot(session, member.actor, organization_id, slot_id, data, if_match)
    return await views.slot_detail(await session.connection(), member.community_id, organization_id, slot_id)


@router.post(f"{_SLOT}/cancellation", responses=problem_responses(*_ASKED, SlotOver))
async def cancel_ticket_slot(
    organization_id: uuid.UUID,
    slot_id: uuid.UUID,
    session: Session,
    member: Keeper,
    data: TicketSlotCancel,
) -> TicketSlotDetail:
    """Call a slot off; whoever has tickets hears of it and is given their money back."""
    await slots.cancel_slot(session, member.actor, organization_id, slot_id, data.reason)
    return await views.slot_detail(await session.connection(), member.community_id, organization_id, slot_id)


@router.put(
    f"{_OF}/slot-guides",
    status_code=204,
    responses=problem_responses(*_ASKED, NotAGuide, NotGuided, SlotOver, CalendarTaken),
)
async def set_slot_guides(organization_id: uuid.UUID, session: Session, member: Keeper, data: SlotGuides) -> None:
    """Have somebody guide tours, all of them or none: in their calendar nothing else can be at those times."""
    await guiding.assign(session, member.actor, organization_id, data.slot_ids, data.guide_id)
