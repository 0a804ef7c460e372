"""The keys of a community: one signs, those before it verify as long as a ticket needs them, a leaked one never."""

import asyncio
import base64
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

import httpx
import pytest
import pytest_asyncio
import sqlalchemy as sa

from app.core.clock import ManualClock
from app.core.database import reading, unit_of_work
from app.identity.models import Community
from community.ticket_codes import rules, service, views
from community.ticket_codes.models import TICKET_KEYS
from community.ticket_codes.rules import Code, CodeRefused
from tests.factories import identity, sign_in

Headers = dict[str, str]
TICKET = uuid.UUID(int=42)


@dataclass(frozen=True)
class Scene:
    """A community with an operator and a resident."""

    place: Community
    operator: Headers
    resident: Headers
    client: httpx.AsyncClient
    clock: ManualClock

    def code(self, until: timedelta = timedelta(hours=8)) -> Code:
        now = self.clock.now()
        return Code(TICKET, uuid.UUID(int=2), now, now + until)

    async def signed(self, until: timedelta = timedelta(hours=8)) -> str:
        async with reading() as connection:
            return await service.code_for(connection, self.place.id, self.code(until))

    async def verdict(self, text: str) -> str:
        """Return what a scanner says that asks for the keys now."""
        async with reading() as connection:
            keys = rules.loaded(await views.public_keys(connection, self.place.id, self.clock.now()))
        try:
            rules.verify(text, keys)
        except CodeRefused as refused:
            return refused.reason
        return "valid"

    async def rotate(self, *, compromised: bool = False, by: Headers | None = None) -> httpx.Response:
        body = {"is_compromised": compromised}
        return await self.client.post("/v1/ticket-keys", json=body, headers=by or self.operator)

    async def listed(self) -> list[tuple[int, datetime | None]]:
        async with reading() as connection:
            keys = await views.verifying_keys(connection, self.place.id, self.clock.now())
        return [(key.number, key.valid_until) for key in keys]


@pytest_asyncio.fixture(loop_scope="session")
async def scene(client: httpx.AsyncClient, clock: ManualClock) -> Scene:
    place = await identity.community()
    operators = await identity.organization(place, "operator", name="The community")
    return Scene(
        place,
        await sign_in.sign_in(await identity.staff(operators, "operator"), second_factor=True),
        await sign_in.sign_in_resident(await identity.resident(place)),
        client,
        clock,
    )


async def test_a_community_signs_with_one_key_that_nobody_reads(scene: Scene) -> None:
    first, second = await asyncio.gather(scene.signed(), scene.signed())
    async with reading() as connection:
        keys = (await connection.execute(sa.select(TICKET_KEYS))).all()

    assert (first, await scene.verdict(first)) == (second, "valid")
    assert [(key.number, key.private[:3]) for key in keys] == [(1, "v1.")]
    shown = (await scene.client.get("/v1/ticket-keys", headers=scene.resident)).json()["keys"]
    assert [(key["number"], key["valid_until"]) for key in shown] == [(1, None)]
    assert base64.urlsafe_b64decode(shown[0]["public"] + "=") == keys[0].public


async def test_an_old_key_verifies_until_its_last_ticket_is_over(scene: Scene, clock: ManualClock) -> None:
    old = await scene.signed(until=timedelta(days=3))
    assert (await scene.rotate()).status_code == 201
    new = await scene.signed()

    (first, until), second = await scene.listed()
    assert (first, second, new[:9] != old[:9]) == (1, (2, None), True)
    assert (await scene.verdict(old), await scene.verdict(new)) == ("valid", "valid")
    assert until is not None
    clock.set(until)
    assert (await scene.verdict(old), await scene.verdict(new)) == ("unknown_key", "valid")
    assert await scene.listed() == [(2, None)]


async def test_what_a_leaked_key_signed_is_refused_at_once(scene: Scene) -> None:
    leaked = await scene.signed()
    await scene.rotate(compromised=True)

    assert await scene.verdict(leaked) == "unknown_key"
    assert await scene.verdict(await scene.signed()) == "valid"


async def test_the_numbers_of_one_byte_come_again_when_their_tickets_are_over(scene: Scene) -> None:
    kept = await scene.signed(until=timedelta(days=400))
    async with unit_of_work() as session:
        await session.execute(sa.update(TICKET_KEYS).values(number=255))
    await scene.rotate()
    await scene.signed()
    assert [number for number, _ in await scene.listed()] == [0, 255]
    async with unit_of_work() as session:
        await session.execute(sa.update(TICKET_KEYS).where(TICKET_KEYS.c.number == 0).values(number=254))
    await scene.rotate()

    assert [number for number, _ in await scene.listed()] == [0, 254, 255]
    assert await scene.verdict(kept) == "unknown_key"  # it names 1, the number its key had when it signed


async def test_two_who_rotate_at_once_leave_one_key_signing(scene: Scene) -> None:
    await scene.signed()
    answers = await asyncio.gather(scene.rotate(), scene.rotate())

    assert {answer.status_code for answer in answers} <= {201, 409}
    assert [until for _, until in await scene.listed()].count(None) == 1


async def test_only_the_operator_rotates(scene: Scene) -> None:
    assert (await scene.rotate(by=scene.resident)).status_code == 403
    assert (await scene.client.get("/v1/ticket-keys")).status_code == 401
    answer = await scene.client.post("/v1/ticket-keys", json={"is_compromised": "x"}, headers=scene.operator)
    assert answer.status_code == 422


@pytest.mark.parametrize("count", [0, 3])
async def test_several_at_once_in_their_order(scene: Scene, count: int) -> None:
    codes = [Code(uuid.UUID(int=n), uuid.UUID(int=2), scene.clock.now(), scene.clock.now()) for n in range(count)]
    async with reading() as connection:
        texts = await service.codes_for(connection, scene.place.id, codes)
        keys = rules.loaded(await views.public_keys(connection, scene.place.id, scene.clock.now()))
    assert [rules.verify(text, keys).ticket_id.int for text in texts] == list(range(count))
