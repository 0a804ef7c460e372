"""What the access matrix is asked about of running a community: what stands still, and who of support looked on."""

from datetime import timedelta

from app.core import clock
from app.core.database import unit_of_work
from app.core.sealing import seal
from app.identity.models import Account, Community
from app.identity.viewing.models import SupportViewing
from app.identity.viewing.rules import LASTS
from app.identity.viewing.service import REASON
from tests.policies.journeys.operations.test_parked_items import park_fact


async def things(place: Community, operator: Account, viewed: Account) -> dict[str, object]:
    """Insert a fact that was given up on, and an operator's look at what somebody sees, which is over."""
    began = clock.now() - timedelta(hours=2)
    row = SupportViewing(
        community_id=place.id,
        viewer_id=operator.id,
        account_id=viewed.id,
        reason=seal("They asked where their rota is", REASON),
        started_at=began,
        ends_at=began + LASTS,
        ended_at=began + LASTS,
    )
    async with unit_of_work() as session:
        session.add(row)
    return {"parked-items": f"event:tests.listener:{await park_fact(place)}", "viewings": row.id}
