"""Offering notifications on a page of another feature, after something for which one wants them: never on load."""

from typing import Any

from app.portal.ground.visits import Visit
from app.portal.push.routes import push_key
from app.portal.push.texts import WORDS


async def offered(visit: Visit, *, after: bool) -> dict[str, Any]:
    """Return what ``push/offer.html`` needs; nothing is offered unless it is ``after`` what it is offered for."""
    return {"push_key": await push_key(visit) if after else None, "push_words": WORDS[visit.language]}
