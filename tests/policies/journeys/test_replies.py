"""In the demo a text message can be answered as the phone it went to would answer it."""

import re
from datetime import timedelta

import httpx
import pytest

from app import assembly
from app.core import clock as clocks
from app.core.clock import ManualClock
from app.core.jobs import settle
from app.identity.models import Resident
from notifications.api import close_channels
from tests.factories import eldercare_check_ins as care
from tests.factories import identity as make
from tests.factories.notifications import outbox


@pytest.fixture
async def resident(database: object, clock: ManualClock) -> Resident:
    """Return a resident who was just asked by text message."""
    await close_channels()
    found = await make.resident(await make.community(), phone="+8613800000001")
    await care.plan(found, channel="sms")
    clock.advance(timedelta(minutes=30))
    await settle(assembly.JOBS)
    return found


async def send(client: httpx.AsyncClient, text: str) -> httpx.Response:
    (message,) = [row for row in await outbox() if row.channel == "sms"]
    page = await client.get("/demo/outbox")
    (link,) = re.findall(r'href="(/demo/outbox/replies[^"]+)"', page.text)
    form = await client.get(link)
    assert form.status_code == 200, form.text
    assert f'value="{message.id}"' in form.text
    return await client.post("/demo/outbox/replies", data={"message_id": str(message.id), "text": text})


async def state(resident: Resident) -> tuple[str, str | None]:
    first = (await care.check_ins(resident))[0]
    return first.state, first.answer


async def test_a_reply_with_the_code_answers(client: httpx.AsyncClient, resident: Resident) -> None:
    (message,) = [row for row in await outbox() if row.channel == "sms"]
    (code,) = re.findall(r"OK (\d{4})", message.body)
    answered = await send(client, f"ok {code}")
    assert (answered.status_code, "is answered" in answered.text) == (200, True)
    assert await state(resident) == ("answered", "ok")


@pytest.mark.parametrize("text", ["what is this <b>", "help 99999"])
async def test_what_cannot_be_read_changes_nothing(client: httpx.AsyncClient, resident: Resident, text: str) -> None:
    answered = await send(client, text)
    assert (answered.status_code, "Nothing changed" in answered.text) == (200, True)
    assert await state(resident) == ("prompted", None)


async def test_only_a_text_message_can_be_answered(client: httpx.AsyncClient, resident: Resident) -> None:
    unknown = {"message_id": str(clocks.new_id()), "text": "ok"}
    assert (await client.post("/demo/outbox/replies", data=unknown)).status_code == 404
    assert (await client.post("/demo/outbox/replies", data={"text": "ok"})).status_code == 422


def test_production_has_no_such_phones() -> None:
    mounted = {route.path for router in assembly.ROUTERS for route in router.routes}  # type: ignore[attr-defined]
    assert not [path for path in mounted if path.startswith("/demo")]


async def test_a_key_in_the_outboxs_call_answers_too(client: httpx.AsyncClient, clock: ManualClock) -> None:
    await close_channels()
    called = await make.resident(await make.community(), phone="+8613800000001")
    await care.plan(called, channel="voice")
    clock.advance(timedelta(minutes=30))
    await settle(assembly.JOBS)
    page = await client.get("/demo/outbox")
    assert "Press 1 if you are all right" in page.text
    (link,) = re.findall(r'href="(/demo/outbox/replies[^"]+)"', page.text)
    assert "Key pressed" in (await client.get(link)).text
    (message,) = await outbox()
    pressed = await client.post("/demo/outbox/replies", data={"message_id": str(message.id), "text": "1"})
    assert "is answered" in pressed.text
    assert await state(called) == ("answered", "ok")
