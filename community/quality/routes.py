"""How a provider does, over HTTP."""

import uuid
from datetime import date, time
from typing import Annotated, Final

from fastapi import Depends, Query

from app.core import clock
from app.core.problems import FieldError, Forbidden, Malformed, NotFound, Unauthenticated, problem_responses
from app.core.routing import Reading, Router
from app.core.wall_time import resolve, zone
from app.identity.api import Member, community, member_guard
from community.quality import views
from community.quality.schemas import Quality

router = Router(tags=["housekeeping"])

Keeper = Annotated[Member, Depends(member_guard("coordinator", "operator"))]
Month = Annotated[str | None, Query(pattern=r"^20\d\d-(0[1-9]|1[0-2])$")]
_GUARDED: Final = (Unauthenticated, Forbidden, NotFound)
_MONTHS: Final = 24


@router.get("/organizations/{organization_id}/quality", responses=problem_responses(*_GUARDED))
async def get_provider_quality(
    organization_id: uuid.UUID, connection: Reading, member: Keeper, since: Month = None, until: Month = None
) -> Quality:
    """Show how a provider did, month by month: from ``since`` to ``until``, both with it; else the last twelve."""
    time_zone = (await community(connection, member.community_id)).time_zone
    last = _first_of(until) if until else clock.now().astimezone(zone(time_zone)).date().replace(day=1)
    first = _first_of(since) if since else last.replace(year=last.year - 1)
    if not 0 <= _number(last) - _number(first) < _MONTHS:
        detail = f"not before since, and at most {_MONTHS} months"
        raise Malformed(errors=[FieldError("/query/until", detail, "bad_span")])
    following = last.replace(year=last.year + last.month // 12, month=last.month % 12 + 1)
    span = (resolve(first, time.min, time_zone), resolve(following, time.min, time_zone))
    return await views.of_provider(connection, organization_id, span, time_zone)


def _first_of(month: str) -> date:
    return date.fromisoformat(f"{month}-01")


def _number(month: date) -> int:
    return month.year * 12 + month.month
