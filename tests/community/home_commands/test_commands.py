"""Commands as people give them: at once, or confirmed; in time, or not at all; once; and believed when reported."""

import uuid
from datetime import timedelta

import pytest
import sqlalchemy as sa

from app.core.access import system_actor
from app.core.audit_tables import AuditEntry
from app.core.clock import ManualClock
from app.core.database import reading, unit_of_work
from app.core.problems import TooManyRequests
from app.core.tables import table_of
from app.identity.api import revoke_grant
from community.home_commands import jobs
from community.home_commands.problems import RiskNotAgreed
from community.home_commands.rules import Action
from community.home_commands.service import commanding as service
from community.homes.models import Home
from tests.community.home_commands.conftest import (
    Hub,
    Scene,
    actor,
    all_states,
    look,
    report,
    row_of,
    stands,
    told,
)

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


async def test_a_lamp_is_switched_at_once_and_it_is_done_when_the_home_says_so(
    scene: Scene, hub: Hub, clock: ManualClock
) -> None:
    command = await scene.give(scene.lamp, "turn_on", arguments={"brightness": 128})
    assert (command["state"], command["risk"]) == ("queued", "plain")
    await jobs.send()
    ((parcel, expires_in),) = hub.sent
    assert (parcel.key, parcel.publication.topic) == (scene.home.key, "light/set")
    assert expires_in == timedelta(seconds=30)
    assert (await scene.seen(command))["state"] == "sent"
    clock.advance(SECOND)
    await report(scene.change(scene.lamp, "on"))
    assert (await scene.seen(command))["state"] == "sent", "not as bright as it was to be"
    await report(scene.change(scene.lamp, "on"), scene.change(scene.lamp, "127", attribute="brightness"))
    assert (await scene.seen(command))["state"] == "confirmed"


async def test_what_was_reported_before_it_was_sent_confirms_nothing(
    scene: Scene, hub: Hub, clock: ManualClock
) -> None:
    command = await scene.give(scene.lamp, "turn_on")
    earlier = scene.change(scene.lamp, "on")
    clock.advance(SECOND)
    await jobs.send()
    await report(earlier)
    await report(scene.change(scene.lamp, "on", is_fresh=False))
    assert (await scene.seen(command))["state"] == "sent"


async def test_a_home_may_report_before_whoever_sent_it_has_written_it_down(scene: Scene, hub: Hub) -> None:
    command = await scene.give(scene.lamp, "turn_on")
    async with unit_of_work() as session:
        ((parcel, _),) = await service.take(session, [(await row_of(command)).id])
    await report(scene.change(scene.lamp, "on"))
    async with unit_of_work() as session:
        await service.settle(session, {parcel.id: (parcel, Action.HAND_OVER)})
    assert (await scene.seen(command))["state"] == "confirmed"


async def test_what_stands_so_already_is_done(scene: Scene, hub: Hub, clock: ManualClock) -> None:
    await stands(scene.lamp, "on")
    clock.advance(MINUTE)
    command = await scene.give(scene.lamp, "turn_on")
    await jobs.send()
    clock.advance(timedelta(seconds=4))
    await look()
    seen = await scene.seen(command)
    assert (seen["state"], seen["reason"]) == ("confirmed", "stood_so")


async def test_what_the_home_never_reports_has_expired(scene: Scene, hub: Hub, clock: ManualClock) -> None:
    await stands(scene.lamp, "off")
    command = await scene.give(scene.lamp, "turn_on")
    await jobs.send()
    for _ in range(2):
        clock.advance(timedelta(seconds=61))
        await look()
    seen = await scene.seen(command)
    assert (seen["state"], seen["reason"]) == ("expired", "not_reported")


async def test_a_press_is_done_when_it_was_handed_over(scene: Scene, hub: Hub) -> None:
    command = await scene.give(scene.bell, "press")
    await jobs.send()
    seen = await scene.seen(command)
    assert (seen["state"], seen["reason"]) == ("confirmed", "handed_over")


async def test_a_door_is_opened_only_when_it_was_said_twice(scene: Scene, hub: Hub) -> None:
    command = await scene.give(scene.lock, "unlock")
    assert command["state"] == "awaiting_confirmation"
    await jobs.send()
    assert not hub.sent
    assert (await scene.confirm(command))["state"] == "queued"
    await jobs.send()
    assert len(hub.sent) == 1
    problem = await scene.confirm(command, expect=409)
    assert (problem["code"], problem["command_state"]) == ("home_command_not_open", "sent")


async def test_whoever_commands_and_confirms_is_on_record(scene: Scene, hub: Hub) -> None:
    command = await scene.confirm(await scene.give(scene.lock, "unlock"))
    entries = table_of(AuditEntry)
    async with reading() as connection:
        found = await connection.execute(
            sa.select(entries.c.action, entries.c.actor_id, entries.c.resident_id)
            .where(entries.c.object_id == uuid.UUID(command["id"]))
            .order_by(entries.c.id)
        )
        by, of = scene.resident.account_id, scene.grace.id
        assert [tuple(row) for row in found] == [("home_command:give", by, of), ("home_command:confirm", by, of)]


async def test_a_door_is_locked_at_once(scene: Scene, hub: Hub) -> None:
    await scene.give(scene.lock, "lock")
    await jobs.send()
    assert len(hub.sent) == 1


async def test_a_riskier_command_is_forgotten_unless_it_is_confirmed_within_a_minute(
    scene: Scene, hub: Hub, clock: ManualClock
) -> None:
    command = await scene.give(scene.lock, "unlock")
    clock.advance(MINUTE)
    await scene.confirm(command, expect=409)
    await look()
    seen = await scene.seen(command)
    assert (seen["state"], seen["reason"]) == ("expired", "not_confirmed")


async def test_a_riskier_command_is_confirmed_by_whoever_gave_it(scene: Scene, hub: Hub) -> None:
    command = await scene.give(scene.lock, "unlock", by=scene.daughter)
    assert (await scene.confirm(command, expect=403))["code"] == "not_your_home_command"
    await scene.confirm(command, by=scene.stranger, expect=404)
    await scene.confirm(command, by=scene.daughter)


async def test_a_riskier_command_is_confirmed_shortly_after_signing_in(
    scene: Scene, hub: Hub, clock: ManualClock
) -> None:
    clock.advance(timedelta(minutes=20))
    command = await scene.give(scene.lock, "unlock")
    await scene.confirm(command, expect=403)
    await jobs.send()
    assert not hub.sent


async def test_the_resident_hears_that_somebody_else_opened_the_door_and_not_of_themselves(
    scene: Scene, hub: Hub
) -> None:
    await scene.confirm(await scene.give(scene.lock, "unlock"))
    await jobs.send()
    assert await told() == set()
    await scene.confirm(await scene.give(scene.lock, "unlock", by=scene.daughter), by=scene.daughter)
    assert await told() == set(), "nothing happened yet"
    await jobs.send()
    assert await told() == {scene.grace.account_id}


async def test_strangers_neither_command_nor_see(scene: Scene, hub: Hub) -> None:
    await scene.give(scene.lamp, "turn_on", by=scene.stranger, expect=404)
    command = await scene.give(scene.lamp, "turn_on")
    await scene.seen(command, by=scene.stranger, expect=404)
    await scene.ask("GET", f"/homes/{scene.home.id}/commands", by=scene.stranger, expect=404)


async def test_whoever_may_only_control_a_home_does_not_see_what_others_had_done_there(scene: Scene, hub: Hub) -> None:
    command = await scene.give(scene.lamp, "turn_on")
    own = await scene.give(scene.lamp, "turn_off", by=scene.daughter)
    await scene.seen(command, by=scene.daughter, expect=404)
    assert (await scene.seen(own, by=scene.daughter))["id"] == own["id"]
    path = f"/homes/{scene.home.id}/commands"
    assert [one["id"] for one in (await scene.ask("GET", path, by=scene.daughter))["items"]] == [own["id"]]
    assert [one["id"] for one in (await scene.ask("GET", path))["items"]] == [own["id"], command["id"]]


async def test_a_revoked_right_is_gone_before_the_door_opens(scene: Scene, hub: Hub) -> None:
    command = await scene.give(scene.lamp, "turn_on", by=scene.daughter)
    async with unit_of_work() as session:
        owner = await actor(scene.grace.account_id)
        await revoke_grant(session, owner, resident_id=scene.grace.id, grant_id=scene.grant.id)
    await jobs.send()
    assert not hub.sent
    seen = await scene.seen(command)
    assert (seen["state"], seen["reason"]) == ("failed", "no_longer_allowed")


@pytest.mark.parametrize("valid_for", [None, "PT10M"])
async def test_a_door_is_never_opened_late_when_no_gateway_was_there(
    scene: Scene, hub: Hub, clock: ManualClock, valid_for: str | None
) -> None:
    command = await scene.confirm(await scene.give(scene.lock, "unlock", valid_for=valid_for))
    clock.advance(timedelta(minutes=10) if valid_for else timedelta(seconds=30))
    await jobs.send()
    assert not hub.sent
    seen = await scene.seen(command)
    assert (seen["state"], seen["reason"]) == ("expired", "not_sent")


async def test_a_command_expires_although_no_gateway_ever_comes_back(
    scene: Scene, hub: Hub, clock: ManualClock
) -> None:
    command = await scene.give(scene.lamp, "turn_on")
    clock.advance(timedelta(seconds=30))
    await look()
    assert (await scene.seen(command))["state"] == "expired"


async def test_the_broker_is_told_only_of_the_time_that_is_left_in_whole_seconds(
    scene: Scene, hub: Hub, clock: ManualClock
) -> None:
    await scene.give(scene.lamp, "turn_on")
    clock.advance(timedelta(seconds=28, milliseconds=500))
    await jobs.send()
    assert [left for _, left in hub.sent] == [SECOND]
    await scene.give(scene.lamp, "turn_off")
    clock.advance(timedelta(seconds=29, milliseconds=500))
    await jobs.send()
    assert len(hub.sent) == 1
    assert await all_states() == ["sent", "expired"]


async def test_a_door_is_never_opened_late_when_the_broker_was_down(scene: Scene, hub: Hub, clock: ManualClock) -> None:
    command = await scene.confirm(await scene.give(scene.lock, "unlock"))
    hub.is_open = False
    for _ in range(3):
        await jobs.send()
        assert (await scene.seen(command))["state"] == "queued"
        clock.advance(timedelta(seconds=5))
    clock.advance(timedelta(seconds=15))
    hub.is_open = True
    await jobs.send()
    await look()
    assert not hub.sent
    assert (await scene.seen(command))["state"] == "expired"


async def test_a_broker_that_is_back_in_time_gets_it_with_what_is_left(
    scene: Scene, hub: Hub, clock: ManualClock
) -> None:
    await scene.give(scene.lamp, "turn_on")
    hub.is_open = False
    await jobs.send()
    hub.is_open = True
    clock.advance(timedelta(seconds=2))
    await jobs.send()
    assert [left for _, left in hub.sent] == [timedelta(seconds=28)]


async def test_an_opening_that_may_have_been_sent_is_never_sent_again(
    scene: Scene, hub: Hub, clock: ManualClock
) -> None:
    command = await scene.confirm(await scene.give(scene.lock, "unlock", by=scene.daughter), by=scene.daughter)
    async with unit_of_work() as session:  # taken, and the power went before it was sent
        await service.take(session, [(await row_of(command)).id])
    clock.advance(timedelta(seconds=16))
    await look()
    assert (await scene.seen(command))["state"] == "uncertain"
    assert await told() == {scene.grace.account_id}, "the door may be open"
    await jobs.send()
    assert not hub.sent
    for _ in range(3):
        clock.advance(MINUTE)
        await look()
    assert (await scene.seen(command))["state"] == "expired"


async def test_a_home_may_settle_what_nobody_knows(scene: Scene, hub: Hub, clock: ManualClock) -> None:
    hub.dies_after = True
    command = await scene.confirm(await scene.give(scene.lock, "unlock"))
    await jobs.send()
    assert (await scene.seen(command))["state"] == "uncertain"
    clock.advance(SECOND)
    await report(scene.change(scene.lock, "unlocked"))
    assert (await scene.seen(command))["state"] == "confirmed"
    assert len(hub.sent) == 1


async def test_locking_that_may_have_been_sent_is_sent_again_in_time(
    scene: Scene, hub: Hub, clock: ManualClock
) -> None:
    command = await scene.give(scene.lock, "lock")
    async with unit_of_work() as session:
        ((parcel, _),) = await service.take(session, [(await row_of(command)).id])
    clock.advance(timedelta(seconds=16))
    await look()
    await jobs.send()
    assert [left for _, left in hub.sent] == [timedelta(seconds=14)]
    async with unit_of_work() as session:  # the first was slow, not dead: what it says is of no account now
        await service.settle(session, {parcel.id: (parcel, Action.LOSE)})
    assert (await scene.seen(command))["state"] == "sent"


async def test_whoever_held_a_command_for_long_does_not_send_it_any_more(
    scene: Scene, hub: Hub, clock: ManualClock
) -> None:
    command = await scene.confirm(await scene.give(scene.lock, "unlock", valid_for="PT5M"))
    async with unit_of_work() as session:
        taken = await service.take(session, [(await row_of(command)).id])
    clock.advance(timedelta(seconds=12))  # it slept, say
    await jobs._send(taken)
    assert not hub.sent


async def test_who_locks_the_door_calls_off_its_opening(scene: Scene, hub: Hub) -> None:
    waiting = await scene.give(scene.lock, "unlock")
    queued = await scene.confirm(await scene.give(scene.lock, "unlock", by=scene.daughter), by=scene.daughter)
    await scene.give(scene.lock, "lock")
    await jobs.send()
    assert [parcel.publication.payload for parcel, _ in hub.sent] == [b"lock"]
    for command in (waiting, queued):
        seen = await scene.seen(command)
        assert (seen["state"], seen["reason"]) == ("expired", "overtaken")


async def test_a_door_that_was_locked_meanwhile_is_not_opened_by_what_could_not_be_sent_before(
    scene: Scene, hub: Hub, clock: ManualClock
) -> None:
    opening = await scene.confirm(await scene.give(scene.lock, "unlock"))
    async with unit_of_work() as session:
        ((parcel, _),) = await service.take(session, [(await row_of(opening)).id])
    await scene.give(scene.lock, "lock")  # while a gateway still tries to reach the home
    async with unit_of_work() as session:
        await service.settle(session, {parcel.id: (parcel, Action.PUT_BACK)})
    for _ in range(3):
        await jobs.send()
        clock.advance(timedelta(seconds=2))
    assert [one.publication.payload for one, _ in hub.sent] == [b"lock"]
    seen = await scene.seen(opening)
    assert (seen["state"], seen["reason"]) == ("expired", "overtaken")


async def test_what_a_hub_refuses_is_not_asked_of_it_again(scene: Scene, hub: Hub, clock: ManualClock) -> None:
    command = await scene.give(scene.lamp, "turn_on")
    hub.refuses = True
    for _ in range(3):
        await jobs.send()
        clock.advance(timedelta(seconds=2))
    assert len(hub.sent) == 1
    seen = await scene.seen(command)
    assert (seen["state"], seen["reason"]) == ("failed", "refused")


async def test_a_button_that_opens_the_door_is_pressed_only_when_it_was_said_twice(scene: Scene, hub: Hub) -> None:
    async with unit_of_work() as session:
        bell = await session.get_one(type(scene.bell), scene.bell.id)
        bell.name = "Open front door"
        # Whoever manages the home calls it otherwise: that makes it no safer.
        bell.given_name, bell.role, bell.is_role_given = "Reading lamp", "light", True
    command = await scene.give(scene.bell, "press", by=scene.daughter)
    assert (command["risk"], command["state"]) == ("riskier", "awaiting_confirmation")
    async with unit_of_work() as session:
        with pytest.raises(RiskNotAgreed):
            await service.give(
                session, system_actor(scene.home.community_id), scene.bell.id, "press", {}, origin="automation"
            )


@pytest.mark.parametrize(
    ("unique_id", "topic"),
    [
        ("hearthline_aaaaaaaaaaaaaaaa_fine", "hearthline/aaaaaaaaaaaaaaaa/fine/press"),
        ("hub_mqtt_hearthline_aaaaaaaaaaaaaaaa_fine", "hub/button/fine/press"),
        ("hub_button.hearthline_i_m_fine", "hub/button/hearthline_i_m_fine/press"),
    ],
)
async def test_nobody_says_from_afar_that_the_resident_is_fine(
    scene: Scene, hub: Hub, unique_id: str, topic: str
) -> None:
    async with unit_of_work() as session:
        bell = await session.get_one(type(scene.bell), scene.bell.id)
        bell.name, bell.unique_id, bell.config = "I'm fine", unique_id, {"command_topic": topic}
    await scene.give(scene.bell, "press", by=scene.daughter, expect=422)
    await jobs.send()
    assert not hub.sent


async def test_an_automation_gone_wild_keeps_nobody_from_locking_the_door(scene: Scene, hub: Hub) -> None:
    for _ in range(30):
        await service.count(scene.home.id, by_person=False)
    with pytest.raises(TooManyRequests):
        await service.count(scene.home.id, by_person=False)
    await scene.give(scene.lock, "lock")


async def test_two_gateways_send_once(scene: Scene, hub: Hub) -> None:
    import asyncio  # noqa: PLC0415

    for _ in range(5):
        await scene.give(scene.lamp, "turn_on")
    await asyncio.gather(*(jobs.send() for _ in range(4)))
    assert len({parcel.id for parcel, _ in hub.sent}) == len(hub.sent) == 5


@pytest.mark.parametrize(
    ("reason", "values"),
    [("home_silent", {"is_silent": True}), ("unavailable", {}), ("home_closed", {"is_closed": True})],
)
async def test_what_cannot_be_reached_fails_at_once_and_says_why(
    scene: Scene, hub: Hub, clock: ManualClock, reason: str, values: dict[str, bool]
) -> None:
    await stands(scene.lamp, "on", is_available=reason != "unavailable")
    async with unit_of_work() as session:
        home = await session.get_one(Home, scene.home.id)
        if values.get("is_silent"):
            home.silent_since = clock.now()
        if values.get("is_closed"):
            home.state, home.closed_at = "closed", clock.now()
    command = await scene.give(scene.lamp, "turn_off")
    assert (command["state"], command["reason"]) == ("failed", reason)
    await jobs.send()
    assert not hub.sent


async def test_a_thing_that_is_gone_since_it_was_asked_is_not_told(scene: Scene, hub: Hub) -> None:
    command = await scene.give(scene.lamp, "turn_on")
    await stands(scene.lamp, "off", is_available=False)
    await jobs.send()
    assert not hub.sent
    assert (await scene.seen(command))["reason"] == "unavailable"


async def test_a_siren_is_not_silenced_by_what_was_asked_before_the_smoke(
    scene: Scene, hub: Hub, clock: ManualClock
) -> None:
    from tests.factories import community_homes as homes  # noqa: PLC0415

    command = await scene.give(scene.siren, "turn_off")
    detector = await homes.entity(await homes.device(scene.home), role="smoke", device_class="smoke")
    await stands(detector, "on")
    await jobs.send()
    assert not hub.sent
    assert (await scene.seen(command))["reason"] == "riskier_now"
    assert (await scene.give(scene.siren, "turn_off"))["state"] == "awaiting_confirmation"


async def test_what_a_thing_does_not_know_is_malformed(scene: Scene, hub: Hub) -> None:
    problem = await scene.give(scene.lamp, "dance", expect=422)
    assert problem["errors"][0]["pointer"] == "/body/command"
    problem = await scene.give(scene.lamp, "turn_on", arguments={"sparkle": 1}, expect=422)
    assert problem["errors"][0]["pointer"] == "/body/arguments"
    await scene.give(scene.lamp, "turn_on", valid_for="PT11M", expect=422)


async def test_an_automation_opens_nothing_unless_the_resident_agreed_to_it(scene: Scene, hub: Hub) -> None:
    hearthline = system_actor(scene.home.community_id)
    async with unit_of_work() as session:
        with pytest.raises(RiskNotAgreed):
            await service.give(session, hearthline, scene.lock.id, "unlock", {}, origin="automation")
        with pytest.raises(RiskNotAgreed):
            await service.give(session, hearthline, scene.lock.id, "unlock", {}, origin="scene", is_agreed=True)
        await service.give(session, hearthline, scene.lamp.id, "turn_on", {}, origin="automation")
        row = await service.give(session, hearthline, scene.lock.id, "unlock", {}, origin="automation", is_agreed=True)
        assert row.state == "queued"
    await jobs.send()
    assert len(hub.sent) == 2


async def test_a_home_is_not_flooded(scene: Scene, hub: Hub) -> None:
    for _ in range(30):
        await scene.give(scene.lamp, "turn_on")
    problem = await scene.give(scene.lamp, "turn_on", expect=429)
    assert problem["code"] == "too_many_requests"
