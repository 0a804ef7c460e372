"""Whoever looks for somebody who has wandered off sees where they were, whatever else the alarm is about."""

from datetime import timedelta

import httpx
import pytest

from app.core import relay
from app.core.clock import ManualClock
from app.core.events import install_subscribers
from app.core.jobs import settle
from eldercare.alarms.models import AlarmKind, Severity
from eldercare.ladders.subscribers import SUBSCRIBERS
from tests.factories import eldercare_alarms as alarms
from tests.factories import eldercare_zones as zones
from tests.factories.eldercare_zones import fix
from tests.factories.sign_in import sign_in

pytestmark = pytest.mark.usefixtures("clock")


async def _tell_the_desk(clock: ManualClock) -> None:
    for _ in range(3):
        await alarms.climb()
        clock.advance(timedelta(minutes=10))


async def _may_search(client: httpx.AsyncClient, scene: zones.Scene) -> bool:
    found = await client.get(f"{scene.path}/location", headers=await sign_in(scene.desk))
    return found.status_code == 200


async def test_who_is_told_after_somebody_left_sees_where_they_were_whatever_came_first(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    scene = await zones.scene()
    await zones.set_zone(client, scene, needed=1, looked_at=1)
    await alarms.raised(scene.resident, kind=AlarmKind.FALL, severity=Severity.CRITICAL)
    await zones.report(client, scene, fix(900))
    await _tell_the_desk(clock)
    assert await _may_search(client, scene)


@pytest.mark.parametrize("kind", [AlarmKind.FALL, AlarmKind.SOS])
async def test_who_was_told_before_somebody_left_sees_where_they_were_from_then_on(
    client: httpx.AsyncClient, clock: ManualClock, kind: AlarmKind
) -> None:
    """An SOS stands alone: that they left is another alarm, of which nobody who is on the way was told yet."""
    scene = await zones.scene()
    await zones.set_zone(client, scene, needed=1, looked_at=1)
    await alarms.raised(scene.resident, kind=kind, severity=Severity.CRITICAL)
    await _tell_the_desk(clock)
    assert not await _may_search(client, scene)
    previous = install_subscribers(SUBSCRIBERS)
    try:
        await zones.report(client, scene, fix(900))
        await settle(relay.RELAY_JOBS)
    finally:
        install_subscribers(previous)
    assert await _may_search(client, scene)


async def test_an_exercise_lets_nobody_see_where_somebody_was(client: httpx.AsyncClient, clock: ManualClock) -> None:
    scene = await zones.scene()
    await alarms.raised(scene.resident, kind=AlarmKind.SOS, severity=Severity.CRITICAL)
    await _tell_the_desk(clock)
    previous = install_subscribers(SUBSCRIBERS)
    try:
        await alarms.raised(scene.resident, kind=AlarmKind.WANDERING, severity=Severity.CRITICAL, is_test=True)
        await alarms.raised(scene.resident, kind=AlarmKind.WANDERING, severity=Severity.CRITICAL, is_test=True)
        await settle(relay.RELAY_JOBS)
    finally:
        install_subscribers(previous)
    assert not await _may_search(client, scene)
