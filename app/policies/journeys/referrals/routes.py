"""The readings that go with a referral over HTTP."""

import uuid

from app.core.access import CurrentActor
from app.core.paging import Page, PageQuery
from app.core.problems import Forbidden, NotFound, Unauthenticated, problem_responses
from app.core.routing import Reading, Router
from eldercare.api import ReadingPublic, ReadingQuery, shared_readings
from telemedicine.api import referral_vitals

router = Router(tags=["telemedicine"])


@router.get("/referrals/{referral_id}/vitals", responses=problem_responses(Unauthenticated, Forbidden, NotFound))
async def list_referral_vitals(
    referral_id: uuid.UUID, connection: Reading, actor: CurrentActor, page: PageQuery
) -> Page[ReadingPublic]:
    """List the readings of the time that was chosen, the latest first; none if none was."""
    resident_id, window = await referral_vitals(connection, actor, referral_id)
    if window is None:
        return Page(items=[], next=None)
    wanted = ReadingQuery(first=window.first, end=window.end)
    return await shared_readings(connection, actor, resident_id, page, wanted)
