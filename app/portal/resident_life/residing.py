"""Whose pages these are: a resident's own, with what all of them show."""

import uuid
from collections.abc import Awaitable, Mapping
from typing import Any

from starlette.responses import HTMLResponse

from app.portal.ground.asking import Refused
from app.portal.ground.changing import Trouble, show_with, trouble_of
from app.portal.ground.moments import length, money
from app.portal.ground.pages import words_of
from app.portal.ground.visits import Visit
from app.portal.ground.wording import worded
from app.portal.resident_life.texts import WORDS


def resident_of(visit: Visit) -> uuid.UUID:
    """Return whose pages these are."""
    resident_id = visit.actor.resident_id
    if resident_id is None:
        raise RuntimeError("the pages' dependency lets nobody else in")
    return resident_id


def of_resident(visit: Visit, rest: str) -> str:
    """Return a path of the API about the resident."""
    return f"/v1/residents/{resident_of(visit)}/{rest}"


def words_for(visit: Visit) -> Mapping[str, str]:
    """Return the words of these pages in the reader's language."""
    return words_of(WORDS, visit.language)


def page(visit: Visit, template: str, trouble: Trouble | None = None, **values: Any) -> HTMLResponse:
    """Return one of these pages; with ``trouble`` it says why nothing was done."""
    return show_with(
        visit,
        f"resident_life/{template}",
        WORDS,
        trouble,
        trouble_code=trouble.refusal.code if trouble else "",
        money=lambda amount, currency: money(visit.language, amount, currency),
        told=lambda texts: worded(texts, visit.language),
        length=length,
        **values,
    )


async def answered(visit: Visit, asked: Awaitable[Any]) -> tuple[Any, Trouble | None]:
    """Return what the API answers, or why it does not; raises ``Refused`` where these pages have no words for it."""
    try:
        return await asked, None
    except Refused as refusal:
        return None, trouble_of(visit, refusal, WORDS)
