"""The community's settings, its holidays, how its messages read, and what this installation is."""

import asyncio
import re
from datetime import date
from typing import Annotated, Any, Final

from fastapi import Query
from starlette.responses import Response

from app.core import clock
from app.core.routing import route_options
from app.portal.ground.asking import Refused
from app.portal.ground.forms import Form, Posted
from app.portal.ground.pages import again, show
from app.portal.ground.routing import pages_router
from app.portal.ground.visits import Operating, Visit
from app.portal.operator.texts import WORDS
from app.portal.operator.trying import FINE, Wrong, wrong

router = pages_router("/portal/operator/settings")

PAGE: Final = "/portal/operator/settings"
EMERGENCIES: Final = ("medical", "fire", "police")
CHANNELS: Final = ("push", "sms", "voice", "mail", "inbox")
_LINE: Final = re.compile(r"(\d{4}-\d{2}-\d{2})\s+(\*?)\s*(.+)")
YEARS: Final = range(2000, 2201)


@router.get("", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_settings(visit: Operating) -> Response:
    """Show what the community goes by, and what runs here."""
    return await _settings(visit)


async def _settings(visit: Visit, said: Wrong = FINE, given: dict[str, str] | None = None) -> Response:
    community, installation = await asyncio.gather(visit.api.get("/v1/community"), visit.api.get("/v1/installation"))
    typed = {
        "name": community["name"],
        "time_zone": community["time_zone"],
        "languages": ", ".join(community["languages"]),
        "desk_phone": community["desk_phone"] or "",
        "minimum_app_version": community["minimum_app_version"],
    } | {f"number_{what}": community["emergency_numbers"].get(what, "") for what in EMERGENCIES}
    return show(
        visit,
        "operator/settings.html",
        WORDS,
        status=said.status,
        tab="settings",
        community=community,
        installation=installation,
        emergencies=EMERGENCIES,
        given=typed | (given or {}),
        wrong=said,
        year=clock.now().astimezone(visit.time_zone).year,
    )


@router.post("", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def change_community(visit: Operating, form: Posted) -> Response:
    """Change what the community goes by."""
    community = await visit.api.get("/v1/community")
    try:
        await visit.api.patch("/v1/community", _changed(form, community), version=form.number("version"))
    except Refused as refused:
        typed = ("name", "time_zone", "languages", "desk_phone", "minimum_app_version")
        numbers = (f"number_{what}" for what in EMERGENCIES)
        return await _settings(visit, wrong(visit, refused), form.given(*typed, *numbers))
    return again(PAGE, "changed")


def _changed(form: Form, community: dict[str, Any]) -> dict[str, Any]:
    # Numbers and features the page does not show stay as they are.
    numbers = {what: number for what, number in community["emergency_numbers"].items() if what not in EMERGENCIES}
    numbers |= {what: number for what in EMERGENCIES if (number := form.text(f"number_{what}", 20))}
    languages = [one for one in (part.strip() for part in form.text("languages").replace("，", ",").split(",")) if one]
    return {
        "name": form.text("name"),
        "time_zone": form.text("time_zone", 100),
        "languages": languages,
        "desk_phone": form.text("desk_phone", 40) or None,
        "minimum_app_version": form.text("minimum_app_version", 30),
        "emergency_numbers": numbers,
        "features": {name: form.flag(f"feature_{name}") for name in community["features"]},
    }


@router.get("/holidays/{year}", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_holidays(visit: Operating, year: int) -> Response:
    """Show a year's holidays and make-up workdays, one to a line."""
    return await _holidays(visit, year)


async def _holidays(visit: Visit, year: int, said: Wrong = FINE, text: str | None = None) -> Response:
    if year not in YEARS:
        raise Refused(404, {"code": "not_found"})
    known = await visit.api.get("/v1/holidays", **{"from": date(year, 1, 1), "to": date(year, 12, 31)})
    lines = (f"{one['day']} {'*' if one['is_workday'] else ''}{one['name']}" for one in known["items"])
    return show(
        visit,
        "operator/holidays.html",
        WORDS,
        status=said.status,
        tab="settings",
        year=year,
        text="\n".join(lines) if text is None else text,
        wrong=said,
    )


@router.post("/holidays/{year}", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def set_holidays(visit: Operating, form: Posted, year: int) -> Response:
    """Set a year's calendar as it was published."""
    text = form.text("days", 40_000)
    days, bad = _days(text)
    if bad:
        words = WORDS[visit.language]
        said = Wrong(words["problem_422"], {"days": words["holidays_bad"].format(lines=", ".join(map(str, bad)))}, 422)
        return await _holidays(visit, year, said, text)
    try:
        await visit.api.put(f"/v1/holidays/{year}", {"days": days})
    except Refused as refused:
        said = wrong(visit, refused)
        return await _holidays(visit, year, Wrong(said.text, {"days": "; ".join(said.beside(()))}, said.status), text)
    return again(f"{PAGE}/holidays/{year}", "changed")


def _days(text: str) -> tuple[list[dict[str, Any]], list[int]]:
    """Return the days a text names, one to a line, and the numbers of the lines that name none."""
    days, bad = [], []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        if (found := _LINE.fullmatch(line.strip())) is None:
            bad.append(number)
            continue
        day, star, name = found.groups()
        days.append({"day": day, "name": name.strip(), "is_workday": bool(star)})
    return days, bad


@router.get("/messages", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_messages(
    visit: Operating,
    notice: Annotated[str, Query(max_length=100)] = "",
    channel: Annotated[str, Query(max_length=10)] = "",
    language: Annotated[str, Query(max_length=10)] = "",
) -> Response:
    """Show the kinds of messages there are, and how one reads."""
    templates = (await visit.api.get("/v1/notice-templates"))["items"]
    preview, said = None, FINE
    if any(notice == one["key"] for one in templates):
        try:
            preview = await visit.api.get(
                f"/v1/notice-templates/{notice}/preview",
                channel=channel or "inbox",
                language=language or visit.language,
            )
        except Refused as refused:
            said = wrong(visit, refused)
    return show(
        visit,
        "operator/messages.html",
        WORDS,
        status=said.status,
        tab="settings",
        templates=templates,
        channels=CHANNELS,
        preview=preview,
        given={"notice": notice, "channel": channel or "inbox", "language": language or visit.language},
        wrong=said,
    )
