"""The rota over HTTP: own hours, absences, swaps; whom the ladder asks; gaps that are told before they come."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest

from app.core.clock import ManualClock
from app.core.database import unit_of_work
from app.core.jobs import settle
from app.core.relay import relay_once
from app.identity.models import Account
from eldercare.care_circle.models import CircleMember
from eldercare.rota import service
from eldercare.rota.jobs import JOBS
from tests.factories import eldercare_alarms as alarms
from tests.factories import eldercare_desk as desk
from tests.factories import identity
from tests.factories import notifications as sent
from tests.factories.sign_in import sign_in, sign_in_resident

pytestmark = pytest.mark.usefixtures("clock")

# The clock says Monday 16:00 in Shanghai.
DAYTIME = [{"weekday": day, "start": "08:00", "end": "20:00"} for day in range(7)]
SWAP = {"starts_at": "2026-03-02T08:00:00Z", "ends_at": "2026-03-02T12:00:00Z"}


async def look() -> None:
    """Let the rota learn what happened and look ahead, until nothing is due at the current clock."""
    while await relay_once():
        pass
    await settle(JOBS)


class Family:
    """A resident with two members of their circle, and how they sign in."""

    scene: alarms.Scene
    members: list[CircleMember]

    @classmethod
    async def of(cls, *hours: list[dict[str, Any]]) -> "Family":
        family = cls()
        family.scene = await alarms.scene(circle=0)
        family.members = []
        for number, on_call in enumerate(hours):
            person = await identity.account(family.scene.community, name=f"Relative {number + 1}")
            family.members.append(
                await alarms.circle_member(family.scene.resident, person, position=number + 1, on_call=on_call)
            )
        return family

    def path(self, number: int, rest: str) -> str:
        return f"/v1/me/circles/{self.members[number].id}/{rest}"

    async def headers(self, number: int) -> dict[str, str]:
        async with unit_of_work() as session:
            account = await session.get_one(Account, self.members[number].account_id)
        return await sign_in(account)

    async def told(self) -> list[Any]:
        await alarms.raised(self.scene.resident, is_test=True)
        await alarms.climb()
        alarm = await alarms.scalar("SELECT id FROM eldercare_alarm ORDER BY id DESC LIMIT 1")
        return [account for _, _, account in await alarms.told(alarm)]


async def test_the_ladder_asks_the_rota(client: httpx.AsyncClient, clock: ManualClock) -> None:
    family = await Family.of([], [])
    one, two = family.members
    away = {"starts_on": "2026-03-02", "ends_on": "2026-03-02"}
    added = await client.post(family.path(0, "absences"), headers=await family.headers(0), json=away)
    assert added.status_code == 201, added.text

    assert (await family.told())[0] == two.account_id
    clock.advance(timedelta(hours=8, seconds=1))  # past midnight in Shanghai
    alarm = await alarms.raised(family.scene.resident)
    await alarms.climb()
    assert await alarms.told(alarm) == [(1, 1, one.account_id)]
    absence = added.json()["id"]
    headers = await family.headers(0)
    assert (await client.delete(family.path(1, f"absences/{absence}"), headers=headers)).status_code == 404
    assert (await client.delete(family.path(0, f"absences/{absence}"), headers=headers)).status_code == 204
    assert (await client.get(family.path(0, "absences"), headers=headers)).json()["items"] == []


async def test_a_turn_is_offered_accepted_and_taken_back(client: httpx.AsyncClient, clock: ManualClock) -> None:
    family = await Family.of(DAYTIME, [{"weekday": 6, "start": "00:00", "end": "01:00"}])
    giver, taker = family.members
    ours, theirs = await family.headers(0), await family.headers(1)
    offered = await client.post(family.path(0, "swaps"), headers=ours, json={**SWAP, "taker_id": str(taker.id)})
    assert (offered.status_code, offered.json()["state"]) == (201, "offered"), offered.text
    swap = offered.json()["id"]

    async def on_call() -> list[str]:
        rota = (await client.get(family.path(0, "rota"), headers=ours, params={"days": 1})).json()
        return [person["member_id"] for person in rota["slots"][0]["on_call"]]

    assert await on_call() == [str(giver.id)]
    assert (await client.post(family.path(0, f"swaps/{swap}/acceptance"), headers=ours)).status_code == 404
    assert (await client.delete(family.path(1, f"swaps/{swap}"), headers=theirs)).status_code == 404
    accepted = await client.post(family.path(1, f"swaps/{swap}/acceptance"), headers=theirs)
    assert (accepted.status_code, accepted.json()["state"]) == (200, "accepted")
    assert await on_call() == [str(taker.id)]
    assert (await family.told())[0] == taker.account_id
    over = await client.post(family.path(1, f"swaps/{swap}/refusal"), headers=theirs)
    assert (over.status_code, over.json()["code"]) == (409, "swap_over")
    another = await client.post(family.path(0, "swaps"), headers=ours, json={**SWAP, "taker_id": str(taker.id)})
    assert (another.status_code, another.json()["code"], another.json()["swap_id"]) == (409, "swap_overlaps", swap)

    assert (await client.delete(family.path(0, f"swaps/{swap}"), headers=ours)).status_code == 204
    assert await on_call() == [str(giver.id)]
    listed = (await client.get(family.path(1, "swaps"), headers=theirs)).json()["items"]
    assert [(item["id"], item["state"], item["giver_name"]) for item in listed] == [(swap, "withdrawn", "Relative 1")]
    keys = "SELECT array_agg(DISTINCT notice_key) FROM notifications_delivery WHERE account_id = :id"
    assert "eldercare.swap_offered" in await alarms.scalar(keys, id=taker.account_id)
    assert "eldercare.swap_changed" in await alarms.scalar(keys, id=giver.account_id)


async def test_of_many_swaps_for_one_turn_only_one_is_agreed(client: httpx.AsyncClient) -> None:
    family = await Family.of(DAYTIME, *[[] for _ in range(5)])
    ours = await family.headers(0)
    takers = range(1, 6)
    swaps = []
    for number in takers:
        body = {**SWAP, "taker_id": str(family.members[number].id)}
        swaps.append((await client.post(family.path(0, "swaps"), headers=ours, json=body)).json()["id"])
    headers = [await family.headers(number) for number in takers]

    answers = await asyncio.gather(
        *(
            client.post(family.path(number, f"swaps/{swap}/acceptance"), headers=own)
            for number, swap, own in zip(takers, swaps, headers, strict=True)
        )
    )

    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409, 409]
    assert await alarms.scalar("SELECT count(*) FROM eldercare_rota_swap WHERE state = 'accepted'") == 1


async def test_who_is_away_takes_no_turn_and_strangers_are_no_takers(client: httpx.AsyncClient) -> None:
    family = await Family.of(DAYTIME, [])
    ours, theirs = await family.headers(0), await family.headers(1)
    away = {"starts_on": "2026-03-01", "ends_on": "2026-03-02"}
    await client.post(family.path(1, "absences"), headers=theirs, json=away)
    refused = await client.post(
        family.path(0, "swaps"), headers=ours, json={**SWAP, "taker_id": str(family.members[1].id)}
    )
    assert (refused.status_code, refused.json()["code"]) == (409, "taker_away")
    for taker in (family.members[0].id, family.scene.resident.id):
        wrong = await client.post(family.path(0, "swaps"), headers=ours, json={**SWAP, "taker_id": str(taker)})
        assert (wrong.status_code, wrong.json()["errors"][0]["code"]) == (422, "not_in_circle")
    past = {"starts_at": "2026-03-01T08:00:00Z", "ends_at": "2026-03-01T12:00:00Z"}
    late = await client.post(
        family.path(0, "swaps"), headers=ours, json={**past, "taker_id": str(family.members[1].id)}
    )
    assert late.status_code == 422
    backwards = {"starts_on": "2026-03-05", "ends_on": "2026-03-02"}
    assert (await client.post(family.path(1, "absences"), headers=theirs, json=backwards)).status_code == 422


async def test_the_turn_falls_back_to_the_giver_when_the_taker_leaves(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    family = await Family.of([], [])
    giver, taker = family.members
    ours, theirs = await family.headers(0), await family.headers(1)
    swap = (await client.post(family.path(0, "swaps"), headers=ours, json={**SWAP, "taker_id": str(taker.id)})).json()[
        "id"
    ]
    await client.post(family.path(1, f"swaps/{swap}/acceptance"), headers=theirs)
    assert (await client.delete(f"/v1/me/circles/{taker.id}", headers=theirs)).status_code == 204
    assert (await family.told())[0] == giver.account_id
    await look()
    (item,) = (await client.get(family.path(0, "swaps"), headers=ours)).json()["items"]
    assert item["state"] == "withdrawn"


async def test_a_gap_is_told_to_circle_and_operator_before_it_comes(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    family = await Family.of(DAYTIME, [])
    one, two = family.members
    boss = await desk.colleague(family.scene, "operator", name="Boss")
    theirs = await family.headers(1)

    async def gaps(account_id: Any) -> int:
        statement = (
            "SELECT count(DISTINCT dedupe_key) FROM notifications_dedupe "
            "WHERE account_id = :id AND dedupe_key LIKE 'rota_gap:%'"
        )
        return int(await alarms.scalar(statement, id=account_id))

    tomorrow = {"starts_on": "2026-03-03", "ends_on": "2026-03-03"}
    assert (await client.post(family.path(1, "absences"), headers=theirs, json=tomorrow)).status_code == 201
    await look()
    # From midnight to eight, and from eight in the evening: by day the first of them is there.
    assert [await gaps(account) for account in (one.account_id, two.account_id, boss.id)] == [2, 2, 2]
    assert await gaps(family.scene.resident.account_id) == 0
    for _ in range(3):
        clock.advance(timedelta(hours=1))
        await look()
    assert await gaps(boss.id) == 2


async def test_a_holiday_of_the_community_decides_who_is_called_and_the_gap_it_makes_is_told(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    sundays = [{"weekday": 6, "start": "08:00", "end": "18:00"}]
    family = await Family.of(DAYTIME[:5], sundays)
    boss = await desk.colleague(family.scene, "operator", name="Boss")

    async def gaps() -> int:
        statement = "SELECT count(*) FROM notifications_dedupe WHERE account_id = :id AND dedupe_key LIKE 'rota_gap:%'"
        return int(await alarms.scalar(statement, id=boss.id))

    await known(family)
    before = await gaps()
    tuesday = {"day": "2026-03-03", "name": "Festival", "is_workday": False}
    headers = await sign_in(boss, second_factor=True)
    told = await client.put("/v1/holidays/2026", headers=headers, json={"days": [tuesday]})
    assert told.status_code < 300, told.text
    await look()
    assert await gaps() == before + 1  # from six to eight in the evening, which no other Tuesday lacks
    await look()
    assert await gaps() == before + 1

    clock.advance(timedelta(days=1))
    assert (await family.told())[0] == family.members[1].account_id


async def known(family: Family) -> None:
    """Let the rota know of a circle that was made by hand, and tell what its weekly hours leave open."""
    scene = family.scene
    async with unit_of_work() as session:
        await service.follow_members(session, [(scene.resident.id, scene.community.id)])
    await look()


async def test_hours_that_leave_a_gap_every_week_are_told_once(client: httpx.AsyncClient, clock: ManualClock) -> None:
    family = await Family.of([])
    boss = await desk.colleague(family.scene, "operator", name="Boss")
    headers = await family.headers(0)
    listed = (await client.get("/v1/me/circles", headers=headers)).json()["items"]
    assert [item["id"] for item in listed] == [str(family.members[0].id)]
    path = family.path(0, "hours")
    stale = await client.put(path, headers=headers | {"If-Match": '"9"'}, json={"on_call": DAYTIME})
    assert stale.status_code == 412
    changed = await client.put(path, headers=headers | {"If-Match": '"1"'}, json={"on_call": DAYTIME})
    assert (changed.status_code, changed.headers["etag"]) == (200, '"2"')
    for _ in range(9):
        await look()
        clock.advance(timedelta(hours=6))
    keys = [key for key, _ in await alarms.notices_of(boss)]
    assert keys == ["eldercare.rota_gap"]
    watch = "SELECT count(look_at) FROM eldercare_rota_watch"
    assert await alarms.scalar(watch) == 1
    headers = await family.headers(0)
    await client.put(path, headers=headers, json={"on_call": []})
    await look()
    assert await alarms.scalar(watch) == 0


async def test_who_sees_the_rota(client: httpx.AsyncClient) -> None:
    family = await Family.of(DAYTIME, [])
    resident = family.scene.resident
    own = await sign_in_resident(resident)
    rota = (await client.get("/v1/me/rota", headers=own)).json()
    assert [person["name"] for person in rota["members"]] == ["Relative 1", "Relative 2"]
    staff = await client.get(f"/v1/residents/{resident.id}/rota", headers=await sign_in(family.scene.desk))
    assert staff.status_code == 200
    stranger = await sign_in(await identity.account(family.scene.community, name="Stranger"))
    assert (await client.get(f"/v1/residents/{resident.id}/rota", headers=stranger)).status_code == 404
    for rest in ("rota", "absences", "swaps"):
        assert (await client.get(family.path(0, rest), headers=stranger)).status_code == 404
        assert (await client.get(family.path(0, rest))).status_code == 401


async def notified(key: str) -> set[Any]:
    return {item.account_id for item in await sent.deliveries() if item.notice_key == f"eldercare.{key}"}


async def test_when_the_last_of_a_circle_leaves_everybody_who_answers_hears(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    family = await Family.of([], [])
    scene = family.scene
    agency = await identity.organization(scene.community, "care_agency")
    await identity.agreement(agency)
    nora = await identity.staff(agency, "coordinator", name="Nora", phone="+8613800000301")
    olga = await identity.staff(scene.operator, "operator", name="Olga", phone="+8613800000302")
    first, last = [f"/v1/me/circles/{member.id}" for member in family.members]

    assert (await client.delete(first, headers=await family.headers(0))).status_code == 204
    await look()
    assert await notified("circle_left") == {scene.resident.account_id}
    assert await notified("circle_empty") == set()  # somebody can still be called
    assert (await client.delete(last, headers=await family.headers(1))).status_code == 204
    await look()
    assert await notified("circle_empty") == {nora.id, olga.id, scene.desk.id}
    assert await notified("own_circle_empty") == {scene.resident.account_id}

    told = len(await sent.deliveries())
    clock.advance(timedelta(hours=7))
    await look()
    assert len(await sent.deliveries()) == told  # once, until that changes
    person = await identity.account(scene.community, name="New")
    again = await alarms.circle_member(scene.resident, person)
    clock.advance(timedelta(hours=7))
    await look()
    assert len(await sent.deliveries()) == told
    assert (await client.delete(f"/v1/me/circles/{again.id}", headers=await sign_in(person))).status_code == 204
    await look()
    assert len([item for item in await sent.deliveries() if item.notice_key == "eldercare.own_circle_empty"]) >= 2


async def test_whose_account_is_deactivated_is_not_on_call_and_that_is_told(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    family = await Family.of([], [])
    scene = family.scene
    olga = await identity.staff(scene.operator, "operator", name="Olga", phone="+8613800000302")
    head = await sign_in(olga, second_factor=True)
    own = await sign_in_resident(scene.resident)

    async def deactivate(number: int) -> None:
        url = f"/v1/accounts/{family.members[number].account_id}/deactivation"
        assert (await client.post(url, headers=head)).status_code == 204
        await look()

    await deactivate(0)
    rota = (await client.get("/v1/me/rota", headers=own)).json()
    assert [person["member_id"] for person in rota["slots"][0]["on_call"]] == [str(family.members[1].id)]
    assert (await family.told())[0] == family.members[1].account_id
    assert await notified("circle_empty") == set()
    await deactivate(1)
    assert await notified("circle_empty") == {olga.id, scene.desk.id}
    rota = (await client.get("/v1/me/rota", headers=own)).json()
    assert [slot["on_call"] for slot in rota["slots"]] == [[]]


async def test_a_deactivation_that_makes_a_gap_is_told_in_time(client: httpx.AsyncClient, clock: ManualClock) -> None:
    family = await Family.of([], DAYTIME)
    scene = family.scene
    olga = await identity.staff(scene.operator, "operator", name="Olga", phone="+8613800000302")
    url = f"/v1/accounts/{family.members[0].account_id}/deactivation"
    assert (await client.post(url, headers=await sign_in(olga, second_factor=True))).status_code == 204
    await look()
    assert await notified("rota_gap") == {olga.id, family.members[1].account_id}


async def test_whose_last_contact_is_erased_is_not_forgotten(clock: ManualClock) -> None:
    family = await Family.of([])
    member, scene = family.members[0], family.scene
    await known(family)
    async with unit_of_work() as session:
        await session.delete(await session.get_one(CircleMember, member.id))
        await service.follow_accounts(session, [(member.account_id, scene.community.id)])
    await look()
    assert await notified("circle_empty") == {scene.desk.id}
