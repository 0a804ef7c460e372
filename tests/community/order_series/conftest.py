"""The resident, her daughter and the provider of the orders' tests, and help that recurs on Thursdays at nine."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from app.core.clock import ManualClock
from app.core.jobs import settle
from app.core.relay import RELAY_JOBS
from community.order_series import jobs as series_jobs
from community.orders import jobs as order_jobs
from tests.community.orders.conftest import THURSDAY, TOTAL, Body, By, Scene, scene, subscribed

__all__ = ["THURSDAY", "TOTAL", "Body", "By", "Scene", "scene", "subscribed"]

WEEK: Final = timedelta(days=7)
TOTALS: Final = {"workday": TOTAL, "weekend": 14_900, "holiday": 24_500}
THURSDAYS: Final = ["2026-03-05", "2026-03-12", "2026-03-19", "2026-03-26"]
"""Those within four weeks of the tests' Monday."""


def path(scene: Scene, series: Body | None = None, *more: str) -> str:
    """Return the path of the resident's series, or of what belongs to one."""
    found = f"/v1/residents/{scene.grace.id}/home-order-series"
    return "/".join((found, *([series["id"]] if series else []), *more))


def weekly(scene: Scene, **changes: Any) -> Body:
    """Return help that recurs on Thursdays at nine, to be paid to the provider, as it is agreed on."""
    return {
        "offer_id": str(scene.offer.id),
        "rrule": "FREQ=WEEKLY;BYDAY=TH",
        "begins": "09:00",
        "starts_on": "2026-03-05",
        "agreed": {"offer_version": 1, "totals": TOTALS},
        "payment_method": "provider",
    } | changes


async def agreed(scene: Scene, by: By | None = None, **changes: Any) -> Body:
    """Agree on help that recurs, have its orders made, and return it as it is then."""
    made = await scene.ask("POST", path(scene), weekly(scene, **changes), by=by, expect=201)
    await work()
    return await shown(scene, made)


async def shown(scene: Scene, series: Body, by: By | None = None) -> Body:
    """Return a series as it is now."""
    found: Body = await scene.ask("GET", path(scene, series), by=by)
    return found


async def later(clock: ManualClock, to: datetime) -> None:
    """Let it be later, and have done what is due by then."""
    clock.set(to)
    await work()


async def work() -> None:
    """Run what the worker does for series and orders until nothing is left to do."""
    await settle([*RELAY_JOBS, *series_jobs.JOBS, *order_jobs.JOBS])


def days(series: Body, state: str) -> list[str]:
    """Return the days of the occurrences ahead that stand so."""
    return [one["day"] for one in series["occurrences"] if one["state"] == state]


def at(series: Body, day: str) -> Body:
    """Return the occurrence of a day."""
    found: Body = next(one for one in series["occurrences"] if one["day"] == day)
    return found


async def ordered(scene: Scene, by: By | None = None) -> list[str]:
    """Return when the resident's orders begin that go on, the first first."""
    found = await scene.ask("GET", f"{scene.orders}?limit=100", by=by)
    going = [one["starts_at"] for one in found["items"] if one["state"] in ("held", "placed", "assigned")]
    return sorted(datetime.fromisoformat(one).astimezone(UTC).isoformat(timespec="minutes") for one in going)
