"""What phones answer through the provider: check-ins and alarms, by message and by key, once, and never guessed."""

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
import pytest_asyncio
import sqlalchemy as sa
from sqlmodel import col

from app import assembly
from app.core import clock as clocks
from app.core.clock import ManualClock
from app.core.database import reading, unit_of_work
from app.core.jobs import settle
from app.core.settings import Settings
from app.identity.models import Account, ContactPoint, Resident
from app.identity.people.seals import contact_index
from app.policies.journeys.replies.service import ANSWERS
from eldercare.alarms.models import Alarm, AlarmKind, AlarmState, Severity
from eldercare.alarms.rules import reply_code
from eldercare.response.rules import Acknowledgement, ToldAlarm, answered, read_acknowledgement
from notifications.api import CALLBACKS
from notifications.opt_outs.repository import opted_out
from tests.conftest import START
from tests.factories import eldercare_alarms as alarms
from tests.factories import eldercare_check_ins as care
from tests.factories import identity as make
from tests.factories.notifications import deliveries
from tests.sinks import twilio
from tests.sinks.twilio import Form, TwilioSink, twilio_provider

RESIDENT, FIRST, SECOND = "+8613800000001", "+8613800000100", "+8613800000101"
_sids = iter(range(1, 1_000_000))


@pytest_asyncio.fixture(loop_scope="session")
async def provider(database: object, clock: ManualClock, test_settings: Settings) -> AsyncIterator[TwilioSink]:
    """Make a loopback Twilio the provider of text messages and calls."""
    async with twilio_provider(test_settings) as sink:
        yield sink


class Phone:
    """A number that texts us; remembers what it was answered."""

    def __init__(self, provider: TwilioSink, client: httpx.AsyncClient, settings: Settings, number: str) -> None:
        self._provider, self._client, self.number = provider, client, number
        self._url = f"{settings.http.public_url}{CALLBACKS}/replies"

    def form(self, text: str) -> Form:
        sid = f"SM{next(_sids):032x}"
        return {"MessageSid": sid, "SmsSid": sid, "From": self.number, "To": twilio.NUMBER, "Body": text}

    async def send(self, text: str, form: Form | None = None) -> str | None:
        response = await self._provider.report(self._client, self._url, form or self.form(text))
        message = twilio._twiml(response).find("Message")
        return None if message is None else message.text

    async def forge(self, text: str) -> int:
        response = await self._provider.report(self._client, self._url, self.form(text), signature="forged")
        return response.status_code


@pytest.fixture
def phone(provider: TwilioSink, client: httpx.AsyncClient, test_settings: Settings) -> Any:
    """Return what makes a phone of a number."""
    return lambda number: Phone(provider, client, test_settings, number)


async def run() -> None:
    await settle(assembly.JOBS)


async def asked(channel: str, clock: ManualClock, *, name: str = "Grace", place: Any = None) -> Resident:
    """Return a resident who was just asked over a channel."""
    resident = await make.resident(place or await make.community(), name=name, phone=RESIDENT)
    await care.plan(resident, channel=channel)
    return resident


async def state(resident: Resident) -> tuple[str, str | None]:
    first = (await care.check_ins(resident))[0]
    return first.state, first.answer


def code_in(message: Form) -> str:
    (found,) = set(re.findall(r"(?:OK|reply 1|Reply 1) (\d{4})", message["Body"]))
    return str(found)


async def raised(*channels: str, circle: int = 2) -> tuple[alarms.Scene, Alarm]:
    """Return an alarm of which the first person was just told over ``channels``."""
    scene = await alarms.scene(circle=circle)
    steps = [
        {"target_kind": "circle_member", "target_order": order, "channels": list(channels)}
        for order in range(1, circle + 1)
    ]
    await alarms.plan(scene.resident, [*steps, {"target_kind": "duty_desk", "channels": list(channels)}])
    alarm = await alarms.raised(scene.resident)
    await run()
    return scene, alarm


async def test_ok_answers_a_check_in_once_however_often_it_is_handed_in(
    provider: TwilioSink, phone: Any, clock: ManualClock
) -> None:
    resident = await asked("sms", clock)
    clock.advance(timedelta(minutes=30))
    await run()
    grace = phone(RESIDENT)
    form = grace.form(f"ok {code_in(provider.messages[0])}")
    answers = {await grace.send("", form) for _ in range(2)}
    assert answers == {"Thank you, your answer has arrived."}
    assert await state(resident) == ("answered", "ok")
    assert await grace.send("help") == answers.pop()
    form["Body"] = "ok"
    assert await grace.send("", form) == "Thank you, your answer has arrived."
    assert await state(resident) == ("answered", "needs_help")
    assert await grace.send("ok") == "You asked for help earlier. Somebody will get in touch with you."


async def test_a_forged_reply_changes_nothing(provider: TwilioSink, phone: Any, clock: ManualClock) -> None:
    resident = await asked("sms", clock)
    clock.advance(timedelta(minutes=30))
    await run()
    assert await phone(RESIDENT).forge("ok") == 403
    assert await state(resident) == ("prompted", None)


async def test_a_number_of_two_people_is_asked_back_and_answers_with_the_code(
    provider: TwilioSink, phone: Any, clock: ManualClock
) -> None:
    place = await make.community()
    grace, alan = [await asked("sms", clock, name=name, place=place) for name in ("Grace", "Alan")]
    clock.advance(timedelta(minutes=30))
    await run()
    shared = phone(RESIDENT)
    assert "four-digit code" in str(await shared.send("OK"))
    assert [await state(one) for one in (grace, alan)] == [("prompted", None)] * 2
    code = (await care.check_ins(alan))[0].reply_code
    other = (await care.check_ins(grace))[0].reply_code
    if code != other:  # one in ten thousand
        await shared.send(f"OK {code}")
        assert [await state(one) for one in (grace, alan)] == [("prompted", None), ("answered", "ok")]


async def test_what_cannot_be_read_is_asked_back_but_not_for_ever(
    provider: TwilioSink, phone: Any, clock: ManualClock
) -> None:
    await asked("sms", clock)
    automaton = phone(RESIDENT)
    answers = [await automaton.send("I am driving") for _ in range(ANSWERS.burst + 2)]
    assert answers[-3:] == [answers[0], None, None]
    assert await phone("+8613999999999").send("hello") is None


@pytest.mark.parametrize(("key", "answer"), [("1", "ok"), ("2", "needs_help")])
async def test_a_key_answers_a_check_in(
    provider: TwilioSink, client: httpx.AsyncClient, clock: ManualClock, key: str, answer: str
) -> None:
    resident = await asked("voice", clock)
    clock.advance(timedelta(minutes=30))
    await run()
    (call,) = provider.calls
    spoken = await provider.pick_up(client, call)
    assert await state(resident) == ("prompted", None)
    for _ in range(2):
        ended = await provider.press(client, call, spoken, key)
        assert [say.text for say in ended.iter("Say")] == ["Thank you, your answer has arrived."]
    await provider.hang_up(client, call)
    assert await state(resident) == ("answered", answer)


async def test_silence_in_a_call_answers_no_check_in(
    provider: TwilioSink, client: httpx.AsyncClient, clock: ManualClock
) -> None:
    resident = await asked("voice", clock)
    clock.advance(timedelta(minutes=30))
    await run()
    (call,) = provider.calls
    await provider.pick_up(client, call)
    await provider.hang_up(client, call)
    await run()
    assert await state(resident) == ("prompted", None)


@pytest.mark.parametrize("text", ["1", "1 {code}", "1{code}", "１ {code}。"])
async def test_one_takes_an_alarm_for_the_one_who_was_told(
    provider: TwilioSink, phone: Any, clock: ManualClock, text: str
) -> None:
    scene, alarm = await raised("sms")
    (message,) = provider.messages
    assert (message["To"], code_in(message)) == (FIRST, reply_code(alarm.id, scene.circle[0].id))
    answer = await phone(FIRST).send(text.format(code=code_in(message)))
    assert str(answer).startswith("Thank you. You have taken this alarm")
    stored = await alarms.current(alarm)
    assert (stored.state, stored.acknowledged_by) == (AlarmState.ACKNOWLEDGED, scene.circle[0].id)


async def change_number(number: str, community_id: UUID, **values: object) -> None:
    """Change what is known of a number in a community."""
    there = sa.select(col(Account.id)).where(col(Account.community_id) == community_id)
    at = sa.and_(col(ContactPoint.value_index) == contact_index(number), col(ContactPoint.account_id).in_(there))
    async with unit_of_work() as session:
        await session.execute(sa.update(ContactPoint).where(at).values(**values))


async def test_whoever_has_a_number_that_was_never_verified_takes_no_alarm(
    provider: TwilioSink, phone: Any, clock: ManualClock
) -> None:
    _, alarm = await raised("sms")
    (message,) = provider.messages
    await change_number(FIRST, alarm.community_id, verified_at=None)
    assert "cannot be answered by phone" in str(await phone(FIRST).send(f"1 {code_in(message)}"))
    assert (await alarms.current(alarm)).state == AlarmState.RAISED


async def test_a_key_at_a_number_that_was_never_verified_takes_no_alarm_and_reaches_nobody(
    provider: TwilioSink, client: httpx.AsyncClient, clock: ManualClock
) -> None:
    _, alarm = await raised("voice")
    await change_number(FIRST, alarm.community_id, verified_at=None)
    (call,) = provider.calls
    ended = await provider.press(client, call, await provider.pick_up(client, call), "1")
    assert "cannot be answered by phone" in str([say.text for say in ended.iter("Say")])
    assert (await alarms.current(alarm)).state == AlarmState.RAISED
    assert [row.opened_at for row in await deliveries()] == [None]


@pytest.mark.parametrize("values", [{"verified_at": None}, {"capabilities": ["app"]}], ids=["unverified", "not_told"])
async def test_an_account_elsewhere_makes_no_answer_ambiguous(
    provider: TwilioSink, phone: Any, clock: ManualClock, values: dict[str, object]
) -> None:
    grace = await asked("sms", clock)
    eve = await asked("sms", clock, name="Eve")
    await change_number(RESIDENT, eve.community_id, **values)
    clock.advance(timedelta(minutes=30))
    await run()
    assert await phone(RESIDENT).send("OK") == "Thank you, your answer has arrived."
    assert await state(grace) == ("answered", "ok")
    assert (await state(eve))[1] is None


async def test_what_takes_no_alarm_says_so(provider: TwilioSink, phone: Any, clock: ManualClock) -> None:
    scene, alarm = await raised("sms")
    code = code_in(provider.messages[0])
    wrong = f"{(int(code) + 1) % 10_000:04}"
    assert "four-digit code" in str(await phone(FIRST).send(f"1 {wrong}"))
    assert await phone(SECOND).send("1") == "There is no open alarm for you."
    assert await phone(FIRST).send("ok") != "Thank you, your answer has arrived."
    assert (await alarms.current(alarm)).state == AlarmState.RAISED
    clock.advance(timedelta(seconds=60))
    await run()
    assert str(await phone(SECOND).send("1")).startswith("Thank you. You have taken")
    assert "Somebody else" in str(await phone(FIRST).send("1"))
    assert (await alarms.current(alarm)).acknowledged_by == scene.circle[1].id


async def test_a_relative_of_two_residents_names_the_alarm(
    provider: TwilioSink, phone: Any, clock: ManualClock
) -> None:
    scene, first = await raised("sms", circle=1)
    daughter = scene.circle[0]
    father = await make.resident(scene.community, name="Alan")
    await alarms.circle_member(father, daughter)
    await make.grant(father, daughter, ["alarms:read", "alarms:respond"])
    await alarms.plan(father, [{"target_kind": "circle", "channels": ["sms"]}, {"target_kind": "duty_desk"}])
    second = await alarms.raised(father)
    await run()
    assert "four-digit code" in str(await phone(FIRST).send("1"))
    assert {(await alarms.current(one)).state for one in (first, second)} == {AlarmState.RAISED}
    code = reply_code(second.id, daughter.id)
    if code != reply_code(first.id, daughter.id):  # one in ten thousand
        await phone(FIRST).send(f"1 {code}")
        states = [(await alarms.current(one)).state for one in (first, second)]
        assert states == [AlarmState.RAISED, AlarmState.ACKNOWLEDGED]


async def test_who_was_told_of_two_alarms_about_one_resident_takes_the_worse(
    provider: TwilioSink, phone: Any, clock: ManualClock
) -> None:
    scene, smaller = await raised("sms", circle=1)
    sos = await alarms.raised(scene.resident, kind=AlarmKind.SOS, severity=Severity.CRITICAL)
    await run()
    assert str(await phone(FIRST).send("1")).startswith("Thank you. You have taken this alarm")
    assert [(await alarms.current(one)).state for one in (smaller, sos)] == [AlarmState.RAISED, AlarmState.ACKNOWLEDGED]
    code = reply_code(smaller.id, scene.circle[0].id)
    if code != reply_code(sos.id, scene.circle[0].id):  # one in ten thousand
        await phone(FIRST).send(f"1 {code}")
        assert (await alarms.current(smaller)).state == AlarmState.ACKNOWLEDGED


def test_several_alarms_are_one_answer_only_about_one_resident_to_one_account() -> None:
    account, resident = clocks.new_id(), clocks.new_id()
    first = ToldAlarm(clocks.new_id(), account, resident, False, Severity.MEDIUM, START)
    newer = replace(first, alarm_id=clocks.new_id(), raised_at=START + timedelta(minutes=1))
    worse = replace(first, alarm_id=clocks.new_id(), severity=Severity.HIGH)
    assert answered([first, newer], None) == newer
    assert answered([newer, worse, first], None) == worse
    for other in ({"resident_id": clocks.new_id()}, {"account_id": clocks.new_id()}, {"is_test": True}):
        assert answered([first, replace(worse, **other)], None) is None


async def test_who_may_not_answer_an_alarm_is_sent_to_the_app(
    provider: TwilioSink, phone: Any, clock: ManualClock
) -> None:
    _, alarm = await raised("sms")
    async with unit_of_work() as session:
        await session.execute(sa.text("DELETE FROM identity_grant"))
    assert "open the app" in str(await phone(FIRST).send("1"))
    assert (await alarms.current(alarm)).state == AlarmState.RAISED


async def test_a_key_takes_the_alarm_a_call_is_about(
    provider: TwilioSink, client: httpx.AsyncClient, clock: ManualClock
) -> None:
    scene, alarm = await raised("voice")
    (call,) = provider.calls
    spoken = await provider.pick_up(client, call)
    assert "Press 1" in str(spoken.findtext("Gather/Say"))
    assert [say.text for say in (await provider.press(client, call, spoken, "2")).iter("Say")][-1] == "Goodbye."
    assert (await alarms.current(alarm)).state == AlarmState.RAISED
    ended = await provider.press(client, call, spoken, "1")
    assert str(ended.findtext("Say")).startswith("Thank you. You have taken this alarm")
    assert (await alarms.current(alarm)).acknowledged_by == scene.circle[0].id


async def test_a_caught_key_press_does_not_take_the_alarm_again(
    provider: TwilioSink, client: httpx.AsyncClient, clock: ManualClock
) -> None:
    _, alarm = await raised("voice")
    (call,) = provider.calls
    spoken = await provider.pick_up(client, call)
    await provider.press(client, call, spoken, "1")
    clock.advance(timedelta(hours=1))  # nothing follows: the acknowledgement lapses
    await run()
    assert (await alarms.current(alarm)).state == AlarmState.RAISED
    await provider.press(client, call, spoken, "1")
    assert (await alarms.current(alarm)).state == AlarmState.RAISED


async def test_a_call_nobody_answered_with_a_key_sends_the_ladder_on_at_once(
    provider: TwilioSink, client: httpx.AsyncClient, clock: ManualClock
) -> None:
    _, alarm = await raised("voice")
    (call,) = provider.calls
    await provider.pick_up(client, call)
    await run()
    assert len(provider.calls) == 1
    await provider.hang_up(client, call)
    await run()
    assert [made["To"] for made in provider.calls] == [FIRST, SECOND]
    assert "unreached" in await alarms.kinds(alarm)


async def test_stop_and_start(provider: TwilioSink, phone: Any, clock: ManualClock) -> None:
    resident = await asked("sms", clock)
    grace = phone(RESIDENT)
    assert await grace.send("Stop.") is None
    async with reading() as connection:
        assert await opted_out(connection, [RESIDENT, FIRST]) == {RESIDENT}
    clock.advance(timedelta(minutes=30))
    await run()
    assert provider.messages == []
    assert (await state(resident))[0] != "answered"
    assert await grace.send("START") is None
    async with reading() as connection:
        assert await opted_out(connection, [RESIDENT]) == set()


@pytest.mark.parametrize(
    ("text", "reply"),
    [
        ("1", Acknowledgement(None)),
        ("1 0471", Acknowledgement("0471")),
        ("10471", Acknowledgement("0471")),
        ("１　０４７１", Acknowledgement("0471")),
        ("1.", Acknowledgement(None)),
        ("11", None),
        ("1 471", None),
        ("not 1", None),
        ("ok 0471", None),
        ("", None),
    ],
)
def test_what_takes_an_alarm(text: str, reply: Acknowledgement | None) -> None:
    assert read_acknowledgement(text) == reply


def test_a_code_is_of_an_alarm_and_of_a_person() -> None:
    ids = [clocks.new_id() for _ in range(20)]
    codes = {reply_code(alarm, account) for alarm in ids for account in ids}
    assert len(codes) > 300
    assert all(re.fullmatch(r"\d{4}", code) for code in codes)
