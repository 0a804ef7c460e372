"""Patient numbers: linked by the resident's word or documents that were seen, once; guessing finds nobody."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from app.core.clock import ManualClock
from app.core.database import Database, reading
from app.core.retention import forget_what_is_past
from app.identity.models import Account, Community, Organization, Resident
from telemedicine.linking import rules
from telemedicine.linking.models import CODES, LINKS, WRONG_CODES
from tests.factories import identity, sign_in

SYSTEM = "https://lake-clinic.example/patients"
Headers = dict[str, str]
Body = dict[str, Any]


@dataclass(frozen=True)
class Scene:
    """A clinic that treats a resident, and who works there."""

    client: httpx.AsyncClient
    place: Community
    clinic: Organization
    staff: Account
    resident: Resident
    clerk: Headers
    grace: Headers

    async def code(self, headers: Headers | None = None, path: str = "/me") -> str:
        answer = await self.client.post(f"/v1{path}/link-codes", headers=headers or self.grace)
        assert answer.status_code == 201, answer.text
        found: str = answer.json()["code"]
        return found

    async def link(self, code: str, value: str = "P-1", **more: Any) -> httpx.Response:
        body = {"system": SYSTEM, "value": value, "code": code}
        headers = more.pop("headers", self.clerk)
        return await self.client.post(f"/v1/clinics/{self.clinic.id}/patient-links", json=body | more, headers=headers)

    async def check(self, value: str = "P-1", **more: Any) -> httpx.Response:
        body = {
            "system": SYSTEM,
            "value": value,
            "resident_id": str(self.resident.id),
            "evidence": ["passport", "insurance_card"],
        }
        headers = more.pop("headers", self.clerk)
        return await self.client.post(
            f"/v1/clinics/{self.clinic.id}/checked-patient-links", json=body | more, headers=headers
        )

    async def links(self, headers: Headers | None = None, path: str = "/me") -> list[Body]:
        answer = await self.client.get(f"/v1{path}/patient-links", headers=headers or self.grace)
        assert answer.status_code == 200, answer.text
        found: list[Body] = answer.json()["items"]
        return found


@pytest_asyncio.fixture(loop_scope="session")
async def scene(client: httpx.AsyncClient, database: Database, clock: ManualClock) -> Scene:
    place = await identity.community()
    clinic = await identity.organization(place, "clinic", name="Lake Clinic")
    staff = await identity.staff(clinic, "coordinator")
    resident = await identity.resident(place)
    await identity.agreement(clinic, None, resident)
    clerk = await sign_in.sign_in(staff, second_factor=True)
    return Scene(client, place, clinic, staff, resident, clerk, await sign_in.sign_in_resident(resident))


def refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def test_a_code_links_once_and_the_same_again_changes_nothing(scene: Scene) -> None:
    code = await scene.code()
    made = await scene.link(code)
    assert made.status_code == 201, made.text
    said = made.json()
    assert (said["resident_id"], said["system"], said["value"]) == (str(scene.resident.id), SYSTEM, "P-1")
    assert (said["how"], said["evidence"], said["linked_by"]) == ("code", [], str(scene.staff.id))
    assert said["given_by"] == str(scene.resident.account_id)
    assert (await scene.link(code.replace(" ", "-"))).json() == said  # whose answer got lost
    assert refusal(await scene.link(code, "P-2")) == (409, "link_code_invalid")
    assert await scene.links() == [said]


async def test_a_number_is_sealed(scene: Scene) -> None:
    await scene.link(await scene.code(), "Secret-7")
    async with reading() as connection:
        (row,) = (await connection.execute(sa.select(LINKS))).mappings()
    assert "Secret-7" not in str(dict(row))


async def test_a_wrong_code_tells_nothing(scene: Scene, clock: ManualClock) -> None:
    other = await identity.resident(scene.place, name="Walter")
    taken = await scene.link(await scene.code(await sign_in.sign_in_resident(other)), "P-9")
    assert taken.status_code == 201
    stale = await scene.code()
    await scene.code()  # which ends the one before
    elsewhere = await identity.community(name="Hillside")
    stranger = await scene.code(await sign_in.sign_in_resident(await identity.resident(elsewhere)))
    used = await scene.code(await sign_in.sign_in_resident(other))
    assert (await scene.link(used, "P-8")).status_code == 201
    answers = [
        await scene.link(said, value)
        for said, value in (
            ("000 000 000", "P-1"),
            ("000 000 000", "P-9"),  # a number that is somebody's
            ("nonsense", "P-1"),
            (stale, "P-1"),
            (stranger, "P-1"),
            (used, "P-1"),
        )
    ]
    told = {(one.status_code, one.text.replace(one.json()["instance"], "")) for one in answers}
    assert len(told) == 1
    assert refusal(answers[0]) == (409, "link_code_invalid")
    code = await scene.code()
    clock.advance(rules.CODE_LASTS)
    assert refusal(await scene.link(code)) == (409, "link_code_invalid")


async def test_wrong_codes_are_counted_though_they_are_refused(scene: Scene, clock: ManualClock) -> None:
    code = await scene.code()
    answers = await asyncio.gather(*(scene.link("000 000 000") for _ in range(rules.MOST_WRONG + 5)))
    assert sorted(one.status_code for one in answers) == [409] * rules.MOST_WRONG + [429] * 5
    held_back = await scene.link(code)  # even the right one
    assert refusal(held_back) == (429, "too_many_wrong_codes")
    assert 0 < int(held_back.headers["retry-after"]) <= rules.WRONG_WITHIN.total_seconds()
    other = await identity.organization(scene.place, "clinic", name="Hill Clinic")
    theirs = await sign_in.sign_in(await identity.staff(other, "clinician"), second_factor=True)
    body = {"system": SYSTEM, "value": "P-1", "code": code}
    assert (
        await scene.client.post(f"/v1/clinics/{other.id}/patient-links", json=body, headers=theirs)
    ).status_code == 201
    clock.advance(rules.WRONG_WITHIN)
    clerk = await sign_in.sign_in(scene.staff, second_factor=True)
    grace = await sign_in.sign_in_resident(scene.resident)
    assert (await scene.link(await scene.code(grace), headers=clerk)).status_code == 201


async def test_what_was_tried_and_read_out_is_forgotten(scene: Scene, clock: ManualClock) -> None:
    await scene.code()
    await scene.link("000 000 000")
    clock.advance(timedelta(days=2))
    await forget_what_is_past()
    async with reading() as connection:
        for table in (CODES, WRONG_CODES):
            assert await connection.scalar(sa.select(sa.func.count()).select_from(table)) == 0


async def test_a_code_is_good_for_one_of_those_who_try_it_at_once(scene: Scene) -> None:
    code = await scene.code()
    answers = await asyncio.gather(*(scene.link(code, f"P-{number}") for number in range(4)))
    assert sorted(one.status_code for one in answers) == [201, 409, 409, 409]
    assert len(await scene.links()) == 1


async def test_a_number_is_one_residents(scene: Scene) -> None:
    other = await identity.resident(scene.place, name="Walter")
    walter = await sign_in.sign_in_resident(other)
    codes = [await scene.code(), await scene.code(walter)]
    answers = await asyncio.gather(*(scene.link(code) for code in codes))
    assert sorted(one.status_code for one in answers) == [201, 409]
    loser = next(index for index, one in enumerate(answers) if one.status_code == 409)
    assert refusal(answers[loser]) == (409, "patient_number_taken")
    # The code that was refused for the number is good for the right one, and one resident may have several.
    assert (await scene.link(codes[loser], "P-2")).status_code == 201
    (mine,) = await scene.links([walter, scene.grace][loser])
    ended = await scene.client.delete(f"/v1/patient-links/{mine['id']}", headers=scene.clerk)
    assert ended.status_code == 204
    # What has ended can be anybody's.
    again = await scene.link(await scene.code([scene.grace, walter][loser]), mine["value"])
    assert again.status_code == 201


async def test_staff_attest_with_what_they_saw(scene: Scene) -> None:
    made = (await scene.check()).json()
    assert (made["how"], made["evidence"], made["given_by"]) == ("staff_check", ["insurance_card", "passport"], None)
    assert made["linked_by"] == str(scene.staff.id)
    assert (await scene.check()).json() == made
    for changes, status in (
        ({"evidence": []}, 422),
        ({"evidence": ["passport", "passport"]}, 422),
        ({"evidence": ["name"]}, 422),
        ({"value": "x\ny"}, 422),
        ({"value": " "}, 422),
        ({"system": "patients"}, 422),
        ({"system": "urn:hearthline:resident-reference"}, 422),
        ({"name": "Grace", "birth_date": "1940-01-01"}, 422),
        ({"resident_id": str((await identity.resident(scene.place, name="Walter")).id)}, 404),
    ):
        assert (await scene.check(**{"value": "P-2"} | changes)).status_code == status, changes


async def test_a_right_of_their_own_is_none_of_the_clinics(scene: Scene) -> None:
    friend = await identity.resident(scene.place, name="Walter")
    await identity.grant(friend, scene.staff, ["appointments:manage"])
    assert (await scene.check("P-2", resident_id=str(friend.id))).status_code == 404


async def test_the_resident_sees_and_ends_links_and_it_stays_on_record(scene: Scene) -> None:
    made = (await scene.check()).json()
    assert await scene.links() == [made]
    assert await scene.links(scene.clerk, f"/residents/{scene.resident.id}") == [made]
    other = await identity.organization(scene.place, "clinic", name="Hill Clinic")
    await identity.agreement(other, None, scene.resident)
    theirs = await sign_in.sign_in(await identity.staff(other, "clinician"), second_factor=True)
    assert await scene.links(theirs, f"/residents/{scene.resident.id}") == []
    assert (await scene.client.delete(f"/v1/patient-links/{made['id']}", headers=theirs)).status_code == 404
    for _ in range(2):
        assert (await scene.client.delete(f"/v1/patient-links/{made['id']}", headers=scene.grace)).status_code == 204
    (ended,) = await scene.links()
    assert (ended["ended_side"], ended["ended_by"]) == ("patient", str(scene.resident.account_id))
    again = (await scene.check()).json()
    assert again["id"] != made["id"]
    assert [one["id"] for one in await scene.links()] == [again["id"], made["id"]]


async def test_who_is_trusted_with_it_gives_a_code_and_staff_do_not(scene: Scene) -> None:
    daughter = await identity.account(scene.place)
    await identity.grant(scene.resident, daughter, ["appointments:manage"])
    path = f"/residents/{scene.resident.id}"
    code = await scene.code(await sign_in.sign_in(daughter), path)
    assert (await scene.link(code)).json()["given_by"] == str(daughter.id)
    own = await scene.client.post(f"/v1{path}/link-codes", headers=scene.clerk)
    assert refusal(own) == (403, "forbidden")


async def test_who_is_linked_or_no_more_is_told(scene: Scene) -> None:
    made = (await scene.check()).json()
    await scene.client.delete(f"/v1/patient-links/{made['id']}", headers=scene.clerk)
    items = (await scene.client.get("/v1/me/inbox", headers=scene.grace)).json()["items"]
    assert sorted(item["title"] for item in items) == ["A clinic has linked its record", "A link to a clinic has ended"]
    assert not any("P-1" in str(item) for item in items)


async def test_who_does_not_work_at_the_clinic_links_nobody(scene: Scene) -> None:
    operator = await identity.operator(scene.place)
    headers = await sign_in.sign_in(operator, second_factor=True)
    assert (await scene.link("000 000 000", headers=headers)).status_code == 403
    assert (await scene.check(headers=headers)).status_code == 403
    assert (await scene.link("000 000 000", headers=scene.grace)).status_code in (403, 404)


@given(st.lists(st.datetimes(), max_size=2 * rules.MOST_WRONG).map(sorted))
def test_a_clinic_may_be_wrong_so_often_within_any_hour(wrong: list[datetime]) -> None:
    again = rules.try_again_at(wrong)
    assert (again is None) == (len(wrong) < rules.MOST_WRONG)
    # By then one of the last ten is an hour old.
    assert again is None or len([at for at in wrong if at + rules.WRONG_WITHIN > again]) < rules.MOST_WRONG


@pytest.mark.parametrize("typed", ["123456789", "123 456 789", "123-456-789", " 123.456 789 "])
def test_a_code_is_understood_as_it_is_read_out(typed: str) -> None:
    assert rules.understood(typed) == "123456789"
    assert rules.understood(rules.spoken("123456789")) == "123456789"
