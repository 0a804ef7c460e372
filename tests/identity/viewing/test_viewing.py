"""Support sees what a person sees, and can do nothing; the person is told who, when and why."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio
import sqlalchemy as sa
from sqlmodel import col

from app.core import live
from app.core.audit_tables import AuditEntry
from app.core.clock import ManualClock
from app.core.database import Database, reading, unit_of_work
from app.core.jobs import settle
from app.core.problems import Unauthenticated
from app.core.relay import RELAY_JOBS
from app.identity import api as identity
from app.identity.models import Account, Community, Membership, Resident
from app.identity.sessions.models import AccountSession
from app.identity.viewing.models import SupportViewing
from notifications.inbox.models import InboxItem
from tests.factories import identity as make
from tests.factories.sign_in import access_headers, bearer, session_of, sign_in

REASON = "She cannot find her appointments and asked on the phone"


@dataclass(frozen=True)
class Scene:
    """A community with an operator who has shown a second factor, and a resident who asks for help."""

    client: httpx.AsyncClient
    community: Community
    operator: Account
    session: AccountSession
    resident: Resident

    @property
    def headers(self) -> dict[str, str]:
        """The operator's own."""
        return access_headers(self.session)

    async def begin(self, account_id: uuid.UUID | None = None, **changed: Any) -> httpx.Response:
        """Begin to look on as the resident, or as whom else."""
        path = f"/v1/accounts/{account_id or self.resident.account_id}/viewing"
        given = {"headers": self.headers, "json": {"reason": REASON}} | changed
        return await self.client.post(path, **given)

    async def look(self) -> dict[str, str]:
        """Return the headers of looking on as the resident."""
        answer = await self.begin()
        assert answer.status_code == 201, answer.text
        return bearer(answer.json()["access_token"])


@pytest_asyncio.fixture(loop_scope="session")
async def scene(client: httpx.AsyncClient, database: Database, clock: ManualClock) -> AsyncIterator[Scene]:
    """Set the scene."""
    community = await make.community()
    operator = await make.operator(community, phone="+8613800000001")
    resident = await make.resident(community, name="Grace", phone="+8613800000002")
    yield Scene(client, community, operator, await session_of(operator, second_factor=True), resident)


async def entries(**wanted: Any) -> list[AuditEntry]:
    """Return the trail's entries with these values, in order."""
    async with unit_of_work() as session:
        statement = sa.select(AuditEntry).filter_by(**wanted).order_by(col(AuditEntry.id))
        return list((await session.scalars(statement)).all())


async def test_support_sees_what_the_person_sees(scene: Scene, clock: ManualClock) -> None:
    answer = await scene.begin()
    assert answer.status_code == 201
    begun = answer.json()
    assert begun["name"] == "Grace"
    assert begun["expires_in"] == 1800
    headers = bearer(begun["access_token"])
    seen = await scene.client.get("/v1/me/profile", headers=headers)
    assert seen.status_code == 200, seen.text
    assert seen.json()["name"] == "Grace"
    own = await scene.client.get("/v1/me/profile", headers=scene.headers)
    assert own.status_code == 404  # who operates the house does not live in it


async def test_every_writing_method_is_refused_at_one_place(scene: Scene, document: dict[str, Any]) -> None:
    headers = await scene.look()
    tried = 0
    for path, operations in document["paths"].items():
        for method in {"post", "put", "patch", "delete"} & set(operations):
            if not operations[method].get("security", True):
                continue
            address = path
            while "{" in address:
                head, _, rest = address.partition("{")
                address = f"{head}{scene.resident.id}{rest.partition('}')[2]}"
            answer = await scene.client.request(method.upper(), address, headers=headers, json={})
            assert answer.status_code >= 400, (method, path)
            tried += answer.status_code == 403 and answer.json().get("code") == "viewing_is_read_only"
    assert tried > 300
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        answer = await scene.client.request(method, "/v1/me/sessions", headers=headers)
        assert answer.status_code in (403, 405)
    async with reading() as connection:
        changed = await connection.scalar(sa.select(sa.func.count()).select_from(SupportViewing))
    assert changed == 1


@pytest.mark.parametrize(
    "path",
    [
        "/v1/me/export",
        "/v1/me/timeline/record?from=2026-01-01&to=2026-02-01",
        "/fhir/R4/Patient",
        "/fhir/R4/Patient/$export",
    ],
)
async def test_copies_secrets_and_what_apps_ask_for_go_to_the_person_alone(scene: Scene, path: str) -> None:
    answer = await scene.client.get(path, headers=await scene.look())
    assert answer.status_code == 403
    assert "not_while_viewing" in answer.text or path.startswith("/fhir")


async def test_a_view_is_no_way_to_call_for_help_or_to_look_further(scene: Scene, clock: ManualClock) -> None:
    headers = await scene.look()
    assert (await scene.client.post("/v1/me/sos", headers=headers, json={})).status_code == 403
    other = await make.account(scene.community, name="Dora")
    answer = await scene.client.post(f"/v1/accounts/{other.id}/viewing", headers=headers, json={"reason": REASON})
    assert (answer.status_code, answer.json()["code"]) == (403, "viewing_is_read_only")
    clock.advance(timedelta(minutes=31))
    assert (await scene.client.post("/v1/me/sos", headers=headers, json={})).status_code == 401


async def test_a_token_of_a_view_is_good_for_nothing_but_requests(scene: Scene) -> None:
    token = (await scene.begin()).json()["access_token"]
    async with reading() as connection:
        with pytest.raises(Unauthenticated):
            await identity.actor_by_token(connection, token)


async def test_nothing_the_person_can_read_of_theirs_breaks(scene: Scene, document: dict[str, Any]) -> None:
    headers, tried = await scene.look(), 0
    for path, operations in document["paths"].items():
        if "get" in operations and path.startswith(("/v1/me/", "/v1/community")) and "{" not in path:
            if path.endswith("/stream"):
                continue
            answer = await scene.client.get(path, headers=headers)
            assert answer.status_code < 500, path
            tried += answer.status_code == 200
    assert tried > 30


async def test_each_read_stands_in_the_trail_under_the_operators_name(scene: Scene) -> None:
    headers = await scene.look()
    await scene.client.get("/v1/me/profile", headers=headers)
    await scene.client.get("/v1/me/check-ins", headers=headers)
    begun, first, second = await entries(resident_id=scene.resident.id)
    assert [entry.action for entry in (begun, first, second)] == ["viewing:begin", "viewing:read", "viewing:read"]
    assert {entry.actor_id for entry in (begun, first, second)} == {scene.operator.id}
    assert len({entry.object_id for entry in (begun, first, second)}) == 1
    assert await entries(actor_id=scene.resident.account_id) == []


async def test_what_a_carer_reads_stands_there_under_the_operators_name_too(scene: Scene) -> None:
    agency = await make.organization(scene.community, "care_agency")
    await make.agreement(agency)
    carer = await make.staff(agency, "carer", name="Cara")
    token = (await scene.begin(carer.id)).json()["access_token"]
    path = f"/v1/residents/{scene.resident.id}/check-ins"
    assert (await scene.client.get(path, headers=bearer(token))).status_code == 200
    (read,) = await entries(resident_id=scene.resident.id)
    assert (read.actor_id, read.action) == (scene.operator.id, "check_ins:list")
    (trace,) = await entries(action="viewing:read")
    assert (trace.actor_id, trace.request_id) == (scene.operator.id, read.request_id)


async def test_the_person_finds_who_looked_and_why(scene: Scene) -> None:
    await scene.client.get("/v1/me/profile", headers=await scene.look())
    own = await sign_in(await _account_of(scene.resident))
    items = (await scene.client.get("/v1/me/data-accesses", headers=own)).json()["items"]
    assert [(item["name"], item["reason"], item["explanation"]) for item in items] == [
        ("Edith", REASON, "Edith looked at your account, as you see it yourself."),
        ("Edith", REASON, "Edith began to look on as you, to help."),
    ]
    chinese = await scene.client.get("/v1/me/data-accesses", headers=own | {"Accept-Language": "zh-CN"})
    assert chinese.json()["items"][1]["explanation"] == "Edith开始以您的视角查看，以提供帮助。"


async def test_the_person_is_told_at_the_beginning(scene: Scene) -> None:
    await scene.look()
    await settle(RELAY_JOBS)
    async with unit_of_work() as session:
        (notice,) = (await session.scalars(sa.select(InboxItem))).all()
    assert notice.notice_key == "account.viewed_by_support"
    assert notice.account_id == scene.resident.account_id


async def test_it_ends_after_half_an_hour(scene: Scene, clock: ManualClock) -> None:
    headers = await scene.look()
    clock.advance(timedelta(minutes=30) - timedelta(seconds=1))
    assert (await scene.client.get("/v1/me/profile", headers=headers)).status_code == 200
    clock.advance(timedelta(seconds=1))
    assert (await scene.client.get("/v1/me/profile", headers=headers)).status_code == 401
    assert (await scene.begin()).status_code == 201  # what is over is in nobody's way


async def test_it_ends_when_it_is_stopped(scene: Scene) -> None:
    begun = (await scene.begin()).json()
    headers = bearer(begun["access_token"])
    path = f"/v1/viewings/{begun['id']}"
    assert (await scene.client.delete(path, headers=headers)).status_code == 403
    colleague = await make.operator(scene.community)
    theirs = await sign_in(colleague, second_factor=True)
    assert (await scene.client.delete(path, headers=theirs)).status_code == 404
    assert (await scene.client.delete(path, headers=scene.headers)).status_code == 204
    assert (await scene.client.delete(path, headers=scene.headers)).status_code == 204
    assert (await scene.client.get("/v1/me/profile", headers=headers)).status_code == 401
    assert len(await entries(action="viewing:end")) == 1


async def test_it_ends_with_the_session_the_second_factor_and_the_role(scene: Scene, clock: ManualClock) -> None:
    async def ends_by(change: sa.Update, back: sa.Update) -> None:
        headers = await scene.look()
        assert (await scene.client.get("/v1/me/profile", headers=headers)).status_code == 200
        async with unit_of_work() as session:
            await session.execute(change)
        assert (await scene.client.get("/v1/me/profile", headers=headers)).status_code == 401
        async with unit_of_work() as session:
            await session.execute(back)
            await session.execute(sa.update(SupportViewing).values(ended_at=clock.now()))

    of_session = sa.update(AccountSession).where(col(AccountSession.id) == scene.session.id)
    of_role = sa.update(Membership).where(col(Membership.account_id) == scene.operator.id)
    of_person = sa.update(Account).where(col(Account.id) == scene.resident.account_id)
    await ends_by(of_session.values(second_factor_at=None), of_session.values(second_factor_at=clock.now()))
    await ends_by(of_role.values(ended_at=clock.now()), of_role.values(ended_at=None))
    await ends_by(of_person.values(state="deactivated"), of_person.values(state="active"))
    lasting = clock.now() + timedelta(days=60)
    await ends_by(of_session.values(expires_at=clock.now()), of_session.values(expires_at=lasting))
    await ends_by(of_session.values(revoked_at=clock.now()), of_session.values(revoked_at=None))


async def test_it_ends_for_who_is_no_operator_of_the_persons_community(scene: Scene) -> None:
    headers = await scene.look()
    elsewhere = await make.organization(await make.community(name="Hillside"), "operator")
    async with unit_of_work() as session:
        of_role = sa.update(Membership).where(col(Membership.account_id) == scene.operator.id)
        await session.execute(of_role.values(organization_id=elsewhere.id))
    assert (await scene.client.get("/v1/me/profile", headers=headers)).status_code == 401


@pytest.mark.parametrize("path", ["/v1/me/inbox/stream", "/v1/me/timeline/stream"])
async def test_streams_of_a_view_are_counted_as_the_operators(scene: Scene, path: str) -> None:
    headers = await scene.look()
    with ExitStack() as open_streams:
        for _ in range(live.MOST_OF_ONE):
            open_streams.enter_context(live.stream_of(scene.operator.id))
        async with asyncio.timeout(5):
            answer = await scene.client.get(path, headers=headers)
    assert answer.status_code == 429


async def test_one_at_a_time_until_the_session_of_the_first_has_ended(scene: Scene, clock: ManualClock) -> None:
    assert (await scene.begin()).status_code == 201
    again = await scene.begin()
    assert (again.status_code, again.json()["code"]) == (409, "viewing_goes_on")
    async with unit_of_work() as session:
        row = await session.get_one(AccountSession, scene.session.id)
        row.revoked_at = clock.now()
    elsewhere = await sign_in(scene.operator, second_factor=True)
    assert (await scene.begin(headers=elsewhere)).status_code == 201


async def test_a_second_factor_and_the_role_are_needed(scene: Scene) -> None:
    without = await scene.begin(headers=await sign_in(scene.operator))
    assert (without.status_code, without.json()["code"]) == (403, "second_factor_needed")
    house = await make.organization(scene.community, "operator")
    dispatcher = await make.staff(house, "dispatcher")
    daughter = await make.account(scene.community)
    for person in (dispatcher, daughter):
        refused = await scene.begin(headers=await sign_in(person, second_factor=True))
        assert refused.status_code == 403
    assert (await scene.begin(headers={})).status_code == 401


async def test_nobody_looks_on_as_operators_themselves_or_people_elsewhere(scene: Scene) -> None:
    colleague = await make.operator(scene.community)
    for account_id in (colleague.id, scene.operator.id):
        refused = await scene.begin(account_id)
        assert (refused.status_code, refused.json()["code"]) == (403, "not_to_be_viewed")
    elsewhere = await make.community(name="Hillside")
    stranger = await make.account(elsewhere)
    assert (await scene.begin(stranger.id)).status_code == 404
    assert (await scene.begin(scene.resident.id)).status_code == 404
    both = await make.account(scene.community)
    await make.membership(await make.organization(elsewhere, "clinic"), both, "clinician")
    assert (await scene.begin(both.id)).status_code == 403


async def test_whoever_becomes_an_operator_is_looked_on_no_more(scene: Scene) -> None:
    headers = await scene.look()
    house = await make.organization(scene.community, "operator")
    await make.membership(house, await _account_of(scene.resident), "operator")
    assert (await scene.client.get("/v1/me/profile", headers=headers)).status_code == 401


@pytest.mark.parametrize("reason", ["", "too short", "x" * 501, " " * 20, "with a bell \x07 in it"])
async def test_a_reason_is_needed(scene: Scene, reason: str) -> None:
    assert (await scene.begin(json={"reason": reason})).status_code == 422


async def test_the_reason_is_kept_sealed(scene: Scene) -> None:
    await scene.begin()
    async with unit_of_work() as session:
        row = (await session.scalars(sa.select(SupportViewing))).one()
    assert row.reason is not None
    assert "appointments" not in row.reason


async def test_who_goes_through_the_people_one_by_one_is_slowed_down(scene: Scene) -> None:
    answers = [(await scene.begin()).status_code for _ in range(21)]
    assert answers[-1] == 429


async def _account_of(resident: Resident) -> Account:
    async with unit_of_work() as session:
        return await session.get_one(Account, resident.account_id)
