"""A home is set up, agreed to, given its way to the broker, and closed: and nothing is collected before all agree."""

import base64
import uuid
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
import sqlalchemy as sa

from app.core.clock import ManualClock
from app.core.database import reading, unit_of_work
from app.core.jobs import settle
from app.core.settings import settings
from app.core.tables import table_of
from app.identity.models import Community, Resident
from community.api import end_homes
from community.homes import jobs
from community.homes.models import HOMES, Home
from community.homes.service.provisioning import provision
from notifications.inbox.models import InboxItem
from tests.factories import community_homes, identity, sign_in

Headers = dict[str, str]


@dataclass
class Flat:
    """Two who live together, somebody whom one of them lets do everything, and a stranger."""

    client: httpx.AsyncClient
    grace: Resident
    john: Resident
    by_grace: Headers
    by_john: Headers
    by_ann: Headers
    by_nobody: Headers

    async def ask(
        self, method: str, path: str, body: Any = None, *, by: Headers, expect: int = 200, version: int = 0
    ) -> Any:
        """Ask, and return what is answered."""
        headers = {"If-Match": f'"{version}"'} if version else {}
        answer = await self.client.request(method, f"/v1{path}", json=body, headers=by | headers)
        assert answer.status_code == expect, answer.text
        return answer.json() if answer.content else None

    async def set_up(self, **more: Any) -> Any:
        """Set up a home as Grace."""
        return await self.ask("POST", "/me/homes", {"name": "Flat"} | more, by=self.by_grace, expect=201)

    async def agreed(self) -> Any:
        """Set up a home to which John agrees."""
        home = await self.set_up()
        return await self.agree(home)

    async def agree(self, home: Any, *, by: Headers | None = None, expect: int = 200) -> Any:
        """Agree as John, or as somebody else for him."""
        path = f"/homes/{home['id']}/residents/{self.john.id}/agreement"
        return await self.ask("PUT", path, by=by or self.by_john, expect=expect)


@pytest_asyncio.fixture(loop_scope="session")
async def flat(client: httpx.AsyncClient, clock: ManualClock) -> Flat:
    place = await identity.community()
    household = await identity.household(place, building="7")
    grace = await identity.resident(place, name="Grace", home=household)
    john = await identity.resident(place, name="John", home=household)
    ann = await identity.account(place, name="Ann")
    await identity.grant(grace, ann, ["home:manage"])
    stranger = await identity.resident(place, name="Zoe")
    return Flat(
        client,
        grace,
        john,
        await sign_in.sign_in_resident(grace),
        await sign_in.sign_in_resident(john),
        await sign_in.sign_in(ann),
        await sign_in.sign_in_resident(stranger),
    )


async def row_of(home: Any) -> Any:
    """Return a home's row."""
    async with reading() as connection:
        return (await connection.execute(sa.select(HOMES).where(HOMES.c.id == uuid.UUID(home["id"])))).one()


async def told() -> list[str]:
    """Return what people were told."""
    async with reading() as connection:
        return sorted(await connection.scalars(sa.select(table_of(InboxItem).c.notice_key)))


async def test_who_serves_a_resident_neither_agrees_for_them_nor_can_hear_their_home(flat: Flat) -> None:
    async with unit_of_work() as session:
        place = await session.get_one(Community, flat.grace.community_id)
    agency = await identity.organization(place, "care_agency")
    await identity.agreement(agency, None, flat.grace)
    await identity.agreement(agency, None, flat.john)
    by_agency = await sign_in.sign_in(await identity.staff(agency, "coordinator"))
    path = f"/residents/{flat.grace.id}/homes"
    home = await flat.ask("POST", path, {"name": "Flat"}, by=by_agency, expect=201)
    assert (home["state"], [one["agreed_at"] for one in home["residents"]]) == ("waiting", [None, None])
    for one in (flat.grace, flat.john):
        agreement = f"/homes/{home['id']}/residents/{one.id}/agreement"
        refused = await flat.ask("PUT", agreement, by=by_agency, expect=403)
        assert refused["code"] == "home_not_by_role"
    await flat.ask("PUT", f"/homes/{home['id']}/residents/{flat.grace.id}/agreement", by=flat.by_ann)
    assert (await flat.agree(home))["state"] == "active"
    await flat.ask("POST", f"/homes/{home['id']}/credentials", by=by_agency, expect=403)
    await flat.ask("POST", f"/homes/{home['id']}/credentials", by=flat.by_ann, expect=201)
    await flat.ask("POST", f"/homes/{home['id']}/credentials/rotation", by=by_agency, expect=403)
    await flat.ask("DELETE", f"/homes/{home['id']}/credentials", by=by_agency, expect=204)


async def test_nothing_is_collected_before_all_agree_who_live_there(flat: Flat) -> None:
    home = await flat.set_up()
    assert home["state"] == "waiting"
    assert [(one["name"], one["agreed_at"] is not None) for one in home["residents"]] == [
        ("Grace", True),
        ("John", False),
    ]
    assert await told() == ["community.home_agreement_asked"]
    refused = await flat.ask("POST", f"/homes/{home['id']}/credentials", by=flat.by_grace, expect=409)
    assert (refused["code"], refused["waiting_for"]) == ("home_waiting", 1)
    await flat.agree(home, by=flat.by_ann, expect=404)  # Grace lets her, John does not
    await flat.agree(home, by=flat.by_grace, expect=404)
    assert (await flat.agree(home))["state"] == "active"


async def test_who_did_not_agree_knows_of_the_home_and_sees_nothing_of_what_it_noticed(flat: Flat) -> None:
    home = await flat.set_up()
    paths = [f"/homes/{home['id']}/{what}" for what in ("states", "devices", "rooms")]
    await flat.ask("GET", f"/homes/{home['id']}", by=flat.by_john)
    for path in paths:
        await flat.ask("GET", path, by=flat.by_john, expect=403)
        await flat.ask("GET", path, by=flat.by_grace)
    await flat.agree(home)
    for path in paths:
        await flat.ask("GET", path, by=flat.by_john)


async def test_who_lives_there_can_take_it_back_and_the_home_waits(flat: Flat) -> None:
    home = await flat.agreed()
    path = f"/homes/{home['id']}/residents/{flat.john.id}/agreement"
    assert (await flat.ask("DELETE", path, by=flat.by_john))["state"] == "waiting"
    assert "community.home_waiting" in await told()
    own = f"/homes/{home['id']}/residents/{flat.grace.id}/agreement"
    assert (await flat.ask("DELETE", own, by=flat.by_grace, expect=409))["code"] == "holder_cannot_leave"


async def test_whoever_moves_in_is_asked_and_the_home_waits_for_them(flat: Flat, clock: ManualClock) -> None:
    home = await flat.agreed()
    place = await identity.community_of(await identity_account(flat.grace))
    async with unit_of_work() as session:
        household = (await session.get_one(Resident, flat.grace.id)).household_id
    new = await identity.resident(place, name="Eve")
    async with unit_of_work() as session:
        (await session.get_one(Resident, new.id)).household_id = household
    clock.advance(timedelta(hours=7))
    await settle(jobs.JOBS)
    assert (await row_of(home)).state == "waiting"
    async with unit_of_work() as session:
        (await session.get_one(Resident, new.id)).household_id = None
    clock.advance(timedelta(hours=7))
    await settle(jobs.JOBS)
    assert (await row_of(home)).state == "active"


async def identity_account(of: Resident) -> Any:
    """Return a resident's account."""
    from app.identity.models import Account  # noqa: PLC0415

    async with unit_of_work() as session:
        return await session.get_one(Account, of.account_id)


async def test_nobody_lives_alone_with_somebody(flat: Flat) -> None:
    refused = await flat.ask("POST", "/me/homes", {"name": "A", "lives_alone": True}, by=flat.by_grace, expect=409)
    assert refused["code"] == "not_alone"
    alone = await flat.ask("POST", "/me/homes", {"name": "A", "lives_alone": True}, by=flat.by_nobody, expect=201)
    assert (alone["lives_alone"], alone["state"]) == (True, "active")


async def test_a_secret_is_shown_once_and_made_anew(flat: Flat) -> None:
    home = await flat.agreed()
    path = f"/homes/{home['id']}/credentials"
    made = await flat.ask("POST", path, by=flat.by_ann, expect=201)
    assert len(base64.urlsafe_b64decode(made["secret"] + "=")) == 32
    assert (await row_of(home)).key == made["username"]
    assert (await flat.ask("POST", path, by=flat.by_ann, expect=409))["code"] == "credentials_exist"
    stored = await row_of(home)
    assert made["secret"] not in f"{stored.secret}{stored.password_line}"
    anew = await flat.ask("POST", f"{path}/rotation", by=flat.by_ann, expect=201)
    assert anew["secret"] != made["secret"]
    await flat.ask("DELETE", path, by=flat.by_ann, expect=204)
    assert (await flat.ask("DELETE", path, by=flat.by_ann, expect=409))["code"] == "no_credentials"
    assert (await row_of(home)).password_line is None


async def test_the_secret_is_forgotten_once_the_broker_was_told(flat: Flat) -> None:
    home = await flat.agreed()
    await flat.ask("POST", f"/homes/{home['id']}/credentials", by=flat.by_grace, expect=201)
    assert (await row_of(home)).secret is not None
    await settle(jobs.JOBS)
    row = await row_of(home)
    assert (row.secret, row.provision_at, row.provisioned_at is not None) == (None, None, True)
    assert row.password_line is not None


async def test_the_brokers_files_hold_who_may_enter(
    flat: Flat, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"provisioning": "files", "files_directory": tmp_path, "username": "gateway"}.items():
        monkeypatch.setattr(settings().mqtt, name, value)
    home = await flat.agreed()
    await flat.ask("POST", f"/homes/{home['id']}/credentials", by=flat.by_grace, expect=201)
    assert await provision() == 1
    key = (await row_of(home)).key
    assert [line.split(":")[0] for line in (tmp_path / "passwords").read_text().splitlines()] == [key]
    await flat.ask("POST", f"/homes/{home['id']}/closing", by=flat.by_grace)
    assert await provision() == 1
    assert (tmp_path / "passwords").read_text() == ""
    assert (await row_of(home)).provisioned_at is None


async def test_what_goes_into_a_hub_is_ready_to_be_copied(flat: Flat) -> None:
    home = await flat.agreed()
    shown = await flat.ask("GET", f"/homes/{home['id']}/connection", by=flat.by_grace)
    key = shown["username"]
    assert f'topic # both 1 "" homes/{key}/' in shown["snippets"]["mosquitto"]
    assert "cleansession false" in shown["snippets"]["mosquitto"]
    changed = await flat.ask(
        "PATCH",
        f"/homes/{home['id']}",
        {"addressing": "direct"},
        by=flat.by_grace,
        version=home["version"],
    )
    assert changed["addressing"] == "direct"
    shown = await flat.ask("GET", f"/homes/{home['id']}/connection", by=flat.by_grace)
    assert f"base_topic: homes/{key}/zigbee2mqtt" in shown["snippets"]["zigbee2mqtt"]
    await flat.ask("GET", f"/homes/{home['id']}/connection", by=flat.by_john, expect=403)


async def test_a_hub_is_told_of_the_broker_as_homes_reach_it(flat: Flat, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings().mqtt, "public_url", "mqtts://homes.example.org:8884")
    home = await flat.agreed()
    shown = await flat.ask("GET", f"/homes/{home['id']}/connection", by=flat.by_grace)
    assert (shown["host"], shown["port"], shown["is_encrypted"]) == ("homes.example.org", 8884, True)
    assert "address homes.example.org:8884\nbridge_capath" in shown["snippets"]["mosquitto"]


async def test_who_may_know_of_a_home(flat: Flat) -> None:
    home = await flat.set_up()
    path = f"/homes/{home['id']}"
    for by, expect in ((flat.by_grace, 200), (flat.by_john, 200), (flat.by_ann, 200), (flat.by_nobody, 404)):
        await flat.ask("GET", path, by=by, expect=expect)
    await flat.ask("POST", f"{path}/closing", by=flat.by_john, expect=403)
    assert [one["id"] for one in (await flat.ask("GET", "/me/homes", by=flat.by_john))["items"]] == [home["id"]]
    listed = await flat.ask("GET", f"/residents/{flat.grace.id}/homes", by=flat.by_ann)
    assert [one["id"] for one in listed["items"]] == [home["id"]]
    await flat.ask("GET", f"/residents/{flat.grace.id}/homes", by=flat.by_nobody, expect=404)


async def test_a_resident_has_three_homes_at_most_and_a_closed_one_does_not_count(flat: Flat) -> None:
    homes = [await flat.set_up() for _ in range(3)]
    refused = await flat.ask("POST", "/me/homes", {"name": "Fourth"}, by=flat.by_grace, expect=409)
    assert refused["code"] == "too_many_homes"
    closed = await flat.ask("POST", f"/homes/{homes[0]['id']}/closing", by=flat.by_grace)
    assert closed["state"] == "closed"
    await flat.set_up()
    assert (await flat.agree(homes[0], by=flat.by_grace, expect=404))["code"] == "not_found"


async def test_a_stale_change_is_refused(flat: Flat) -> None:
    home = await flat.set_up()
    await flat.ask("PATCH", f"/homes/{home['id']}", {"name": "B"}, by=flat.by_grace, expect=412, version=99)


async def test_homes_end_with_the_residence_and_go_a_month_later(flat: Flat) -> None:
    home = await flat.agreed()
    shared = await community_homes.home(flat.john, others=[flat.grace])
    async with unit_of_work() as session:
        (await session.get_one(Resident, flat.grace.id)).state = "deceased"
        await end_homes(session, flat.grace.id)
    row = await row_of(home)
    assert (row.state, row.close_reason, row.password_line) == ("closed", "ended", None)
    async with unit_of_work() as session:
        assert (await session.get_one(Home, shared.id)).state == "active"
        await end_homes(session, flat.grace.id)


async def test_a_name_without_control_characters(flat: Flat) -> None:
    await flat.ask("POST", "/me/homes", {"name": "a\u0007b"}, by=flat.by_grace, expect=422)
    await flat.ask("POST", "/me/homes", {"name": "A", "discovery_prefix": "a/#"}, by=flat.by_grace, expect=422)
