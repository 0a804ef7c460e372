"""Stripe's faults: what is unknown stays unknown, what is done is done once, and what is forged is not believed."""

import asyncio
from datetime import timedelta

import httpx
import orjson
import pytest
from pydantic import SecretStr

from app.billing.gateways.port import ForgedError, NotAnsweredError, NotDoneError
from app.billing.gateways.stripe_gateway import StripeGateway
from app.core.clock import ManualClock, new_id, now
from tests.billing.gateways.conftest import Payer, over_loopback, settings_for
from tests.emulators.stripe import Fault, Stripe
from tests.emulators.stripe.server import CONNECT_SECRET, SECRET, SECRET_KEY, What

AUTHORIZING = "POST /v1/payment_intents"


def key() -> str:
    return str(new_id())


async def made(payer: Payer) -> int:
    return len([one async for one in payer.gateway.intents_since(now() - timedelta(days=1))])


@pytest.mark.parametrize(
    ("what", "why", "done"),
    [
        ("cut_before", "connection", 0),
        ("cut_after", "connection", 1),
        ("hangs_after", "timeout", 1),
        ("busy", "http_429", 0),
    ],
)
async def test_what_was_not_answered_is_asked_again_and_done_once(
    loopback: Stripe, what: What, why: str, done: int
) -> None:
    async with over_loopback(loopback, patience=0.3 if what == "hangs_after" else 20) as payer:
        wanted, same = payer.wants(await payer.card()), key()
        loopback.faults.append(Fault(what, AUTHORIZING))
        with pytest.raises(NotAnsweredError, match=why) as failed:
            await payer.gateway.authorize(same, wanted)
        assert failed.value.again_after == (7 if what == "busy" else None)
        assert await made(payer) == done
        held = await payer.gateway.authorize(same, wanted)
        assert (held.status, await made(payer)) == ("requires_capture", 1)


@pytest.mark.parametrize(("what", "done"), [("error_before", 0), ("error_after", 1)])
async def test_a_failure_that_is_kept_is_known_for_one(loopback: Stripe, what: What, done: int) -> None:
    async with over_loopback(loopback) as payer:
        wanted, same = payer.wants(await payer.card(), row="mine"), key()
        loopback.faults.append(Fault(what, AUTHORIZING))
        stuck = []
        for _ in range(2):
            with pytest.raises(NotAnsweredError, match="http_500") as failed:
                await payer.gateway.authorize(same, wanted)
            stuck.append(failed.value.is_stuck)
        assert stuck == [False, True]
        assert [one.row async for one in payer.gateway.intents_since(now(), payer.customer)] == ["mine"] * done


async def test_two_who_ask_at_once_get_it_done_once(loopback: Stripe) -> None:
    async with over_loopback(loopback) as payer:
        wanted, same = payer.wants(await payer.card()), key()
        loopback.faults.append(Fault("slow", AUTHORIZING))
        loopback.arrived.clear()
        first = asyncio.create_task(payer.gateway.authorize(same, wanted))
        await loopback.arrived.wait()
        with pytest.raises(NotAnsweredError, match="http_409"):
            await payer.gateway.authorize(same, wanted)
        loopback.go.set()
        assert (await first).status == "requires_capture"
        assert await made(payer) == 1


async def test_each_call_is_made_once_and_under_its_own_key(loopback: Stripe) -> None:
    async with over_loopback(loopback) as payer:
        wanted = payer.wants(await payer.card())
        loopback.calls.clear()
        loopback.faults.append(Fault("cut_before", AUTHORIZING))
        with pytest.raises(NotAnsweredError):
            await payer.gateway.authorize("k-1", wanted)
        await payer.gateway.authorize("k-1", wanted)
        assert [(method, under) for method, _, under in loopback.calls] == [("POST", "k-1"), ("POST", "k-1")]


async def test_a_wrong_key_of_ours_refuses_nobodys_card(loopback: Stripe) -> None:
    gateway = StripeGateway(SecretStr("sk_test_other"), settings_for(loopback.url))
    with pytest.raises(NotAnsweredError, match="http_401"):
        await gateway.intent("pi_000001")
    await gateway.close()
    nobody = StripeGateway(SecretStr(SECRET_KEY), settings_for("http://127.0.0.1:1"))
    with pytest.raises(NotAnsweredError, match="connection"):
        await nobody.intent("pi_000001")
    await nobody.close()


@pytest.mark.parametrize(
    ("code", "decline"), [("card_declined", "insufficient_funds"), ("expired_card", "expired_card")]
)
async def test_a_card_that_is_good_no_longer_says_why(loopback: Stripe, code: str, decline: str) -> None:
    async with over_loopback(loopback) as payer:
        card = await payer.card()
        loopback.card_turns(card.ref, code, decline)
        with pytest.raises(NotDoneError, match=decline) as failed:
            await payer.gateway.authorize(key(), payer.wants(card))
        assert failed.value.is_card


@pytest.mark.parametrize("url", ["http://bank.example/", "javascript:alert(1)", None])
async def test_nobody_is_led_to_a_bank_that_is_none(loopback: Stripe, url: str | None) -> None:
    async with over_loopback(loopback) as payer:
        asked = await payer.gateway.authorize(str(new_id()), payer.wants(await payer.card("asks"), present=True))
        found = loopback.state.objects[asked.ref]
        found["next_action"] = {"type": "redirect_to_url", "redirect_to_url": {"url": url}} if url else None
        assert (await payer.gateway.intent(asked.ref)).action_url is None


async def test_the_loopback_knows_no_parameter_that_stripe_does_not(loopback: Stripe) -> None:
    headers = {"Authorization": f"Bearer {SECRET_KEY}"}
    async with httpx.AsyncClient(base_url=loopback.url, headers=headers) as client:
        answer = await client.post("/v1/customers", data={"metadata[row]": "1", "nickname": "x"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "parameter_unknown")
        assert (await client.post("/v1/coupons")).status_code == 404


async def test_an_event_is_believed_by_any_secret_and_for_a_while(loopback: Stripe, clock: ManualClock) -> None:
    gateway = StripeGateway(SecretStr(SECRET_KEY), settings_for(loopback.url))
    event = {"id": "evt_1", "type": "refund.updated", "created": loopback.state.now, "data": {"object": {"id": "re_1"}}}
    body = orjson.dumps(event)
    for secret in (SECRET, CONNECT_SECRET, "whsec_the_next"):
        told = gateway.verify(body, loopback.sign(body, secret))
        assert (told.ref, told.kind, told.happened_at, told.body) == ("evt_1", "refund.updated", now(), {"id": "re_1"})
    signed = loopback.sign(body)
    for changed, signature in [
        (body.replace(b"re_1", b"re_2"), signed),
        (body, loopback.sign(body, "whsec_other")),
        (body, signed.replace("t=", "t=1")),
        (body, ""),
        (body, "t=x,v1=00"),
        (b"\xff", signed),
        (b"[]", loopback.sign(b"[]")),
        (b'{"id": "evt_1"}', loopback.sign(b'{"id": "evt_1"}')),
    ]:
        with pytest.raises(ForgedError):
            gateway.verify(changed, signature)
    clock.advance(timedelta(minutes=5, seconds=1))
    with pytest.raises(ForgedError, match="too old"):
        gateway.verify(body, signed)
