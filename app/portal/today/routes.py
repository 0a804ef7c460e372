"""The pages of Today: how everybody is, the part of it that follows what happens, and the lists behind it."""

from typing import Annotated, Final, get_args

from fastapi import Query
from fastapi.responses import HTMLResponse

from app.core.database import reading
from app.core.paging import MAX_LIMIT, PageRequest
from app.core.routing import route_options
from app.portal.ground.pages import address, show
from app.portal.ground.routing import pages_router
from app.portal.ground.visits import Visit, Visitor
from app.portal.today import composing
from app.portal.today.texts import WORDS
from eldercare.api import Group, NameSought, care_overview, people_today

router = pages_router("/portal/today")

MANY: Final = 8
"""From so many on people are looked for by name."""
_PAGE: Final = MAX_LIMIT // 2
GROUPS: Final = get_args(Group)


async def _today(visit: Visit, path: str) -> HTMLResponse:
    # Past HTTP, by the same rules: this page is open on phones all day, and asked for whenever something happens.
    async with reading() as connection:
        overview = await care_overview(connection, visit.actor)
    reader = composing.Reader.of(visit)
    return show(
        visit,
        path,
        WORDS,
        said=composing.sentences(reader, overview),
        counts=composing.counts(reader, overview),
        sections=composing.sections(reader, overview),
        count=overview.count,
        is_many=overview.count >= MANY,
    )


@router.get("", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_today(visit: Visitor) -> HTMLResponse:
    """Show how everybody is."""
    return await _today(visit, "today/today.html")


@router.get("/part", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_today_part(visit: Visitor) -> HTMLResponse:
    """Show what of the page changes as the day goes on."""
    return await _today(visit, "today/part.html")


@router.get("/people", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_people(
    visit: Visitor,
    group: Annotated[Group | None, Query()] = None,
    name: Annotated[NameSought | None, Query()] = None,
    cursor: Annotated[str | None, Query(max_length=512)] = None,
) -> HTMLResponse:
    """Show those of a group, or those of a name, page by page."""
    async with reading() as connection:
        found = await people_today(connection, visit.actor, PageRequest(_PAGE, cursor), group=group, name=name)
    reader = composing.Reader.of(visit)
    following = address("/portal/today/people", group=group, name=name, cursor=found.next) if found.next else ""
    return show(
        visit,
        "today/people.html",
        WORDS,
        group=group or "",
        name=name or "",
        cards=[composing.card(reader, person) for person in found.items],
        next=following,
    )
