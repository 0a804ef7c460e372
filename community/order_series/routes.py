"""Series over HTTP: agreed on, changed, skipped, paused and ended by residents and those they let."""

import uuid
from typing import Annotated, Final

from fastapi import Depends

from app.core.access import CurrentActor
from app.core.instants import GivenDay
from app.core.paging import Page, PageQuery
from app.core.problems import Forbidden, NotFound, StaleVersion, Unauthenticated, problem_responses
from app.core.routing import IfMatch, Reading, Router, Session
from app.identity.api import PeopleOnly, Person, ResidenceEnded, ResidentSubject, resident_guard
from community.housekeeping.problems import NotOfferedSo
from community.order_series.problems import NoSuchDay, OccurrenceBound, SeriesEnded, TermsChanged
from community.order_series.schemas import (
    Agreement,
    DayChange,
    OrderSeriesDetail,
    OrderSeriesPublic,
    PauseWrite,
    SeriesChange,
    SeriesPreview,
    SeriesWish,
    SeriesWrite,
)
from community.order_series.service import agreeing, days, pausing, terms
from community.order_series.views import series as views
from community.orders.access import ORDER, READ, require_orderer
from community.orders.problems import HomeNotOnMap

router = Router(tags=["housekeeping"])

Reader = Annotated[ResidentSubject, Depends(resident_guard(READ))]
Orderer = Annotated[ResidentSubject, Depends(resident_guard(ORDER))]
_GUARDED: Final = (Unauthenticated, Forbidden, NotFound)
_TERMS: Final = (HomeNotOnMap, NotOfferedSo, PeopleOnly, ResidenceEnded, TermsChanged)
_OF: Final = "/residents/{resident_id}/home-order-series"
_ONE: Final = f"{_OF}/{{series_id}}"
_DAY: Final = f"{_ONE}/occurrences/{{day}}"


@router.get(_OF, responses=problem_responses(*_GUARDED))
async def list_home_order_series(
    connection: Reading, actor: CurrentActor, subject: Reader, page: PageQuery
) -> Page[OrderSeriesPublic]:
    """List the help that a resident has again and again, the latest agreed first."""
    return await views.of_resident(connection, actor, subject, page)


@router.post(f"{_OF}/preview", responses=problem_responses(*_GUARDED, HomeNotOnMap, NotOfferedSo, ResidenceEnded))
async def preview_home_order_series(
    session: Session, actor: CurrentActor, subject: Orderer, data: SeriesWish
) -> SeriesPreview:
    """Show what help that recurs would cost, and when it would take place first; nothing is kept."""
    connection = await session.connection()
    await require_orderer(connection, actor, subject.resident_id)
    return await terms.preview(connection, actor, subject, data)


@router.post(_OF, status_code=201, responses=problem_responses(*_GUARDED, *_TERMS))
async def create_home_order_series(
    session: Session, actor: Person, subject: Orderer, data: SeriesWrite
) -> OrderSeriesDetail:
    """Agree on help that recurs, on the terms as previewed. Each occurrence is ordered by itself, four weeks ahead."""
    connection = await session.connection()
    await require_orderer(connection, actor, subject.resident_id)
    made = await agreeing.create(session, actor, subject, data)
    return await views.detail(connection, actor, subject, made.id)


@router.get(_ONE, responses=problem_responses(*_GUARDED))
async def get_home_order_series(
    series_id: uuid.UUID, connection: Reading, actor: CurrentActor, subject: Reader
) -> OrderSeriesDetail:
    """Show a series, and how each occurrence of the next eight weeks stands."""
    return await views.detail(connection, actor, subject, series_id)


@router.put(_ONE, responses=problem_responses(*_GUARDED, *_TERMS, OccurrenceBound, SeriesEnded, StaleVersion))
async def change_home_order_series(
    series_id: uuid.UUID,
    session: Session,
    actor: Person,
    subject: Orderer,
    data: SeriesChange,
    if_match: IfMatch = None,
) -> OrderSeriesDetail:
    """Change a series: all of it, or from a day on, where another series follows it; the one that goes on is shown."""
    connection = await session.connection()
    await require_orderer(connection, actor, subject.resident_id)
    made = await agreeing.change(session, actor, subject, series_id, data, if_match)
    return await views.detail(connection, actor, subject, made.id)


@router.delete(_ONE, status_code=204, responses=problem_responses(*_GUARDED, PeopleOnly, SeriesEnded, StaleVersion))
async def end_home_order_series(
    series_id: uuid.UUID, session: Session, actor: Person, subject: Orderer, if_match: IfMatch = None
) -> None:
    """End a series; what is ordered and too near to be called off freely stays, and is called off by itself."""
    await agreeing.end(session, actor, subject, series_id, if_match)


@router.post(f"{_ONE}/agreement", responses=problem_responses(*_GUARDED, *_TERMS, SeriesEnded))
async def agree_to_home_order_series(
    series_id: uuid.UUID, session: Session, actor: Person, subject: Orderer, data: Agreement
) -> OrderSeriesDetail:
    """Agree to the terms that hold by now: until somebody does, what costs more is not ordered."""
    connection = await session.connection()
    await require_orderer(connection, actor, subject.resident_id)
    await agreeing.agree(session, actor, subject, series_id, data)
    return await views.detail(connection, actor, subject, series_id)


@router.put(_DAY, responses=problem_responses(*_GUARDED, *_TERMS, NoSuchDay, OccurrenceBound, SeriesEnded))
async def set_home_order_series_day(
    series_id: uuid.UUID, day: GivenDay, session: Session, actor: Person, subject: Orderer, data: DayChange
) -> OrderSeriesDetail:
    """Skip one occurrence, or have it otherwise; the others stay as they are."""
    connection = await session.connection()
    await require_orderer(connection, actor, subject.resident_id)
    await days.set_day(session, actor, subject, series_id, day, data)
    return await views.detail(connection, actor, subject, series_id)


@router.delete(_DAY, responses=problem_responses(*_GUARDED, OccurrenceBound, PeopleOnly, SeriesEnded))
async def clear_home_order_series_day(
    series_id: uuid.UUID, day: GivenDay, session: Session, actor: Person, subject: Orderer
) -> OrderSeriesDetail:
    """Have an occurrence as the others again."""
    await days.clear_day(session, actor, subject, series_id, day)
    return await views.detail(await session.connection(), actor, subject, series_id)


@router.post(f"{_ONE}/pauses", status_code=201, responses=problem_responses(*_GUARDED, PeopleOnly, SeriesEnded))
async def pause_home_order_series(
    series_id: uuid.UUID, session: Session, actor: Person, subject: Orderer, data: PauseWrite
) -> OrderSeriesDetail:
    """Let nothing of a series take place for a while, or until it is resumed."""
    await pausing.pause(session, actor, subject, series_id, data)
    return await views.detail(await session.connection(), actor, subject, series_id)


@router.delete(f"{_ONE}/pauses", responses=problem_responses(*_GUARDED, PeopleOnly, SeriesEnded))
async def resume_home_order_series(
    series_id: uuid.UUID, session: Session, actor: Person, subject: Orderer
) -> OrderSeriesDetail:
    """Have a paused series go on; an absence ends where it was stated."""
    await pausing.resume(session, actor, subject, series_id)
    return await views.detail(await session.connection(), actor, subject, series_id)
