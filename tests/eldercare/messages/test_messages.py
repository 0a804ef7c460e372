"""The circle's conversation: who reads and writes, what is sealed, how far each has read, leaving and coming back."""

import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from app.core import clock as clocks
from app.core.clock import ManualClock
from app.core.database import unit_of_work
from app.core.settings import MediaSettings, Settings, install_settings
from app.identity.models import Account, Resident
from app.media.models import STORED, Upload
from tests.factories import eldercare_alarms as alarms
from tests.factories import identity, media
from tests.factories.sign_in import sign_in, sign_in_resident
from tests.media import samples

pytestmark = pytest.mark.usefixtures("clock")

BOTH = ["messages:read", "messages:write"]


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, test_settings: Settings) -> Any:
    install_settings(test_settings.model_copy(update={"media": MediaSettings(directory=tmp_path)}))
    yield
    install_settings(test_settings)


async def joined(resident: Resident, name: str, scopes: list[str] = BOTH) -> Account:
    """Insert a member of the circle who accepted at this moment, with these scopes."""
    place = await identity.community_of(await _account(resident))
    person = await identity.account(place, name=name)
    await alarms.circle_member(resident, person, answered_at=clocks.now(), scopes=scopes)
    await identity.grant(resident, person, scopes)
    return person


async def _account(resident: Resident) -> Account:
    async with unit_of_work() as session:
        return await session.get_one(Account, resident.account_id)


async def photo_of(owner: Account) -> uuid.UUID:
    row = Upload(
        community_id=owner.community_id,
        owner_id=owner.id,
        about_id=owner.id,
        purpose="photo",
        content_type="image/jpeg",
        size=3,
        received=3,
        stored_size=3,
        sha256=bytes(32),
        state=STORED,
    )
    async with unit_of_work() as session:
        session.add(row)
    return row.id


async def test_a_circle_talks_and_nobody_else_reads_along(client: httpx.AsyncClient, clock: ManualClock) -> None:
    scene = await alarms.scene(circle=0)
    resident = scene.resident
    daughter, son = await joined(resident, "Daughter"), await joined(resident, "Son")
    reader = await joined(resident, "Reader", ["messages:read"])
    own, hers, his = await sign_in_resident(resident), await sign_in(daughter), await sign_in(son)
    path = f"/v1/residents/{resident.id}/circle-messages"
    clock.advance(timedelta(seconds=1))

    said = await client.post("/v1/me/circle-messages", headers=own, json={"text": "The soup was good"})
    assert said.status_code == 201, said.text
    clock.advance(timedelta(seconds=1))
    key = str(uuid.uuid5(uuid.NAMESPACE_URL, "app"))
    answer = {"text": "I am glad", "client_key": key}
    first = await client.post(path, headers=hers, json=answer)
    again = await client.post(path, headers=hers, json=answer)
    assert first.json()["id"] == again.json()["id"]

    listed = (await client.get(path, headers=his)).json()["items"]
    assert [(item["author_name"], item["text"]) for item in listed] == [
        ("Daughter", "I am glad"),
        ("Grace", "The soup was good"),
    ]
    page = (await client.get(path, headers=his, params={"limit": 1})).json()
    rest = (await client.get(path, headers=his, params={"limit": 1, "cursor": page["next"]})).json()
    assert [page["items"][0]["text"], rest["items"][0]["text"], rest["next"]] == [
        "I am glad",
        "The soup was good",
        None,
    ]
    stored = await alarms.scalar("SELECT string_agg(text, ' ') FROM eldercare_circle_message")
    assert "soup" not in stored
    only_reads = await sign_in(reader)
    assert (await client.get(path, headers=only_reads)).status_code == 200
    assert (await client.post(path, headers=only_reads, json={"text": "No"})).status_code == 403
    # Staff see the resident, and yet not what the family says; nor does who has the scope but is not in the circle.
    assert (await client.get(path, headers=await sign_in(scene.desk))).status_code == 403
    outside = await identity.account(scene.community, name="Outside")
    await identity.grant(resident, outside, BOTH)
    refused = await client.get(path, headers=await sign_in(outside))
    assert (refused.status_code, refused.json()["code"]) == (403, "not_in_circle")
    stranger = await sign_in(await identity.account(scene.community, name="Stranger"))
    assert (await client.get(path, headers=stranger)).status_code == 404
    assert (await client.post(path, headers=his, json={})).status_code == 422


async def test_a_notice_says_that_there_is_a_message_and_not_what_it_says(client: httpx.AsyncClient) -> None:
    scene = await alarms.scene(circle=0)
    daughter = await joined(scene.resident, "Daughter")
    mute = await joined(scene.resident, "Without the scope", ["alarms:read"])
    own = await sign_in_resident(scene.resident)
    await client.post("/v1/me/circle-messages", headers=own, json={"text": "My knee hurts"})

    assert [key for key, _ in await alarms.notices_of(daughter)] == ["eldercare.circle_message"]
    assert await alarms.notices_of(mute) == []
    assert await alarms.notices_of(await _account(scene.resident)) == []
    said = "SELECT string_agg(CAST(variables AS text) || CAST(data AS text), ' ') FROM notifications_delivery"
    assert "knee" not in await alarms.scalar(said)


async def test_read_marks_never_go_back(client: httpx.AsyncClient, clock: ManualClock) -> None:
    scene = await alarms.scene(circle=0)
    resident = scene.resident
    daughter = await joined(resident, "Daughter")
    own, hers = await sign_in_resident(resident), await sign_in(daughter)
    clock.advance(timedelta(seconds=1))
    ids = []
    for text in ("One", "Two", "Three"):
        ids.append((await client.post("/v1/me/circle-messages", headers=own, json={"text": text})).json()["id"])
        clock.advance(timedelta(seconds=1))
    marks = f"/v1/residents/{resident.id}/circle-read-marks"

    async def hers_are() -> tuple[str | None, int]:
        items = (await client.get(marks, headers=hers)).json()["items"]
        (mine,) = [item for item in items if item["account_id"] == str(daughter.id)]
        return mine["read_up_to"], mine["unread"]

    assert await hers_are() == (None, 3)
    for number, unread in ((1, 1), (0, 1), (2, 0)):
        assert (await client.post(marks, headers=hers, json={"up_to": ids[number]})).status_code == 204
        assert (await hers_are())[1] == unread
    seen = (await client.get("/v1/me/circle-read-marks", headers=own)).json()["items"]
    assert {item["name"]: item["read_up_to"] for item in seen} == {"Grace": ids[2], "Daughter": ids[2]}
    unknown = await client.post(marks, headers=hers, json={"up_to": str(resident.id)})
    assert unknown.status_code == 404


async def test_who_leaves_reads_no_more_and_who_comes_back_reads_from_then_on(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    scene = await alarms.scene(circle=0)
    resident = scene.resident
    own = await sign_in_resident(resident)
    path = f"/v1/residents/{resident.id}/circle-messages"

    async def say(text: str) -> None:
        clock.advance(timedelta(seconds=1))
        headers = await sign_in_resident(resident)
        assert (await client.post("/v1/me/circle-messages", headers=headers, json={"text": text})).status_code == 201
        clock.advance(timedelta(seconds=1))

    async def ask() -> tuple[dict[str, Any], dict[str, str]]:
        body = {"phone": "+8613800138000", "name": "Mei", "relationship": "niece", "scopes": BOTH}
        member = (await client.post("/v1/me/circle", headers=own, json=body)).json()
        async with unit_of_work() as session:
            account = await session.get_one(Account, member["account_id"])
        headers = await sign_in(account)
        assert (await client.post(f"/v1/me/circles/{member['id']}/acceptance", headers=headers)).status_code == 200
        return member, headers

    async def read(headers: dict[str, str]) -> list[str]:
        return [item["text"] for item in (await client.get(path, headers=headers)).json()["items"]]

    await say("Before")
    member, headers = await ask()
    await say("While")
    assert await read(headers) == ["While"]
    assert (await client.delete(f"/v1/me/circles/{member['id']}", headers=headers)).status_code == 204
    assert (await client.get(path, headers=headers)).status_code == 404
    await say("Meanwhile")
    _, headers = await ask()
    await say("Again")
    assert await read(headers) == ["Again"]
    own = await sign_in_resident(resident)
    mine = (await client.get("/v1/me/circle-messages", headers=own)).json()["items"]
    assert [item["text"] for item in mine] == ["Again", "Meanwhile", "While", "Before"]


async def test_photos_come_with_a_message_and_go_when_it_is_taken_back(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    scene = await alarms.scene(circle=0)
    resident = scene.resident
    daughter, son = await joined(resident, "Daughter"), await joined(resident, "Son")
    hers, his = await sign_in(daughter), await sign_in(son)
    path = f"/v1/residents/{resident.id}/circle-messages"
    clock.advance(timedelta(seconds=1))
    photo = await media.sent(client, hers, samples.photo())

    stolen = await client.post(path, headers=his, json={"photo_ids": [photo]})
    assert stolen.status_code == 404
    assert await alarms.scalar("SELECT count(*) FROM eldercare_circle_message") == 0
    sent = await client.post(path, headers=hers, json={"photo_ids": [photo]})
    assert sent.status_code == 201, sent.text
    (shown,) = (await client.get(path, headers=his)).json()["items"]
    assert [one["id"] for one in shown["photos"]] == [photo]
    assert (await client.get(shown["photos"][0]["url"])).status_code == 200

    assert (await client.delete(f"{path}/{shown['id']}", headers=his)).status_code == 404
    assert (await client.delete(f"{path}/{shown['id']}", headers=hers)).status_code == 204
    (gone,) = (await client.get(path, headers=his)).json()["items"]
    assert (gone["photos"], gone["text"], gone["withdrawn_at"] is not None) == ([], None, True)
    assert await alarms.scalar("SELECT count(*) FROM media_upload") == 0
    twice = await client.delete(f"{path}/{shown['id']}", headers=hers)
    assert (twice.status_code, twice.json()["code"]) == (409, "message_withdrawn")
    said = (await client.post(path, headers=hers, json={"text": "Something"})).json()["id"]
    own = await sign_in_resident(resident)
    assert (await client.delete(f"/v1/me/circle-messages/{said}", headers=own)).status_code == 204


async def test_who_is_erased_takes_their_words_and_photos_along(client: httpx.AsyncClient, clock: ManualClock) -> None:
    scene = await alarms.scene(circle=0)
    resident = scene.resident
    daughter, son = await joined(resident, "Daughter"), await joined(resident, "Son")
    path = f"/v1/residents/{resident.id}/circle-messages"
    clock.advance(timedelta(seconds=1))
    for person in (daughter, son):
        body = {"text": "Look", "photo_ids": [str(await photo_of(person))]}
        assert (await client.post(path, headers=await sign_in(person), json=body)).status_code == 201

    gone = await client.delete("/v1/me", headers=await sign_in(daughter))

    assert gone.status_code == 204, gone.text
    (left,) = (await client.get(path, headers=await sign_in(son))).json()["items"]
    assert (left["author_name"], len(left["photos"])) == ("Son", 1)
    assert await alarms.scalar("SELECT count(*) FROM media_upload") == 1


async def test_the_reading_of_others_leaves_a_trace(client: httpx.AsyncClient) -> None:
    scene = await alarms.scene(circle=0)
    daughter = await joined(scene.resident, "Daughter")
    own, hers = await sign_in_resident(scene.resident), await sign_in(daughter)
    await client.get("/v1/me/circle-messages", headers=own)
    await client.get(f"/v1/residents/{scene.resident.id}/circle-messages", headers=hers)
    async with unit_of_work() as session:
        rows = await session.execute(
            sa.text("SELECT actor_id FROM core_audit_entry WHERE action = 'circle_message:list'")
        )
        assert [row.actor_id for row in rows] == [daughter.id]
