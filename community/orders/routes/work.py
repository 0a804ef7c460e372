"""Orders over HTTP for whoever carries them out: their day, the way there, the door, the work."""

from typing import Annotated, Final

from fastapi import Depends, Query

from app.core import clock
from app.core.access import CurrentActor, not_viewed
from app.core.instants import GivenDay
from app.core.paging import Page
from app.core.problems import Conflict, NotFound, Unauthenticated, problem_responses
from app.core.routing import Reading, Router, Session, route_options
from app.identity.api import PeopleOnly, Person, people
from app.media.api import MediaPublic
from community.orders import rules
from community.orders.access import Subject, order_guard, require_been
from community.orders.problems import (
    ChecklistOpen,
    DoorNotShown,
    ExtraPending,
    NotYourOrder,
    OrderNotOpen,
    StartCodeLocked,
    TooEarly,
    UnknownStep,
    WrongStartCode,
)
from community.orders.schemas.given import (
    ExtraAsk,
    NoAccessGive,
    NoteGive,
    OrderFinish,
    PhotoGive,
    PositionGive,
    SetOutGive,
    StartGive,
)
from community.orders.schemas.shown import DoorPublic, OrderDetail, OrderExtraPublic, OrderNotePublic, StopPublic
from community.orders.service import attending, working
from community.orders.views import details, orders

router = Router(tags=["housekeeping"])

Own = Annotated[Subject, Depends(order_guard("worker"))]
Been = Annotated[Subject, Depends(order_guard("worker", require=require_been))]
Ended = Annotated[Subject, Depends(order_guard("worker", "provider", "operator"))]
_MAKING: Final = (Unauthenticated, NotYourOrder, NotFound)
_ONE: Final = "/home-orders/{order_id}"


@router.get("/me/home-orders", responses=problem_responses(Unauthenticated, PeopleOnly))
async def list_my_home_orders(
    connection: Reading,
    actor: Person,
    day: Annotated[GivenDay | None, Query(alias="date", description="your local day; without it: today")] = None,
) -> Page[StopPublic]:
    """List the orders you carry out on a day, in order: to whom, where, when."""
    me = (await people(connection, [actor.id]))[actor.id]
    chosen = day or rules.local_date(clock.now(), me.time_zone)
    span = rules.day_bounds(chosen, me.time_zone)
    return Page(items=await orders.worker_day(connection, actor, span), next=None)


@router.get(f"{_ONE}/door", responses=problem_responses(*_MAKING, DoorNotShown))
@not_viewed("how to get into a home")
async def get_home_order_door(connection: Reading, actor: CurrentActor, subject: Own) -> DoorPublic:
    """Show how to get in, from two hours before until the work should have ended. It is on record."""
    return await details.door(connection, actor, subject)


@router.post(f"{_ONE}/on-the-way", responses=problem_responses(*_MAKING, OrderNotOpen, TooEarly))
async def set_out_for_home_order(
    session: Session, actor: CurrentActor, subject: Own, data: SetOutGive | None = None
) -> OrderDetail:
    """Say that you are on the way; the resident hears of it."""
    await attending.set_out(session, actor, subject, data or SetOutGive())
    return await details.after(await session.connection(), actor, subject.id)


@router.post(f"{_ONE}/position", status_code=204, responses=problem_responses(*_MAKING, OrderNotOpen))
async def report_home_order_position(session: Session, actor: CurrentActor, subject: Own, data: PositionGive) -> None:
    """Say where you are, while you are on the way: only the latest is kept, and none once you are there."""
    await attending.locate(session, actor, subject, data)


@router.post(
    f"{_ONE}/start",
    responses=problem_responses(*_MAKING, OrderNotOpen, StartCodeLocked, TooEarly, WrongStartCode),
)
@route_options(database=False, idempotency=False)
async def start_home_order(actor: CurrentActor, subject: Own, data: StartGive) -> OrderDetail:
    """Begin, with the code that the resident tells you. Whoever gives a wrong one too often has it confirmed."""
    await attending.start(actor, subject, data)
    return await details.reread(actor, subject.id)


@router.post(f"{_ONE}/no-access", responses=problem_responses(*_MAKING, OrderNotOpen, TooEarly))
async def report_home_order_no_access(
    session: Session, actor: CurrentActor, subject: Ended, data: NoAccessGive
) -> OrderDetail:
    """Say that nobody answers the door: people who know the resident look after them."""
    await attending.no_access(session, actor, subject, data)
    return await details.after(await session.connection(), actor, subject.id)


@router.post(f"{_ONE}/extra-time", status_code=201, responses=problem_responses(*_MAKING, ExtraPending, OrderNotOpen))
async def ask_home_order_extra_time(
    session: Session, actor: CurrentActor, subject: Own, data: ExtraAsk
) -> OrderExtraPublic:
    """Ask the resident for more time; without an answer it stays as it was agreed."""
    extra = await working.ask_extra(session, actor, subject, data)
    return await details.question(await session.connection(), subject.id, extra.id)


@router.post(f"{_ONE}/notes", status_code=201, responses=problem_responses(*_MAKING, OrderNotOpen))
async def add_home_order_note(session: Session, actor: CurrentActor, subject: Been, data: NoteGive) -> OrderNotePublic:
    """Write down what you found; that the resident is unwell raises an alarm at once."""
    return details.note(await working.write_note(session, actor, subject, data))


@router.post(f"{_ONE}/photos", status_code=201, responses=problem_responses(*_MAKING, OrderNotOpen, Conflict))
async def add_home_order_photo(session: Session, actor: CurrentActor, subject: Own, data: PhotoGive) -> MediaPublic:
    """Add a photo you have uploaded."""
    return await working.add_photo(session, actor, subject, data)


@router.post(f"{_ONE}/completion", responses=problem_responses(*_MAKING, ChecklistOpen, OrderNotOpen, UnknownStep))
async def finish_home_order(session: Session, actor: CurrentActor, subject: Ended, data: OrderFinish) -> OrderDetail:
    """End the work: each step is done, or you say why not. What it came to is taken of what was promised."""
    await working.finish(session, actor, subject, data)
    return await details.after(await session.connection(), actor, subject.id)
