"""What a resident is told where the API refuses what they pressed: a page with the reason, and the way back."""

from collections.abc import Awaitable
from typing import Any

from starlette.responses import Response

from app.portal.ground.asking import Refused
from app.portal.ground.changing import trouble_of
from app.portal.ground.pages import show
from app.portal.ground.visits import Visit
from app.portal.resident_home.texts import WORDS


async def unless_refused(visit: Visit, asked: Awaitable[Any], back: str) -> Response | None:
    """Await what is asked of the API; return ``None``, or the page that says why it was not done.

    Raises ``Refused`` where there are no words for it.
    """
    try:
        await asked
    except Refused as refusal:
        trouble = trouble_of(visit, refusal, WORDS)
        return show(visit, "resident_home/trouble.html", WORDS, status=trouble.status, said=trouble.said, back=back)
    return None
