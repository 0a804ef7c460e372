"""Replies by text message from numbers that serve one person or several."""

from datetime import UTC, datetime

import pytest

from app.core.clock import ManualClock
from app.core.database import unit_of_work
from app.identity.models import Community, Resident
from eldercare.check_ins import jobs, rules
from eldercare.check_ins.service.replies import Outcome, answer_reply
from tests.factories import eldercare_check_ins as made
from tests.factories import identity

DUE = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "reply"),
    [
        ("OK 0471", rules.Reply("ok", "0471")),
        (" ok. ", rules.Reply("ok", None)),
        ("Help0471!", rules.Reply("needs_help", "0471")),
        ("救命 0471", rules.Reply("needs_help", "0471")),
        ("not ok", None),
        ("ok 12345", None),
        ("ok 471", None),
        ("ok help", None),
        ("", None),
    ],
)
def test_what_a_message_says(text: str, reply: rules.Reply | None) -> None:
    assert rules.read_reply(text) == reply


async def reply(text: str, *residents: Resident) -> Outcome:
    async with unit_of_work() as session:
        accounts = [resident.account_id for resident in residents]
        return await answer_reply(session, residents[0].community_id, accounts, text)


@pytest.mark.usefixtures("database", "subscribed")
async def test_a_shared_number_needs_the_code(place: Community, resident: Resident, clock: ManualClock) -> None:
    husband = await identity.resident(place, name="Alan")
    for person in (resident, husband):
        await made.plan(person, channel="sms")
        await made.give_code(person, "0471")
    clock.set(DUE)
    await jobs.prompt()
    mine, his = (await made.check_ins(resident))[0], (await made.check_ins(husband))[0]
    assert await reply("OK", resident, husband) == "ambiguous"
    assert await reply("OK 0471", resident, husband) == "ambiguous"
    await made.give_code(husband, "0472")
    assert await reply("perhaps", resident, husband) == "unreadable"
    assert (await made.check_in(mine.id)).state == "prompted"
    assert await reply("OK 0472", resident, husband) == "answered"
    assert (await made.check_in(mine.id)).state == "prompted"
    assert (await made.check_in(his.id)).answered_by == husband.account_id
    assert await reply("ok", resident) == "answered"


@pytest.mark.usefixtures("database", "subscribed")
async def test_nothing_was_asked(resident: Resident) -> None:
    await made.plan(resident, channel="sms")
    assert await reply("OK", resident) == "ambiguous"
