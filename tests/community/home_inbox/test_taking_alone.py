"""What cannot be stored as others are: as much as can be is, and somebody hears that the home said something."""

from typing import Any

import pytest
import sqlalchemy as sa

from app.core.clock import ManualClock
from app.core.database import reading
from app.core.tables import table_of
from app.identity.models import Community
from community.home_inbox.service import followers
from tests.community.home_inbox.conftest import Scene, state_of
from tests.factories import identity

pytestmark = pytest.mark.usefixtures("database")
_TOLD = sa.text("SELECT DISTINCT notice_key FROM notifications_delivery WHERE notice_key LIKE 'community.home_stuck'")


async def told() -> list[str]:
    async with reading() as connection:
        return list(await connection.scalars(_TOLD))


async def office(scene: Scene) -> None:
    """Let the community have somebody who is told."""
    async with reading() as connection:
        place = (await connection.execute(sa.select(table_of(Community)))).one()
    await identity.operator(Community.model_validate(dict(place._mapping)))


async def fails(session: Any, changes: Any) -> None:
    await session.execute(sa.text("SELECT 1 / 0"))


async def test_who_fails_keeps_nobody_else_from_hearing_and_the_desk_is_told(
    scene: Scene, clock: ManualClock, monkeypatch: Any
) -> None:
    heard = followers.FOLLOWERS[0]
    monkeypatch.setattr(followers, "FOLLOWERS", (fails, heard))
    await office(scene)
    with pytest.raises(sa.exc.DBAPIError):
        await scene.take(scene.message(scene.smoke, "ON"))
    scene.told.clear()
    await scene.inbox.take_alone(scene.message(scene.smoke, "ON"))
    assert [(change.old, change.new) for change in scene.told] == [("off", "on")]
    assert (await state_of(scene.smoke)).state == "on"
    assert await told() == ["community.home_stuck"]


async def test_what_everybody_hears_is_told_to_no_desk(scene: Scene, clock: ManualClock) -> None:
    await office(scene)
    scene.told.clear()
    await scene.inbox.take_alone(scene.message(scene.smoke, "ON"))
    assert (len(scene.told), await told()) == (1, [])


async def test_what_a_hub_announces_calls_for_nobody(scene: Scene, clock: ManualClock) -> None:
    await office(scene)
    await scene.inbox.take_alone(scene.at("homeassistant/sensor/x/config", "{"))
    assert await told() == []


async def test_a_press_on_the_wall_that_cannot_be_followed_is_told_to_the_desk(
    scene: Scene, clock: ManualClock, monkeypatch: Any
) -> None:
    monkeypatch.setattr(followers, "LISTENERS", (fails,))
    await office(scene)
    with pytest.raises(sa.exc.DBAPIError):
        await scene.inbox.take_alone(scene.at("hearthline/abc/sos/press", "PRESS"))
    assert await told() == ["community.home_stuck"]
