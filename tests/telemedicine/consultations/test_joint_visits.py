"""A clinician of another clinic is asked to a visit: told, let in, put out, refused; they see the room and no more."""

import asyncio
import uuid
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from app.core import clock as clocks
from app.core.audit_tables import AuditEntry
from app.core.database import reading, unit_of_work
from app.core.tables import table_of
from app.identity.models import Account, Membership, Organization, ServiceAgreement
from notifications.delivery.models import DELIVERIES
from telemedicine.consultations.problems import PutOut
from telemedicine.consultations.service import signalling
from telemedicine.consultations.service.room import Seat, admit, arrive
from tests.factories import identity
from tests.factories import telemedicine as factory
from tests.factories.sign_in import sign_in
from tests.factories.telemedicine import Scene

pytestmark = pytest.mark.usefixtures("clock")
Headers = dict[str, str]
Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Joint:
    """A visit, and a heart clinic that knows nothing of the resident; who is signed in as whom."""

    client: httpx.AsyncClient
    scene: Scene
    visit: uuid.UUID
    elsewhere: Organization
    ada: Account
    holder: Headers
    resident: Headers
    invited: Headers

    @property
    def path(self) -> str:
        """Return the path of the visit."""
        return f"/v1/consultations/{self.visit}"

    async def invite(self, who: Account | None = None, of: Organization | None = None) -> httpx.Response:
        """Ask a clinician along, as who holds the visit."""
        body = {"organization_id": str((of or self.elsewhere).id), "clinician_id": str((who or self.ada).id)}
        return await self.client.post(f"{self.path}/invited-clinicians", headers=self.holder, json=body)

    async def invited_id(self) -> str:
        """Ask Ada along and return as whom she takes part."""
        answer = await self.invite()
        assert answer.status_code == 201, answer.text
        return str(next(one["id"] for one in answer.json()["participants"] if one["role"] == "consultant"))

    async def remove(self, participant_id: str, by: Headers) -> httpx.Response:
        """Put an invited clinician out for good."""
        return await self.client.delete(f"{self.path}/invited-clinicians/{participant_id}", headers=by)

    async def link(self, by: Headers) -> httpx.Response:
        """Ask for one's own link."""
        return await self.client.post(f"{self.path}/links", headers=by)

    async def use(self, link: httpx.Response) -> httpx.Response:
        """Use a link."""
        assert link.status_code == 201, link.text
        return await self.client.post("/v1/consultation-passes", json={"link": link.json()["url"].partition("#")[2]})

    async def held(self) -> list[str]:
        """Return the visits Ada is shown as hers."""
        rows = await self.client.get("/v1/me/held-consultations", headers=self.invited)
        return [row["id"] for row in rows.json()["items"]]


@pytest.fixture
async def joint(client: httpx.AsyncClient) -> Joint:
    scene = await factory.scene()
    visit = await factory.consultation(scene)
    elsewhere = await identity.organization(scene.place, "clinic", name="Heart clinic")
    ada = await identity.staff(elsewhere, "clinician", name="Ada")
    return Joint(
        client,
        scene,
        visit.id,
        elsewhere,
        ada,
        await sign_in(scene.clinician),
        await sign_in(scene.account),
        await sign_in(ada),
    )


async def told(account: Account) -> list[str]:
    """Return what notices somebody was sent."""
    sent = sa.select(DELIVERIES.c.notice_key).where(DELIVERIES.c.account_id == account.id)
    async with reading() as connection:
        return [notice.removeprefix("telemedicine.") for notice in await connection.scalars(sent)]


async def line(joint: Joint, participant_id: str, *, admitted: bool = False) -> Seat:
    """Open a participant's line, and let them in if wanted, as the line itself does."""
    seat = Seat(joint.visit, uuid.UUID(participant_id), clocks.new_id(), clocks.new_id())
    async with unit_of_work() as session:
        await arrive(session, seat, None)
    if admitted:
        async with unit_of_work() as session:
            people = (await joint.client.get(joint.path, headers=joint.holder)).json()["participants"]
        holder = await line(joint, next(one["id"] for one in people if one["role"] == "clinician"))
        async with unit_of_work() as session:
            await admit(session, holder, seat.participant_id)
    return seat


async def looks(joint: Joint, seat: Seat) -> str:
    """Return how a line of Ada's stands, or why it ends."""
    async with reading() as connection:
        row = (
            await connection.execute(
                sa.text("SELECT id FROM identity_session WHERE account_id = :a"), {"a": joint.ada.id}
            )
        ).first()
        told = await signalling.look(
            connection, seat, signalling.Caller(seat.participant_id, None, row.id if row else None)
        )
    return type(told.refusal).__name__ if told.refusal else told.closed or told.standing["you"]


async def test_who_is_asked_along_and_the_resident_are_told_and_they_come_by_their_own_link(joint: Joint) -> None:
    await joint.invited_id()

    assert await told(joint.ada) == ["joint_visit_invited"]
    assert await told(joint.scene.account) == ["joint_visit"]
    assert await joint.held() == [str(joint.visit)]
    entered = await joint.use(await joint.link(joint.invited))
    assert entered.json()["role"] == "consultant"
    async with reading() as connection:
        actions = set(await connection.scalars(sa.select(table_of(AuditEntry).c.action)))
    assert "consultation:invite_clinician" in actions


async def test_they_see_the_room_and_nothing_else_of_the_resident(joint: Joint) -> None:
    await joint.invited_id()
    ask, resident = joint.client, f"/v1/residents/{joint.scene.resident.id}"

    assert (await ask.get(joint.path, headers=joint.invited)).status_code == 200
    notes = await ask.get(f"{joint.path}/notes", headers=joint.invited)
    guest = {"role": "family", "name": "Wisteria"}
    assert notes.status_code == 403
    assert (await ask.post(f"{joint.path}/guests", headers=joint.invited, json=guest)).json()[
        "code"
    ] == "not_taking_part"
    assert (await ask.post(f"{joint.path}/end", headers=joint.invited)).json()["code"] == "not_your_consultation"
    for of in ("", "/consultations", "/health-records", "/vitals", "/prescriptions", "/referrals"):
        assert (await ask.get(f"{resident}{of}", headers=joint.invited)).status_code == 404, of
    # Their colleagues were not asked along.
    colleague = await sign_in(await identity.staff(joint.elsewhere, "clinician", name="Colleague"))
    assert (await ask.get(joint.path, headers=colleague)).status_code == 404
    assert (await joint.link(colleague)).status_code == 404


async def test_they_wait_until_they_are_let_in_and_the_resident_puts_them_out_for_good(joint: Joint) -> None:
    participant_id = await joint.invited_id()
    unused = await joint.link(joint.invited)
    seat = await line(joint, participant_id)
    assert await looks(joint, seat) == "waiting"
    assert "resident_waiting" not in await told(joint.scene.clinician)  # it is not the resident who waits
    seat = await line(joint, participant_id, admitted=True)
    assert await looks(joint, seat) == "admitted"

    assert (await joint.remove(participant_id, joint.resident)).status_code == 204

    with pytest.raises(PutOut):
        await looks(joint, seat)
    assert (await joint.use(unused)).json()["code"] == "link_over"
    assert (await joint.link(joint.invited)).status_code == 404
    assert (await joint.client.get(joint.path, headers=joint.invited)).status_code == 404
    assert await joint.held() == []
    for one in (joint.ada, joint.scene.clinician):
        assert (await told(one)).count("joint_visit_off") == 1
    assert "joint_visit_off" not in await told(joint.scene.account)
    # Said twice, nobody is told again; and whom the resident refused is not asked again.
    assert (await joint.remove(participant_id, joint.resident)).status_code == 204
    assert (await told(joint.ada)).count("joint_visit_off") == 1
    again = await joint.invite()
    assert (again.status_code, again.json()["code"], again.json()["state"]) == (409, "takes_part_already", "removed")


async def test_whoever_waits_first_takes_nothing_from_the_residents_coming_being_told(joint: Joint) -> None:
    for role in ("interpreter", "family"):
        guest = {"role": role, "name": "Wisteria"}
        added = await joint.client.post(f"{joint.path}/guests", headers=joint.holder, json=guest)
        assert added.status_code == 201, added.text
    shown = (await joint.client.get(joint.path, headers=joint.holder)).json()["participants"]
    of = {one["role"]: one["id"] for one in shown}
    counts = []
    for role in ("interpreter", "family", "resident"):
        await line(joint, of[role])
        counts.append((await told(joint.scene.clinician)).count("resident_waiting"))
    assert counts == [0, 1, 2]


async def test_an_invitation_is_taken_back_by_who_made_it_or_declined_by_who_got_it_and_by_no_stranger(
    joint: Joint,
) -> None:
    participant_id = await joint.invited_id()
    other = await identity.staff(joint.elsewhere, "clinician", name="Other")
    assert (await joint.invite(other)).status_code == 201
    colleague = await sign_in(await identity.staff(joint.scene.clinic, "clinician", name="Colleague"))
    stranger = await sign_in(await identity.account(joint.scene.place, name="Stranger"))

    assert (await joint.remove(participant_id, await sign_in(other))).status_code == 404
    assert (await joint.remove(participant_id, colleague)).json()["code"] == "not_taking_part"
    assert (await joint.remove(participant_id, stranger)).status_code == 404
    holder = (await joint.client.get(joint.path, headers=joint.holder)).json()["participants"][0]
    assert (await joint.remove(holder["id"], joint.resident)).status_code == 404
    assert (await joint.remove(participant_id, joint.invited)).status_code == 204
    assert "joint_visit_off" in await told(joint.scene.clinician)
    assert "joint_visit_off" not in await told(joint.ada)


async def test_only_who_holds_the_visit_asks_and_only_another_clinics_clinician(joint: Joint) -> None:
    own = await identity.staff(joint.scene.clinic, "clinician", name="Colleague")
    clerk = await identity.staff(joint.elsewhere, "coordinator", name="Clerk")
    agency = await identity.organization(joint.scene.place, "care_agency")
    abroad = await identity.organization(await identity.community(), "clinic")
    body = {"organization_id": str(joint.elsewhere.id), "clinician_id": str(joint.ada.id)}
    path = f"{joint.path}/invited-clinicians"

    assert (await joint.invite(own, joint.scene.clinic)).json()["errors"][0]["code"] == "no_other_clinic"
    for of in (agency, abroad):
        assert (await joint.invite(joint.ada, of)).json()["errors"][0]["code"] == "no_other_clinic"
    assert (await joint.invite(clerk)).json()["code"] == "not_a_clinician"
    for who in (joint.resident, await sign_in(own)):
        refused = await joint.client.post(path, headers=who, json=body)
        assert (refused.status_code, refused.json()["code"]) == (403, "not_your_consultation")
    assert (await joint.client.post(path, headers=joint.invited, json=body)).status_code == 404


async def test_of_two_who_ask_at_once_one_does_and_guests_and_clinicians_share_the_places(joint: Joint) -> None:
    answers = await asyncio.gather(joint.invite(), joint.invite())
    assert sorted(answer.status_code for answer in answers) == [201, 409]
    assert (await told(joint.ada)).count("joint_visit_invited") == 1

    fellows = [await identity.staff(joint.elsewhere, "clinician", name=f"Clinician {number}") for number in range(6)]
    more = await asyncio.gather(*(joint.invite(one) for one in fellows))
    assert sorted(answer.status_code for answer in more) == [201] * 5 + [409]
    assert {answer.json()["code"] for answer in more if answer.status_code == 409} == {"too_many_guests"}


async def test_the_right_ends_with_the_visit(joint: Joint) -> None:
    participant_id = await joint.invited_id()
    seat = await line(joint, participant_id)
    assert (await joint.client.post(f"{joint.path}/end", headers=joint.holder)).status_code == 200

    assert await looks(joint, seat) == "over"
    assert (await joint.client.get(joint.path, headers=joint.invited)).status_code == 404
    assert (await joint.link(joint.invited)).status_code == 404
    assert await joint.held() == []
    assert (await joint.remove(participant_id, joint.resident)).json()["code"] == "consultation_over"
    assert (await joint.invite()).json()["code"] == "consultation_over"


@pytest.mark.parametrize("ends", ["membership", "agreement"])
async def test_it_ends_with_their_own_clinics_word_and_with_the_agreement_of_who_invites(
    joint: Joint, ends: str
) -> None:
    seat = await line(joint, await joint.invited_id(), admitted=True)
    assert await looks(joint, seat) == "admitted"
    gone = (
        sa.delete(table_of(Membership)).where(table_of(Membership).c.account_id == joint.ada.id)
        if ends == "membership"
        else sa.delete(table_of(ServiceAgreement)).where(
            table_of(ServiceAgreement).c.organization_id == joint.scene.clinic.id
        )
    )
    async with unit_of_work() as session:
        await session.execute(gone)
    assert await looks(joint, seat) == "NotFound"
    assert (await joint.link(joint.invited)).status_code == 404
