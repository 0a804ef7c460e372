"""Help at home that recurs, really committed."""

from datetime import date, time, timedelta
from typing import Any, Final

from app.core import clock
from app.core.database import unit_of_work
from app.identity.models import Resident
from community.housekeeping.models import ServiceOffer
from community.order_series.models import OrderSeries

TOTALS: Final = {"workday": 12_500, "weekend": 14_900, "holiday": 24_500}
WISH: Final[dict[str, Any]] = {"rrule": "FREQ=WEEKLY;BYDAY=TH", "begins": "09:00", "starts_on": "2026-03-05"}


async def series(of: Resident, offer: ServiceOffer) -> OrderSeries:
    """Insert help that a resident has on Thursdays at nine, paid to the provider."""
    row = OrderSeries(
        community_id=of.community_id,
        resident_id=of.id,
        account_id=of.account_id,
        ordered_by=of.account_id,
        organization_id=offer.organization_id,
        offer_id=offer.id,
        rrule="FREQ=WEEKLY;BYDAY=TH",
        begins=time(9),
        time_zone="Asia/Shanghai",
        starts_on=date(2026, 3, 5),
        counts_from=date(2026, 3, 5),
        options={},
        flexibility=timedelta(),
        keeps_worker=True,
        payment_method="provider",
        agreed_totals=TOTALS,
        currency="CNY",
        notice_period=timedelta(days=1),
        late_percent=0,
        plan_at=clock.now(),
    )
    async with unit_of_work() as session:
        session.add(row)
    return row


def agreed(offer_id: Any) -> dict[str, Any]:
    """Return what is sent to agree on it."""
    terms = {"offer_version": 1, "totals": TOTALS}
    return WISH | {"offer_id": str(offer_id), "agreed": terms, "payment_method": "provider"}
