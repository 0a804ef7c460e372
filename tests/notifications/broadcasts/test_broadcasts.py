"""Broadcasts: everybody of the audience once, batch by batch, whatever happens in between, and stopped when told to."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import httpx
import pytest
import pytest_asyncio
import sqlalchemy as sa

from app.core import clock as clocks
from app.core.audit_tables import AuditEntry
from app.core.clock import ManualClock
from app.core.database import reading, unit_of_work
from app.core.jobs import settle
from app.core.tables import table_of
from app.identity.models import Account, Community, Organization, Resident
from notifications.broadcasts import jobs, repository, service
from notifications.broadcasts.models import BROADCASTS, Broadcast
from notifications.broadcasts.service import TEXTS_KEPT_FOR, write_batches
from notifications.delivery.models import DEDUPE
from notifications.digests.jobs import JOBS as DIGEST_JOBS
from notifications.inbox.models import INBOX
from notifications.inbox.models import KEEP as INBOX_KEPT_FOR
from notifications.sending.jobs import JOBS as SENDING_JOBS
from notifications.templates.models import ANNOUNCEMENTS
from tests.factories import identity as make
from tests.factories.notifications import deliveries, outbox, phone
from tests.factories.sign_in import sign_in
from tests.notifications.choosing import NIGHT, choose

PATH = "/v1/broadcasts"
WATER = {"language": "en", "title": "Water", "body": "There is no water on Monday."}
WASSER = {"language": "zh-CN", "title": "停水", "body": "周一停水。"}
ALL = {"audience": [{"kind": "community"}], "texts": [WATER, WASSER]}
BATCH = 3
MOMENT = timedelta(microseconds=1)
"""From one batch of a broadcast to the next."""

Headers = dict[str, str]


@dataclass
class Scene:
    """A community with its operator, and a care agency."""

    client: httpx.AsyncClient
    clock: ManualClock
    community: Community
    house: Organization
    agency: Organization
    operator: Headers
    coordinator: Headers

    async def start(self, headers: Headers | None = None, **changes: Any) -> UUID:
        """Announce something; by the operator, to everybody, unless told otherwise."""
        answer = await self.client.post(PATH, headers=headers or self.operator, json=ALL | changes)
        assert answer.status_code == 201, answer.text
        return UUID(answer.json()["id"])

    async def get(self, broadcast_id: UUID, headers: Headers | None = None) -> dict[str, Any]:
        """Return a broadcast as the API tells it."""
        answer = await self.client.get(f"{PATH}/{broadcast_id}", headers=headers or self.operator)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def cancel(self, broadcast_id: UUID) -> dict[str, Any]:
        """Cancel a broadcast."""
        answer = await self.client.post(f"{PATH}/{broadcast_id}/cancellation", headers=self.operator)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def write(self) -> int:
        """Write the next batch, if there is one, of the only broadcast under way."""
        written = await jobs.write_due()
        self.clock.advance(MOMENT)
        return written

    async def write_all(self) -> int:
        """Write until nothing is left; return how many batches that were."""
        for batches in range(100):
            if not await self.write():
                return batches
        raise AssertionError("it finds no end")


@pytest_asyncio.fixture(loop_scope="session")
async def scene(client: httpx.AsyncClient, clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> Scene:
    """Set the scene; batches are small. The two of staff are somebody, too."""
    monkeypatch.setattr(repository, "BATCH", BATCH)
    community = await make.community()
    house, agency = await make.organization(community), await make.organization(community, "care_agency")
    operator, coordinator = await make.staff(house), await make.staff(agency, "coordinator")
    return Scene(client, clock, community, house, agency, await sign_in(operator), await sign_in(coordinator))


async def inboxes() -> Counter[UUID]:
    async with reading() as connection:
        return Counter(await connection.scalars(sa.select(INBOX.c.account_id)))


async def keys() -> Sequence[UUID]:
    async with reading() as connection:
        return (await connection.scalars(sa.select(DEDUPE.c.account_id))).all()


async def trail() -> list[str]:
    entries = table_of(AuditEntry)
    async with reading() as connection:
        found = sa.select(entries.c.action).where(entries.c.action.like("broadcast:%")).order_by(entries.c.id)
        return list(await connection.scalars(found))


async def account(of: Resident) -> Account:
    async with unit_of_work() as session:
        return await session.get_one(Account, of.account_id)


async def test_everybody_gets_it_in_their_language_and_progress_is_shown(scene: Scene) -> None:
    ada = await make.account(scene.community, name="Ada")
    li = await make.account(scene.community, name="Li", language="zh-CN")
    for _ in range(3):
        await make.resident(scene.community)
    for person in (ada, li):
        await phone(person)
    broadcast = await scene.start()
    before = await scene.get(broadcast)
    assert (before["state"], before["estimated"], before["written"], before["ended_at"]) == ("running", None, 0, None)
    assert await scene.write() == 1
    halfway = await scene.get(broadcast)
    assert (halfway["state"], halfway["estimated"], halfway["written"]) == ("running", 7, 3)
    assert await scene.write_all() == 2
    done = await scene.get(broadcast)
    assert (done["state"], done["estimated"], done["written"]) == ("done", 7, 7)
    assert done["texts"] == [WATER, WASSER]
    assert datetime.fromisoformat(done["ended_at"]) == scene.clock.now() - 2 * MOMENT
    assert set((await inboxes()).values()) == {1}
    await settle(SENDING_JOBS)
    pushed = {row.recipient: (row.title, row.body) for row in await outbox()}
    assert pushed == {
        "Ada (android)": (WATER["title"], WATER["body"]),
        "Li (android)": (WASSER["title"], WASSER["body"]),
    }
    inbox = await scene.client.get("/v1/me/inbox", headers=await sign_in(li))
    [item] = inbox.json()["items"]
    assert (item["title"], item["body"], item["data"]) == ("停水", "周一停水。", {"broadcast_id": str(broadcast)})
    assert await trail() == ["broadcast:start"]


async def test_a_language_that_is_not_given_is_read_in_the_other(scene: Scene) -> None:
    ada = await make.account(scene.community, name="Ada")
    await scene.start(texts=[WASSER])
    await scene.write_all()
    inbox = await scene.client.get("/v1/me/inbox", headers=await sign_in(ada))
    assert inbox.json()["items"][0]["title"] == "停水"


async def test_the_words_are_sealed_kept_once_and_forgotten_after_the_last_inbox(scene: Scene) -> None:
    broadcast = await scene.start()
    await scene.write_all()
    async with reading() as connection:
        [stored] = (await connection.scalars(sa.select(ANNOUNCEMENTS.c.texts))).all()
        variables = set(map(str, await connection.scalars(sa.select(INBOX.c.variables))))
    assert "water" not in stored
    assert variables == {str({"announcement": str(broadcast)})}
    assert TEXTS_KEPT_FOR > INBOX_KEPT_FOR
    scene.clock.advance(INBOX_KEPT_FOR)
    assert await jobs.forget() == 0
    scene.clock.advance(TEXTS_KEPT_FOR - INBOX_KEPT_FOR)
    assert await jobs.forget() == 1


async def test_what_goes_to_many_never_travels_with_what_is_urgent(scene: Scene) -> None:
    await phone(await make.account(scene.community, name="Ada"))
    await scene.start(urgency="high")
    await scene.write_all()
    assert {(row.urgency, row.lane, row.category) for row in await deliveries()} == {("high", 2, "announcements")}


async def test_the_next_channel_is_used_where_the_first_reaches_nobody(scene: Scene) -> None:
    await phone(await make.account(scene.community, name="Ada", phone="+8613800000011"))
    await make.account(scene.community, name="Bert", phone="+8613800000012")
    await scene.start(channels=["push", "sms"])
    await scene.write_all()
    await settle(SENDING_JOBS)
    assert sorted((row.recipient.split()[0], row.channel) for row in await outbox()) == [
        ("Ada", "push"),
        ("Bert", "sms"),
    ]


async def test_inboxes_alone_make_no_deliveries(scene: Scene) -> None:
    await scene.start(channels=[])
    await scene.write_all()
    assert (len(await inboxes()), await deliveries()) == (2, [])


async def _write_and_die(broadcast: UUID) -> None:
    async with unit_of_work() as session:
        await write_batches(session, [broadcast])
        raise ConnectionResetError


async def test_a_batch_that_was_cut_off_is_written_again_whole(scene: Scene) -> None:
    for _ in range(5):
        await make.account(scene.community)
    broadcast = await scene.start()
    await scene.write()
    with pytest.raises(ConnectionResetError):
        await _write_and_die(broadcast)
    assert ((await scene.get(broadcast))["written"], len(await inboxes())) == (3, 3)
    await scene.write_all()
    assert ((await scene.get(broadcast))["written"], set((await inboxes()).values())) == (7, {1})


async def test_two_workers_write_each_batch_once(scene: Scene) -> None:
    for _ in range(16):
        await make.account(scene.community)
    broadcasts = [await scene.start(channels=[]) for _ in range(2)]
    for _ in range(8):
        scene.clock.advance(MOMENT)
        await asyncio.gather(*(jobs.write_due() for _ in range(3)))
    for broadcast in broadcasts:
        found = await scene.get(broadcast)
        assert (found["state"], found["written"]) == ("done", 18)
    assert set((await inboxes()).values()) == {2}


async def test_a_cancelled_broadcast_writes_no_further_batch_and_sends_nothing_more(scene: Scene) -> None:
    for _ in range(6):
        await phone(await make.account(scene.community))
    broadcast = await scene.start()
    await scene.write()
    await settle(SENDING_JOBS)
    sent = len(await outbox())
    await scene.write()
    cancelled = await scene.cancel(broadcast)
    assert (cancelled["state"], cancelled["written"]) == ("cancelled", 6)
    assert await scene.write_all() == 0
    await settle(SENDING_JOBS)
    states = Counter((row.state, row.error) for row in await deliveries() if row.channel == "push")
    assert states[("suppressed", "cancelled")] == 3
    assert len(await outbox()) == sent
    again = await scene.cancel(broadcast)
    assert again == cancelled
    assert await trail() == ["broadcast:start", "broadcast:cancel"]


async def test_what_waits_for_the_morning_can_be_called_back(scene: Scene) -> None:
    ada = await make.account(scene.community, name="Ada", language="en")
    await phone(ada)
    await choose(ada, quiet_hours=NIGHT)
    scene.clock.set(datetime(2026, 3, 2, 23, 0, tzinfo=ZoneInfo("Asia/Shanghai")))
    broadcast = await scene.start(await sign_in(await make.staff(scene.house)))
    await scene.write_all()
    await settle((*SENDING_JOBS, *DIGEST_JOBS))
    assert [row.state for row in await deliveries() if row.account_id == ada.id] == ["held"]
    operator = await sign_in(await make.staff(scene.house))
    answer = await scene.client.post(f"{PATH}/{broadcast}/cancellation", headers=operator)
    assert answer.json()["state"] == "cancelled", answer.text
    scene.clock.set(datetime(2026, 3, 3, 7, 0, tzinfo=ZoneInfo("Asia/Shanghai")))
    await settle((*SENDING_JOBS, *DIGEST_JOBS))
    assert [row.error for row in await deliveries() if row.account_id == ada.id] == ["cancelled"]
    assert await outbox() == []


async def test_a_cancellation_waits_for_the_batch_that_is_being_written(scene: Scene) -> None:
    for _ in range(4):
        await make.account(scene.community)
    broadcast = await scene.start()
    async with unit_of_work() as session:
        await session.execute(sa.select(BROADCASTS.c.id).where(BROADCASTS.c.id == broadcast).with_for_update())
        cancelling = asyncio.create_task(scene.cancel(broadcast))
        await write_batches(session, [broadcast])
        await asyncio.sleep(0.05)
        assert not cancelling.done()
    assert (await cancelling)["written"] == 3
    assert len(await inboxes()) == 3


async def test_the_audience_may_change_while_it_is_told(scene: Scene) -> None:
    people = [await make.account(scene.community, name=f"Person {number}") for number in range(5)]
    broadcast = await scene.start()
    await scene.write()
    async with unit_of_work() as session:
        (await session.get_one(Account, people[-1].id)).state = "deactivated"
    late = await make.account(scene.community, name="Late")
    await scene.write_all()
    found = await inboxes()
    assert (found[people[-1].id], found[late.id]) == (0, 1)
    shown = await scene.get(broadcast)
    assert (shown["state"], shown["estimated"], shown["written"]) == ("done", 7, 7)


async def test_who_comes_in_between_two_looks_at_a_batch_shifts_nobody_out(scene: Scene) -> None:
    people = [await make.account(scene.community) for _ in range(4)]
    async with unit_of_work() as session:
        (await session.get_one(Account, people[0].id)).state = "deactivated"
    broadcast = await scene.start()
    async with unit_of_work() as session:
        row = await session.get_one(Broadcast, broadcast)
        span = await repository.next_span(session, service._audience(row), None)
        async with unit_of_work() as other:
            (await other.get_one(Account, people[0].id)).state = "active"
        await repository.tell(session, row, service._audience(row), span)
        assert span.last == people[1].id
    assert {people[0].id, people[1].id} <= set(await inboxes())


async def test_who_meets_several_criteria_is_told_once(scene: Scene) -> None:
    home = await make.household(scene.community, building="3")
    twice = await make.resident(scene.community, home=home, tags=["choir"])
    await make.membership(scene.agency, await account(twice), "carer")
    criteria = [
        {"kind": "role", "role": "carer"},
        {"kind": "tag", "tag": "choir"},
        {"kind": "building", "building": "3"},
        {"kind": "role", "role": "resident"},
    ]
    broadcast = await scene.start(audience=criteria)
    await scene.write_all()
    assert await inboxes() == {twice.account_id: 1}
    # And should a batch ever be begun anew, the key keeps it at one.
    async with unit_of_work() as session:
        row = await session.get_one(Broadcast, broadcast)
        row.state, row.next_batch_at, row.reached_up_to = "running", clocks.now(), None
    await scene.write_all()
    assert await inboxes() == {twice.account_id: 1}
    assert await keys() == [twice.account_id]
    assert (await scene.get(broadcast))["written"] == 1


async def test_a_coordinator_reaches_the_residents_the_agency_serves(scene: Scene) -> None:
    served, _ = [await make.resident(scene.community) for _ in range(2)]
    agreement = await make.agreement(scene.agency, None, served)
    preview = await scene.client.post(
        "/v1/broadcast-previews", headers=scene.coordinator, json={"audience": ALL["audience"]}
    )
    assert preview.json() == {"recipients": 1, "is_more": False}
    broadcast = await scene.start(scene.coordinator)
    await scene.write_all()
    assert await inboxes() == {served.account_id: 1}
    assert (await scene.get(broadcast, scene.coordinator))["only_served"] is True

    later = await scene.start(scene.coordinator)
    async with unit_of_work() as session:
        (await session.get_one(type(agreement), agreement.id)).ends_at = clocks.now()
    await scene.write_all()
    assert (await scene.get(later))["written"] == 0


async def test_an_audience_is_counted_before(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(2):
        await make.account(scene.community)
    path, body = "/v1/broadcast-previews", {"audience": ALL["audience"]}
    assert (await scene.client.post(path, headers=scene.operator, json=body)).json() == {
        "recipients": 4,
        "is_more": False,
    }
    monkeypatch.setattr(service, "COUNT_CAP", 3)
    assert (await scene.client.post(path, headers=scene.operator, json=body)).json() == {
        "recipients": 3,
        "is_more": True,
    }
    assert await inboxes() == {}


async def test_nobody_elses_broadcasts_are_known(scene: Scene) -> None:
    ours = await scene.start()
    theirs = await scene.start(scene.coordinator)
    foreign = await sign_in(await make.operator(await make.community(name="Hillside")))
    other_agency = await sign_in(
        await make.staff(await make.organization(scene.community, "care_agency"), "coordinator")
    )
    for headers, unknown in (
        (foreign, [ours, theirs]),
        (other_agency, [ours, theirs]),
        (scene.coordinator, [ours]),
    ):
        for broadcast in unknown:
            path = f"{PATH}/{broadcast}"
            assert (await scene.client.get(path, headers=headers)).status_code == 404
            assert (await scene.client.post(f"{path}/cancellation", headers=headers)).status_code == 404
    assert {(await scene.get(broadcast))["state"] for broadcast in (ours, theirs)} == {"running"}

    async def listed(headers: Headers) -> list[str]:
        return [item["id"] for item in (await scene.client.get(PATH, headers=headers)).json()["items"]]

    assert await listed(scene.operator) == [str(theirs), str(ours)]
    assert (await listed(scene.coordinator), await listed(foreign)) == ([str(theirs)], [])


async def test_lists_are_pages(scene: Scene) -> None:
    made = []
    for _ in range(3):
        made.append(str(await scene.start()))
        scene.clock.advance(timedelta(milliseconds=1))
    first = (await scene.client.get(f"{PATH}?limit=2", headers=scene.operator)).json()
    second = (await scene.client.get(f"{PATH}?limit=2&cursor={first['next']}", headers=scene.operator)).json()
    assert [item["id"] for item in first["items"] + second["items"]] == made[::-1]
    assert second["next"] is None


async def test_a_repeated_request_announces_it_once(scene: Scene) -> None:
    headers = scene.operator | {"Idempotency-Key": "water"}
    answers = [await scene.client.post(PATH, headers=headers, json=ALL) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    async with reading() as connection:
        assert await connection.scalar(sa.select(sa.func.count()).select_from(BROADCASTS)) == 1


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"urgency": "critical"}, "/body/urgency"),
        ({"texts": []}, "/body/texts"),
        ({"texts": [WATER, WATER]}, "/body"),
        ({"texts": [WATER | {"language": "de"}]}, "/body/texts/0/language"),
        ({"texts": [WATER | {"title": " "}]}, "/body/texts/0/title"),
        ({"texts": [WATER | {"body": "🚱" * 1_000}]}, "/body/texts/0"),
        ({"channels": ["push", "push"]}, "/body"),
        ({"channels": ["voice"]}, "/body/channels/0"),
        ({"audience": []}, "/body/audience"),
        ({"audience": [{"kind": "planet"}]}, "/body/audience/0"),
        ({"audience": [{"kind": "role", "role": "owner"}]}, "/body/audience/0/role"),
        (
            {"audience": [{"kind": "radius", "latitude": 0, "longitude": 0, "metres": 200_000}]},
            "/body/audience/0/metres",
        ),
    ],
)
async def test_what_cannot_be_announced_is_refused_by_its_place(
    scene: Scene, changes: dict[str, Any], pointer: str
) -> None:
    answer = await scene.client.post(PATH, headers=scene.operator, json=ALL | changes)
    assert answer.status_code == 422, answer.text
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
