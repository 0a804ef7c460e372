"""How help comes, over HTTP: who was told and what came of it, who is next, and whose names one may read."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from app.core import clock as clocks
from app.core.clock import ManualClock
from app.core.database import unit_of_work
from eldercare.alarms.models import AlarmKind, Severity
from tests.factories import eldercare_alarms as alarms
from tests.factories import identity
from tests.factories.sign_in import sign_in, sign_in_resident

pytestmark = pytest.mark.usefixtures("clock")

_OPENED = "UPDATE notifications_delivery SET delivered_at = :at, opened_at = :at WHERE account_id = :id RETURNING 1"


async def progress_of(client: httpx.AsyncClient, alarm: Any, headers: dict[str, str]) -> Any:
    answer = await client.get(f"/v1/alarms/{alarm.id}/progress", headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_who_was_told_what_came_of_it_and_who_is_next(client: httpx.AsyncClient, clock: ManualClock) -> None:
    scene = await alarms.scene()
    first, second = scene.circle
    alarm = await alarms.raised(scene.resident, kind=AlarmKind.FALL, severity=Severity.HIGH)
    await alarms.climb()
    headers = await sign_in(second)

    shown = await progress_of(client, alarm, headers)

    (told,) = shown["told"]
    assert (told["who"]["account_id"], told["who"]["kind"], told["step"]) == (str(first.id), "circle", 1)
    assert {channel["channel"] for channel in told["channels"]} >= {"sms"}
    assert (shown["next"]["kind"], shown["next"]["whom"]) == ("tell", "circle_member")
    assert [who["kind"] for who in shown["next"]["who"]] == ["me"]
    assert shown["resident_name"]
    assert shown["acts"] == ["acknowledge", "depart", "arrive", "resolve"]

    clock.advance(timedelta(seconds=61))
    await alarms.climb()
    await client.post(f"/v1/alarms/{alarm.id}/acknowledgement", headers=headers)
    shown = await progress_of(client, alarm, await sign_in(first))

    came = {told["who"]["account_id"]: told["came_of_it"] for told in shown["told"]}
    assert came[str(second.id)] == "took_it"
    assert came[str(first.id)] in ("no_answer", "not_reached")
    assert (shown["holder"]["name"], shown["next"]["kind"]) == (second.name, "lapse")
    assert shown["acts"] == ["take_over", "arrive", "resolve"]


async def test_a_message_that_was_seen_is_said_to_be_seen_and_never_to_which_number(
    client: httpx.AsyncClient,
) -> None:
    scene = await alarms.scene()
    alarm = await alarms.raised(scene.resident)
    await alarms.climb()
    async with unit_of_work() as session:
        await session.execute(sa.text(_OPENED), {"at": clocks.now(), "id": scene.circle[0].id})

    answer = await client.get(f"/v1/alarms/{alarm.id}/progress", headers=await sign_in(scene.desk))

    (told,) = answer.json()["told"]
    assert told["came_of_it"] == "seen"
    assert {channel["state"] for channel in told["channels"]} == {"seen"}
    assert "+86" not in answer.text


async def test_names_of_the_circle_are_told_to_who_sees_it_and_of_who_answered_to_everybody(
    client: httpx.AsyncClient,
) -> None:
    scene = await alarms.scene()
    first, second = scene.circle
    third = await identity.account(scene.community, name="Third", phone="+8613800000055")
    alarm = await alarms.raised(scene.resident, severity=Severity.LOW)
    await alarms.climb()
    headers = await sign_in(second)

    (told,) = (await progress_of(client, alarm, headers))["told"]
    assert (told["who"]["name"], told["who"]["relationship"]) == (None, None)
    await identity.grant(scene.resident, third, ["alarms:read", "circle:read"])
    (told,) = (await progress_of(client, alarm, await sign_in(third)))["told"]
    assert (told["who"]["name"], told["who"]["relationship"]) == (first.name, "daughter")

    await client.post(f"/v1/alarms/{alarm.id}/acknowledgement", headers=await sign_in(first))
    shown = await progress_of(client, alarm, headers)
    assert shown["holder"]["name"] == first.name
    assert first.name in {who["name"] for who in shown["people"]}


async def test_the_resident_sees_how_help_comes_and_can_take_it_back_only_in_the_countdown(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    scene = await alarms.scene()
    headers = await sign_in_resident(scene.resident)
    sos = (await client.post("/v1/me/sos", headers=headers, json={"countdown_seconds": 20})).json()

    answer = await client.get(f"/v1/alarms/{sos['id']}/progress", headers=headers)
    assert answer.json()["acts"] == ["cancel"]

    clock.advance(timedelta(seconds=21))
    await alarms.climb()
    shown = (await client.get(f"/v1/alarms/{sos['id']}/progress", headers=headers)).json()
    assert (shown["acts"], shown["told"][0]["who"]["name"]) == ([], scene.circle[0].name)


async def test_who_may_not_see_the_alarm_sees_nothing_of_its_progress(client: httpx.AsyncClient) -> None:
    scene = await alarms.scene()
    alarm = await alarms.raised(scene.resident)
    stranger = await identity.account(scene.community, name="Stranger", phone="+8613900000099")

    answer = await client.get(f"/v1/alarms/{alarm.id}/progress", headers=await sign_in(stranger))

    assert answer.status_code == 404
    assert (await client.get(f"/v1/alarms/{alarm.id}/progress")).status_code == 401


async def test_reading_it_leaves_a_trace_but_for_the_resident(client: httpx.AsyncClient) -> None:
    scene = await alarms.scene()
    alarm = await alarms.raised(scene.resident)
    await progress_of(client, alarm, await sign_in(scene.circle[0]))
    await progress_of(client, alarm, await sign_in_resident(scene.resident))

    traced = "SELECT count(*) FROM core_audit_entry WHERE object_id = :id AND action = 'alarm:progress'"
    assert await alarms.scalar(traced, id=alarm.id) == 1


async def test_who_has_taken_it_can_give_it_back_and_nobody_else(client: httpx.AsyncClient) -> None:
    scene = await alarms.scene()
    alarm = await alarms.raised(scene.resident)
    await alarms.climb()
    first, second = [await sign_in(person) for person in scene.circle]
    await client.post(f"/v1/alarms/{alarm.id}/acknowledgement", headers=first)

    refused = await client.delete(f"/v1/alarms/{alarm.id}/acknowledgement", headers=second)
    given = await client.delete(f"/v1/alarms/{alarm.id}/acknowledgement", headers=first)

    assert (refused.status_code, refused.json()["code"]) == (409, "alarm_not_yours")
    assert (given.status_code, given.json()["state"]) == (200, "raised")
    shown = await progress_of(client, alarm, second)
    assert (shown["holder"], shown["told"][0]["came_of_it"]) == (None, "gave_back")


async def test_the_log_holds_all_one_may_see_the_open_and_the_past_apart(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    scene = await alarms.scene()
    alarm = await alarms.raised(scene.resident)
    headers = await sign_in(scene.circle[0])
    await client.post(
        f"/v1/alarms/{alarm.id}/resolution", headers=headers, json={"outcome": "false_alarm", "note": None}
    )
    clock.advance(timedelta(hours=1))
    again = await alarms.raised(scene.resident)
    other = await identity.resident(scene.community, phone="+8613800000077")
    await alarms.raised(other)
    headers = await sign_in(scene.circle[0])

    async def log(part: str, own: dict[str, str]) -> list[Any]:
        answer = await client.get("/v1/alarm-log", params={"part": part}, headers=own)
        assert answer.status_code == 200, answer.text
        return list(answer.json()["items"])

    assert [item["id"] for item in await log("open", headers)] == [str(again.id)]
    (past,) = await log("past", headers)
    assert (past["id"], past["holder_name"], past["outcome"]) == (str(alarm.id), scene.circle[0].name, "false_alarm")
    assert past["explanation"]["zh-CN"]
    assert [item["id"] for item in await log("open", await sign_in_resident(scene.resident))] == [str(again.id)]
    assert len(await log("open", await sign_in(scene.desk))) == 2
    stranger = await identity.account(scene.community, name="Stranger", phone="+8613900000099")
    assert await log("past", await sign_in(stranger)) == []


async def test_emergency_access_shows_nothing_of_what_was_before(client: httpx.AsyncClient, clock: ManualClock) -> None:
    scene = await alarms.scene(circle=0)
    past = await alarms.raised(scene.resident)
    await client.post(f"/v1/alarms/{past.id}/resolution", headers=await sign_in(scene.desk), json={"outcome": "helped"})
    clock.advance(timedelta(hours=1))
    friend = await identity.account(scene.community, name="Friend", phone="+8613800000066")
    await alarms.circle_member(scene.resident, friend)
    await alarms.raised(scene.resident, kind=AlarmKind.FALL, severity=Severity.HIGH)
    await alarms.climb()

    headers = await sign_in(friend)
    answer = await client.get("/v1/alarm-log", params={"part": "past"}, headers=headers)
    assert answer.json()["items"] == []
    answer = await client.get("/v1/alarm-log", headers=headers)
    assert len(answer.json()["items"]) == 1
