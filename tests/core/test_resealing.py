"""Key rotation over whole tables."""

import base64
from collections.abc import Callable, Iterator

import pytest
import sqlalchemy as sa
from pydantic import SecretStr
from sqlmodel import col

from app.core import audit, resealing
from app.core.access import system_actor
from app.core.database import Database, reading, unit_of_work
from app.core.sealing import needs_reseal, unseal
from app.core.settings import KeySettings, Settings, install_settings
from app.core.tables import table_of
from app.identity.models import ContactPoint
from tests.factories import identity

RING = {name: SecretStr(base64.b64encode(bytes([number]) * 32).decode()) for number, name in enumerate(("old", "new"))}


@pytest.fixture
def rotate(test_settings: Settings) -> Iterator[Callable[..., None]]:
    def use(active: str, *others: str) -> None:
        ring = {name: RING[name] for name in (active, *others)}
        keys = KeySettings(sealing=ring, active=active)
        install_settings(test_settings.model_copy(update={"keys": keys}))

    yield use
    install_settings(test_settings)


async def _values() -> dict[str, str]:
    async with reading() as connection:
        rows = await connection.execute(sa.select(col(ContactPoint.id), col(ContactPoint.value)))
        return {str(row.id): row.value for row in rows}


async def test_after_a_rotation_the_old_key_is_no_longer_needed(
    database: Database, rotate: Callable[..., None]
) -> None:
    rotate("old")
    place = await identity.community()
    people = [await identity.resident(place, phone=f"+861380000000{number}") for number in range(7)]
    async with unit_of_work() as session:
        actor = system_actor(place.id)
        await audit.record(session, actor, "plan:change", resident_id=people[0].id, details={"to": "09:00"})
    rotate("new", "old")
    await identity.resident(place, phone="+8613800000007")
    before = await _values()
    assert sum(needs_reseal(value) for value in before.values()) == 7
    # seven numbers, seven homes' addresses, one person's own key
    assert await resealing.reseal_all(batch=3) == 15
    assert await resealing.reseal_all(batch=3) == 0
    rotate("new")
    after = await _values()
    opened = sorted(unseal(value, "identity_contact_point.value") for value in after.values())
    assert opened == [f"+861380000000{number}" for number in range(8)]
    async with unit_of_work() as session:
        entry = (await session.execute(sa.text("SELECT id, details FROM core_audit_entry"))).one()
        assert await audit.details_of(session, people[0].id, entry.id, entry.details) == {"to": "09:00"}
    (left_alone,) = (value for identifier, value in after.items() if before[identifier] == value)
    assert unseal(left_alone, "identity_contact_point.value") == "+8613800000007", "the late one was left alone"


async def test_a_value_that_cannot_be_opened_is_left_and_does_not_stop_the_others(
    database: Database, rotate: Callable[..., None]
) -> None:
    rotate("old")
    place = await identity.community()
    for number in range(3):
        await identity.resident(place, phone=f"+861380000000{number}")
    (one, *_) = await _values()
    async with unit_of_work() as session:
        lost = sa.text("UPDATE identity_contact_point SET value = 'v1.lost.AAAA' WHERE id = :id")
        await session.execute(lost, {"id": one})
    rotate("new", "old")
    column = table_of(ContactPoint).c.value
    assert await resealing.reseal_column(column, batch=1) == 2
    assert "v1.lost.AAAA" in (await _values()).values()
