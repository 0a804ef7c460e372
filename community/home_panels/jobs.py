"""What gateways do for panels, publishing what they show, and what workers do, asking what is to be shown next."""

import asyncio
from datetime import timedelta
from typing import Final

import structlog

from app.broker import api as broker
from app.core import clock, failures, stopping
from app.core.database import unit_of_work
from app.core.due import Due, drain
from app.core.jobs import Job
from community.home_panels import service
from community.home_panels.models import HomePanel
from community.home_panels.rules import CONNECTED, TOGETHER, WAKE
from community.home_panels.schemas import Sheet

PATIENCE: Final = timedelta(seconds=10)
PUBLISH: Final = Due("community.publish_home_panels", HomePanel, "publish_at")
RENEW: Final = Due("community.renew_home_panels", HomePanel, "look_at")

log = structlog.get_logger(__name__)


async def publish() -> int:
    """Publish what changed on panels until nothing is left or the process is asked to stop; return how many."""
    total = 0
    while not stopping.requested():
        async with unit_of_work() as session:
            found = await session.execute(PUBLISH.claim, {"claim_now": clock.now(), "claim_size": TOGETHER})
            ids = [row.id for row in found]
            sheets = await service.take_up(session, ids) if ids else []
        if not ids:
            break
        went = await asyncio.gather(*map(_publish_one, sheets))
        async with unit_of_work() as session:
            await service.published(
                session, {sheet.panel_id: sheet for sheet, gone in zip(sheets, went, strict=True) if gone}
            )
            await service.put_off(
                session, [sheet.panel_id for sheet, gone in zip(sheets, went, strict=True) if not gone]
            )
        total += sum(went)
        if not all(went):
            break
    return total


async def _publish_one(sheet: Sheet) -> bool:
    """Publish all that is kept of a panel, what announces it first; say whether the broker has it.

    What may have arrived is sent again: the broker keeps one of each.
    """
    try:
        async with asyncio.timeout(PATIENCE.total_seconds()):
            for topic, payload in sheet.messages:
                await broker.publisher().publish(topic, payload, qos=1, retain=True)
    except (broker.NotConnected, broker.Unconfirmed, TimeoutError):
        return False
    except Exception as error:  # noqa: BLE001 - whatever it was, to publish it once more harms nobody
        log.warning("home_panel_not_published", panel_id=str(sheet.panel_id), error=failures.code_of(error))
        return False
    return True


async def renew() -> int:
    """Ask what panels are to show whose next is over; return how many."""
    return await drain(RENEW, service.renew)


async def clear() -> int:
    """Take panels off walls where nothing of a resident's may be shown any more; return how many."""
    async with unit_of_work() as session:
        return await service.clear(session, TOGETHER)


GATEWAY_JOBS: Final = (Job(PUBLISH.name, timedelta(seconds=2), publish, wake_on=(WAKE, CONNECTED)),)
JOBS: Final = (
    Job(RENEW.name, timedelta(seconds=15), renew),
    Job("community.clear_home_panels", timedelta(minutes=1), clear),
)
