"""The desk over HTTP: its queue, who gets an alarm, handing over, and what happens to a claim that nothing follows."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from app.core.access import Actor, Membership
from app.core.clock import ManualClock
from app.core.database import reading
from app.identity.models import Account
from eldercare.alarms.models import AlarmKind, Severity
from eldercare.duty_desk import rules
from eldercare.duty_desk.views import desk_waiting
from tests.factories import eldercare_alarms as alarms
from tests.factories import eldercare_desk as desk
from tests.factories import identity
from tests.factories.sign_in import sign_in

pytestmark = pytest.mark.usefixtures("clock")

QUEUE = "/v1/duty-desk/queue"


def path(alarm: Any, rest: str = "") -> str:
    return f"/v1/duty-desk/alarms/{alarm.id}{rest}"


async def at_desk(scene: alarms.Scene, count: int = 2) -> list[tuple[Account, dict[str, str]]]:
    """Return that many people at the desk with their headers."""
    people = [scene.desk, *[await desk.colleague(scene, name=f"Colleague {n}") for n in range(1, count)]]
    return [(person, await sign_in(person)) for person in people]


async def test_the_queue_shows_who_is_told_now_and_who_has_it(client: httpx.AsyncClient, clock: ManualClock) -> None:
    scene = await alarms.scene()
    (person, headers), (_, other) = await at_desk(scene)
    first = await alarms.raised(scene.resident, severity=Severity.LOW)
    await alarms.climb()
    second = await alarms.raised(await identity.resident(scene.community, name="Rosa"), severity=Severity.CRITICAL)
    clock.advance(timedelta(seconds=1))

    items = (await client.get(QUEUE, headers=headers)).json()["items"]
    assert [item["id"] for item in items] == [str(second.id), str(first.id)]
    assert [item["resident_name"] for item in items] == ["Rosa", "Grace"]
    assert {told["name"] for told in items[1]["told_now"]} == {"Relative 1"}
    assert items[0]["told_now"] == []
    assert items[1]["claimed_by"] is None

    await client.post(path(first, "/claim"), headers=headers)
    (mine,) = (await client.get(QUEUE, headers=headers, params={"show": "mine"})).json()["items"]
    assert mine["claimed_by"] == {"account_id": str(person.id), "name": person.name}
    assert mine["claim_ends_at"] is not None
    unclaimed = (await client.get(QUEUE, headers=other, params={"show": "unclaimed"})).json()["items"]
    assert [item["id"] for item in unclaimed] == [str(second.id)]
    page = (await client.get(QUEUE, headers=other, params={"limit": 1})).json()
    after = (await client.get(QUEUE, headers=other, params={"limit": 1, "cursor": page["next"]})).json()
    assert [page["items"][0]["id"], after["items"][0]["id"], after["next"]] == [str(second.id), str(first.id), None]


async def test_of_many_who_claim_at_once_exactly_one_gets_it(client: httpx.AsyncClient, clock: ManualClock) -> None:
    scene = await alarms.scene(circle=0)
    people = await at_desk(scene, 20)
    alarm = await alarms.raised(scene.resident, kind=AlarmKind.FALL, severity=Severity.HIGH)
    await alarms.climb()
    clock.advance(timedelta(seconds=20))

    answers = await asyncio.gather(*(client.post(path(alarm, "/claim"), headers=own) for _, own in people))

    assert sorted(answer.status_code for answer in answers) == [200, *[409] * 19]
    won = next(answer for answer in answers if answer.status_code == 200).json()
    holder = won["alarm"]["acknowledged_by"]
    name = next(person.name for person, _ in people if str(person.id) == holder)
    for lost in (answer.json() for answer in answers if answer.status_code == 409):
        assert lost["code"] == "alarm_already_acknowledged"
        assert (lost["acknowledged_by"], lost["acknowledged_by_name"]) == (holder, name)
    assert won["script"]["kind"] == "fall"
    assert won["script"]["does"]
    seconds = "SELECT extract(epoch FROM desk_taken_at - desk_queued_at) FROM eldercare_alarm WHERE id = :id"
    assert await alarms.scalar(seconds, id=alarm.id) == 20


async def test_of_twenty_who_take_several_at_once_in_any_way_each_alarm_has_one(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    """Whether it is claimed at the desk, answered in the app or taken by going there: one person took it."""
    scene = await alarms.scene(circle=0)
    people = await at_desk(scene, 20)
    raised = [await alarms.raised(await identity.resident(scene.community, name=f"R{n}")) for n in range(4)]
    await alarms.climb()

    async def take(number: int, headers: dict[str, str]) -> None:
        alarm = raised[number % len(raised)]
        way = path(alarm, "/claim") if number % 3 else f"/v1/alarms/{alarm.id}/acknowledgement"
        assert (await client.post(way, headers=headers)).status_code in (200, 409)

    await asyncio.gather(*(take(number, own) for number, (_, own) in enumerate(people)))

    for alarm in raised:
        now = await alarms.current(alarm)
        by_whom = [(line.kind, line.actor_id) for line in await alarms.timeline(alarm) if line.actor_id is not None]
        assert by_whom == [("acknowledged", now.acknowledged_by)]
    facts = "SELECT count(*) FROM core_event WHERE name = 'eldercare.alarm_acknowledged.v1'"
    assert await alarms.scalar(facts) == len(raised)


async def test_the_queue_is_ordered_by_severity_then_age_and_paged(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    scene = await alarms.scene(circle=0)
    ((_, headers),) = await at_desk(scene, 1)
    given = [Severity.LOW, Severity.CRITICAL, Severity.LOW, Severity.HIGH, Severity.CRITICAL, Severity.MEDIUM]
    raised = {}
    for number, severity in enumerate(given):
        person = await identity.resident(scene.community, name=f"R{number}")
        raised[str((await alarms.raised(person, severity=severity)).id)] = number
        clock.advance(timedelta(seconds=1))
    # What gets worse moves up, but not before what is as bad and older.
    worse = await identity.resident(scene.community, name="Worse")
    alarm = await alarms.raised(worse, severity=Severity.LOW)
    await alarms.raised(worse, severity=Severity.CRITICAL)
    raised[str(alarm.id)] = len(given)

    seen: list[int] = []
    cursor: str | None = None
    while True:
        query = {"limit": "2", **({"cursor": cursor} if cursor else {})}
        page = (await client.get(QUEUE, headers=headers, params=query)).json()
        seen += [raised[item["id"]] for item in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break

    assert seen == [1, 4, 6, 3, 5, 0, 2]


@pytest.mark.parametrize("kind", list(AlarmKind))
async def test_an_alarm_of_any_kind_is_claimed_with_its_script(client: httpx.AsyncClient, kind: AlarmKind) -> None:
    scene = await alarms.scene(circle=0)
    ((person, headers),) = await at_desk(scene, 1)
    alarm = await alarms.raised(scene.resident, kind=kind)

    claimed = await client.post(path(alarm, "/claim"), headers=headers | {"Accept-Language": "zh-CN"})

    assert claimed.status_code == 200, claimed.text
    assert (claimed.json()["script"]["kind"], claimed.json()["script"]["language"]) == (kind, "zh-CN")
    assert (await alarms.current(alarm)).acknowledged_by == person.id


async def test_an_alarm_whose_kind_nobody_wrote_a_script_for_is_claimed(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = rules.built_in
    monkeypatch.setattr(rules, "built_in", lambda language: {"concern": known(language)["concern"]})
    scene = await alarms.scene(circle=0)
    ((person, headers),) = await at_desk(scene, 1)
    alarm = await alarms.raised(scene.resident, kind=AlarmKind.FALL)

    claimed = await client.post(path(alarm, "/claim"), headers=headers)

    assert claimed.status_code == 200, claimed.text
    assert (claimed.json()["script"]["kind"], bool(claimed.json()["script"]["asks"])) == ("fall", True)
    assert (await alarms.current(alarm)).acknowledged_by == person.id


async def test_a_claim_that_nothing_follows_ends_and_the_ladder_goes_on(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    scene = await alarms.scene(circle=0)
    (_, headers), (colleague, _) = await at_desk(scene)
    alarm = await alarms.raised(scene.resident)
    await alarms.climb()
    assert (await client.post(path(alarm, "/claim"), headers=headers)).status_code == 200

    clock.advance(timedelta(minutes=9))
    assert await alarms.climb() == 0
    clock.advance(timedelta(minutes=1))
    await alarms.climb()

    assert (await alarms.current(alarm)).acknowledged_by is None
    assert (await alarms.kinds(alarm))[-2:] == ["lapsed", "told"]
    assert (2, 4, colleague.id) in await alarms.told(alarm)
    other = await sign_in(colleague)
    assert (await client.post(path(alarm, "/claim"), headers=other)).status_code == 200


async def test_giving_back_calls_the_next_at_once(client: httpx.AsyncClient, clock: ManualClock) -> None:
    scene = await alarms.scene(circle=2)
    (_, headers), (_, other) = await at_desk(scene)
    alarm = await alarms.raised(scene.resident)
    await alarms.climb()
    await client.post(path(alarm, "/claim"), headers=headers)

    refused = await client.delete(path(alarm, "/claim"), headers=other)
    assert (refused.status_code, refused.json()["code"]) == (409, "alarm_not_yours")
    given = await client.delete(path(alarm, "/claim"), headers=headers)
    assert (given.status_code, given.json()["state"]) == (200, "raised")
    await alarms.climb()

    assert await alarms.told(alarm) == [(1, 1, scene.circle[0].id), (1, 2, scene.circle[1].id)]
    assert "eldercare.alarm_lapsed" in [key for key, _ in await alarms.notices_of(scene.circle[0])]
    again = await client.delete(path(alarm, "/claim"), headers=headers)
    assert (again.status_code, again.json()["acknowledged_by"]) == (409, None)
    await client.post(path(alarm, "/claim"), headers=headers)
    await client.post(f"/v1/alarms/{alarm.id}/arrival", headers=headers)
    there = await client.delete(path(alarm, "/claim"), headers=headers)
    assert (there.status_code, there.json()["code"]) == (409, "alarm_already_on_scene")


async def hand_over(
    client: httpx.AsyncClient, alarm: Any, headers: dict[str, str], to: Account, note: str = "Third floor, no lift"
) -> httpx.Response:
    body = {"account_id": str(to.id), "note": note}
    return await client.post(path(alarm, "/handovers"), headers=headers, json=body)


async def test_an_alarm_is_handed_over_when_the_colleague_takes_it(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    scene = await alarms.scene(circle=0)
    (giver, headers), (taker, theirs), (_, third) = await at_desk(scene, 3)
    alarm = await alarms.raised(scene.resident)
    await alarms.climb()
    early = await hand_over(client, alarm, headers, taker)
    assert (early.status_code, early.json()["code"]) == (409, "alarm_not_yours")
    await client.post(path(alarm, "/claim"), headers=headers)

    offered = await hand_over(client, alarm, headers, taker)
    assert offered.status_code == 201, offered.text
    offer = path(alarm, f"/handovers/{offered.json()['id']}")
    stored = await alarms.scalar("SELECT note FROM eldercare_desk_handover")
    assert "Third floor" not in stored
    assert (await alarms.current(alarm)).acknowledged_by == giver.id
    assert "eldercare.desk_handover" in [key for key, _ in await alarms.notices_of(taker)]
    (item,) = (await client.get(QUEUE, headers=third)).json()["items"]
    assert item["handover"]["to"]["account_id"] == str(taker.id)
    again = await hand_over(client, alarm, headers, taker)
    assert (again.status_code, again.json()["code"]) == (409, "handover_open")
    assert (await client.post(f"{offer}/acceptance", headers=third)).status_code == 404

    clock.advance(timedelta(minutes=2))
    taken = await client.post(f"{offer}/acceptance", headers=theirs)
    assert taken.status_code == 200, taken.text
    assert taken.json()["alarm"]["acknowledged_by"] == str(taker.id)
    assert [one["note"] for one in taken.json()["handovers"]] == ["Third floor, no lift"]
    assert [line for line in await alarms.kinds(alarm) if "hand" in line or "taken" in line] == [
        "handover_offered",
        "handed_over",
        "taken_over",
    ]
    # The time to show progress begins anew with who has it now.
    assert (await alarms.current(alarm)).next_step_at == alarms.later(600)
    twice = await client.post(f"{offer}/acceptance", headers=theirs)
    assert (twice.status_code, twice.json()["code"]) == (409, "handover_over")


async def test_an_offer_is_declined_or_taken_back_and_the_alarm_stays_whose_it_is(client: httpx.AsyncClient) -> None:
    scene = await alarms.scene(circle=0)
    (giver, headers), (taker, theirs), (_, third) = await at_desk(scene, 3)
    alarm = await alarms.raised(scene.resident)
    await client.post(path(alarm, "/claim"), headers=headers)
    for who in (theirs, headers):
        offered = await hand_over(client, alarm, headers, taker)
        offer = path(alarm, f"/handovers/{offered.json()['id']}")
        assert (await client.delete(offer, headers=third)).status_code == 404
        assert (await client.delete(offer, headers=who)).status_code == 204
        gone = await client.post(f"{offer}/acceptance", headers=theirs)
        assert (gone.status_code, gone.json()["code"]) == (409, "handover_over")
    assert (await alarms.current(alarm)).acknowledged_by == giver.id
    assert "eldercare.desk_handover_answered" in [key for key, _ in await alarms.notices_of(giver)]


async def test_an_offer_goes_with_its_claim(client: httpx.AsyncClient, clock: ManualClock) -> None:
    scene = await alarms.scene(circle=0)
    (_, headers), (taker, theirs) = await at_desk(scene)
    alarm = await alarms.raised(scene.resident)
    await alarms.climb()
    await client.post(path(alarm, "/claim"), headers=headers)
    offered = await hand_over(client, alarm, headers, taker)
    clock.advance(timedelta(minutes=10))
    await alarms.climb()
    headers = await sign_in(scene.desk)
    await client.post(path(alarm, "/claim"), headers=headers)

    late = await client.post(path(alarm, f"/handovers/{offered.json()['id']}/acceptance"), headers=theirs)

    assert (late.status_code, late.json()["code"]) == (409, "handover_over")
    assert (await client.get(QUEUE, headers=headers)).json()["items"][0]["handover"] is None
    assert (await hand_over(client, alarm, headers, taker)).status_code == 201


async def test_accepting_lapsing_and_giving_back_at_once_never_leave_two_holders_or_none(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    for other in ("lapse", "release", "take_over"):
        scene = await alarms.scene(circle=0)
        (_, headers), (taker, theirs), (third, thirds) = await at_desk(scene, 3)
        alarm = await alarms.raised(scene.resident)
        await alarms.climb()
        await client.post(path(alarm, "/claim"), headers=headers)
        offered = await hand_over(client, alarm, headers, taker)
        accept = client.post(path(alarm, f"/handovers/{offered.json()['id']}/acceptance"), headers=theirs)
        if other == "lapse":
            clock.advance(timedelta(minutes=10))
            answer, _ = await asyncio.gather(accept, alarms.climb())
        elif other == "release":
            answer, _ = await asyncio.gather(accept, client.delete(path(alarm, "/claim"), headers=headers))
        else:
            taking = client.post(f"/v1/alarms/{alarm.id}/acknowledgement", headers=thirds, json={"take_over": True})
            answer, _ = await asyncio.gather(accept, taking)

        now = await alarms.current(alarm)
        if now.state == "raised":
            assert (answer.status_code, now.acknowledged_by) == (409, None)
        else:
            assert now.acknowledged_by in (taker.id, third.id)
        assert now.next_step_at is not None


async def test_two_offers_at_once_leave_one(client: httpx.AsyncClient) -> None:
    scene = await alarms.scene(circle=0)
    (_, headers), (one, _), (two, _) = await at_desk(scene, 3)
    alarm = await alarms.raised(scene.resident)
    await client.post(path(alarm, "/claim"), headers=headers)

    answers = await asyncio.gather(*(hand_over(client, alarm, headers, colleague) for colleague in (one, two)))

    assert sorted(answer.status_code for answer in answers) == [201, 409]


async def test_only_to_a_colleague_at_the_desk(client: httpx.AsyncClient) -> None:
    scene = await alarms.scene(circle=1)
    ((giver, headers),) = await at_desk(scene, 1)
    alarm = await alarms.raised(scene.resident)
    await client.post(path(alarm, "/claim"), headers=headers)
    for to in (giver, scene.circle[0], await desk.colleague(scene, "coordinator")):
        refused = await hand_over(client, alarm, headers, to)
        assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, "not_at_the_desk")


async def test_scripts_are_versions_that_an_operator_writes(client: httpx.AsyncClient) -> None:
    scene = await alarms.scene(circle=0)
    ((_, headers),) = await at_desk(scene, 1)
    boss = await sign_in(await desk.colleague(scene, "operator"))
    scripts = "/v1/duty-desk/scripts"
    built_in = (await client.get(scripts, headers=headers)).json()["items"]
    assert {script["number"] for script in built_in} == {0}
    assert {script["kind"] for script in built_in} == {str(kind) for kind in AlarmKind}
    chinese = (await client.get(scripts, headers=headers, params={"language": "zh-CN"})).json()["items"]
    assert [script["kind"] for script in chinese] == [script["kind"] for script in built_in]
    assert all(script["does"] for script in [*built_in, *chinese])

    body = {"kind": "fall", "language": "en", "replaces": 0, "asks": ["Are you hurt?"], "does": ["Call back."]}
    assert (await client.post(scripts, headers=headers, json=body)).status_code == 403
    written = await client.post(scripts, headers=boss, json=body)
    assert (written.status_code, written.json()["number"]) == (201, 1)
    stale = await client.post(scripts, headers=boss, json=body)
    assert (stale.status_code, stale.json()["code"], stale.json()["number"]) == (409, "script_changed", 1)
    second = await client.post(scripts, headers=boss, json=body | {"replaces": 1, "does": ["Call twice."]})
    assert second.json()["number"] == 2
    versions = (
        await client.get("/v1/duty-desk/script-versions", headers=headers, params={"kind": "fall", "limit": 1})
    ).json()
    assert [version["does"] for version in versions["items"]] == [["Call twice."]]
    assert versions["next"] is not None

    alarm = await alarms.raised(scene.resident, kind=AlarmKind.FALL, severity=Severity.HIGH)
    shown = (await client.get(path(alarm), headers=headers)).json()["script"]
    assert (shown["number"], shown["does"]) == (2, ["Call twice."])
    other = (await client.get(path(alarm), headers=headers | {"Accept-Language": "zh-CN"})).json()["script"]
    assert (other["language"], other["number"]) == ("zh-CN", 0)
    elsewhere = await sign_in(await identity.operator(await identity.community(name="Elsewhere"), "dispatcher"))
    theirs = (await client.get(scripts, headers=elsewhere)).json()["items"]
    assert {script["number"] for script in theirs} == {0}


async def test_of_scripts_written_at_once_one_is_and_the_others_learn_its_number(client: httpx.AsyncClient) -> None:
    scene = await alarms.scene(circle=0)
    boss = await sign_in(await desk.colleague(scene, "operator"))
    body = {"kind": "fall", "language": "en", "replaces": 0, "asks": [], "does": ["Call back."]}

    answers = await asyncio.gather(*(client.post("/v1/duty-desk/scripts", headers=boss, json=body) for _ in range(5)))

    assert sorted(answer.status_code for answer in answers) == [201, *[409] * 4]
    lost = [answer.json() for answer in answers if answer.status_code == 409]
    assert {(one["code"], one.get("number")) for one in lost} == {("script_changed", 1)}


async def test_who_may_what(client: httpx.AsyncClient) -> None:
    scene = await alarms.scene()
    alarm = await alarms.raised(scene.resident)
    relative = await sign_in(scene.circle[0])
    foreign = await sign_in(await identity.operator(await identity.community(name="Elsewhere"), "dispatcher"))
    for method, rest in (("GET", ""), ("POST", "/claim"), ("DELETE", "/claim")):
        assert (await client.request(method, path(alarm, rest), headers=relative)).status_code == 403
        assert (await client.request(method, path(alarm, rest), headers=foreign)).status_code == 404
        assert (await client.request(method, path(alarm, rest))).status_code == 401
    assert (await client.get(QUEUE, headers=relative)).status_code == 403
    assert (await client.get(QUEUE, headers=foreign)).json()["items"] == []
    # What the agreement does not cover is not in the queue either.
    async with reading() as connection:
        await connection.execute(sa.text("UPDATE identity_service_agreement SET scopes = '{alarms:read}'"))
    own = await sign_in(scene.desk)
    assert (await client.get(QUEUE, headers=own)).json()["items"] == []
    assert (await client.post(path(alarm, "/claim"), headers=own)).status_code == 403


async def test_the_desk_is_told_whom_it_can_call_or_send_while_an_alarm_is_open(client: httpx.AsyncClient) -> None:
    scene = await alarms.scene(circle=1)
    ((_, headers),) = await at_desk(scene, 1)
    with_key = await identity.account(scene.community, name="Next door", phone="+8613800000500")
    await alarms.circle_member(scene.resident, with_key, position=2, has_key=True, relationship="neighbour")
    asked = await identity.account(scene.community, name="Not yet", phone="+8613800000501")
    await alarms.circle_member(scene.resident, asked, position=3, state="invited", has_key=True)
    alarm = await alarms.raised(scene.resident)

    shown = (await client.get(path(alarm), headers=headers)).json()["helpers"]
    assert [(one["name"], one["has_key"], one["numbers"]) for one in shown] == [
        ("Next door", True, ["+8613800000500"]),
        ("Relative 1", False, ["+8613800000100"]),
    ]
    assert {one["is_on_call"] for one in shown} == {True}
    trail = (
        "SELECT count(*) FROM core_audit_entry WHERE action = 'circle:read' AND resident_id = :id AND object_id = :of"
    )
    assert await alarms.scalar(trail, id=scene.resident.id, of=alarm.id) == 1

    await client.post(path(alarm, "/claim"), headers=headers)
    body = {"outcome": "helped"}
    await client.post(f"/v1/alarms/{alarm.id}/resolution", headers=headers, json=body)
    assert (await client.get(path(alarm), headers=headers)).json()["helpers"] is None


async def test_without_the_circle_in_its_agreement_the_desk_is_told_nobody(client: httpx.AsyncClient) -> None:
    place = await identity.community()
    resident = await identity.resident(place)
    operator = await identity.organization(place, "operator")
    await identity.agreement(operator, scopes=["alarms:read", "alarms:respond"])
    headers = await sign_in(await identity.staff(operator, "dispatcher", phone="+8613800000777"))
    helper = await identity.account(place, name="Relative", phone="+8613800000888")
    await alarms.circle_member(resident, helper, has_key=True)
    alarm = await alarms.raised(resident)
    assert (await client.get(path(alarm), headers=headers)).json()["helpers"] is None


async def test_what_the_circle_is_called_for_is_told_with_when_the_desk_hears_of_it(clock: ManualClock) -> None:
    scene = await alarms.scene(circle=2)
    steps = [{"target_kind": "circle_member", "target_order": 1}, {"target_kind": "circle_member", "target_order": 2}]
    await alarms.plan(scene.resident, [*steps, {"target_kind": "duty_desk"}])
    await alarms.raised(scene.resident, severity=Severity.CRITICAL)
    await alarms.climb()
    member = Membership(scene.operator.id, "operator", "dispatcher")
    actor = Actor("account", scene.desk.id, scene.community.id, memberships=(member,))
    async with reading() as connection:
        found = await desk_waiting(connection, actor)
    assert (found.alarms, found.with_circle) == ([], 1)
    assert found.told_by == alarms.later(120)
    clock.advance(timedelta(minutes=1))
    await alarms.climb()
    clock.advance(timedelta(minutes=1))
    await alarms.climb()
    async with reading() as connection:
        told = await desk_waiting(connection, actor)
    assert (len(told.alarms), told.with_circle, told.told_by) == (1, 0, None)
