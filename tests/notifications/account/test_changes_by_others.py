"""What others change about how a resident is reached: told over all that is already theirs, never over what is new."""

import io

import httpx
import pytest

from app.core.access import system_actor
from app.core.clock import ManualClock
from app.core.database import Database
from app.core.jobs import settle
from app.core.relay import RELAY_JOBS
from app.identity.importing import service as importing
from app.identity.models import Account, Resident
from notifications.account import notices
from notifications.api import Notice, close_channels
from notifications.sending.jobs import JOBS
from notifications.templates.completeness import complaints
from tests.factories import identity as make
from tests.factories.notifications import outbox, phone
from tests.factories.sign_in import sign_in, sign_in_resident

MOBILE, MAIL, UNVERIFIED, NEW = "+8613800000002", "grace@example.org", "+8613800000007", "+8613800000009"
EVERYWHERE = {"push", "sms", "mail"}
Headers = dict[str, str]


@pytest.fixture
async def person(database: Database, clock: ManualClock) -> Account:
    """Return Grace: a number and an address that are verified, a number that is not, and a phone with the app."""
    grace = await make.account(await make.community(name="Lakeside"), name="Grace", phone=MOBILE, email=MAIL)
    await make.contact_point(grace, "mobile", UNVERIFIED, ["sms"], verified_at=None)
    await phone(grace)
    return grace


@pytest.fixture
async def resident(person: Account) -> Resident:
    return await make.resident(await make.community_of(person), person=person, reference="R-1")


@pytest.fixture
async def edith(resident: Resident, person: Account) -> Headers:
    """Return the headers of somebody of the staff."""
    operator = await make.organization(await make.community_of(person))
    await make.agreement(operator)
    return await sign_in(await make.staff(operator, name="Edith"))


async def deliver() -> None:
    await close_channels()
    await settle((*RELAY_JOBS, *JOBS))


async def told() -> dict[str, str]:
    """Return what arrived, by channel; each channel was used once."""
    shown = await outbox()
    assert len({row.channel for row in shown}) == len(shown)
    return {row.channel: row.body for row in shown}


async def test_a_number_staff_add_is_told_over_what_was_verified_before(
    client: httpx.AsyncClient, person: Account, resident: Resident, edith: Headers
) -> None:
    path = f"/v1/residents/{resident.id}/contact-points"
    assert (await client.post(path, json={"kind": "mobile", "value": NEW}, headers=edith)).status_code == 201
    await deliver()
    found = await told()
    assert set(found) == EVERYWHERE
    recipients = {row.channel: row.recipient for row in await outbox()}
    assert (recipients["sms"], recipients["mail"]) == (f"Grace ({MOBILE})", f"Grace ({MAIL})")
    assert all("added a way to reach you" in body for body in found.values())
    assert not [word for word in ("Edith", "Grace", NEW) if any(word in found[way] for way in ("push", "sms"))]
    items = (await client.get("/v1/me/inbox", headers=await sign_in(person))).json()["items"]
    assert [item["notice"] for item in items] == ["account.contact_point_changed"]


async def test_a_change_and_a_removal_are_told_too(
    client: httpx.AsyncClient, resident: Resident, edith: Headers
) -> None:
    headers = edith
    path = f"/v1/residents/{resident.id}/contact-points"
    points = {point["value"]: point for point in (await client.get(path, headers=headers)).json()["items"]}
    changed = await client.patch(f"{path}/{points[MOBILE]['id']}", json={"value": NEW}, headers=headers)
    assert changed.status_code == 200, changed.text
    await deliver()
    found = await told()
    assert set(found) == EVERYWHERE - {"sms"}  # her only verified number is no longer hers
    assert "changed how you are reached" in found["mail"]
    assert (await client.delete(f"{path}/{points[UNVERIFIED]['id']}", headers=headers)).status_code == 204
    await deliver()
    assert "removed a way to reach you" in (await outbox())[-1].body


async def test_what_one_changes_oneself_is_not_told(client: httpx.AsyncClient, resident: Resident) -> None:
    headers = await sign_in_resident(resident)
    body = {"kind": "mobile", "value": NEW}
    assert (await client.post("/v1/me/contact-points", json=body, headers=headers)).status_code == 201
    code = (await client.post("/v1/me/pairings", headers=headers)).json()["code"]
    assert (await client.post("/v1/pairings/redemption", json={"code": code})).status_code == 201
    await deliver()
    assert await told() == {}


async def test_a_phone_that_is_paired_for_them_is_told(
    client: httpx.AsyncClient, person: Account, resident: Resident, edith: Headers
) -> None:
    made = await client.post(f"/v1/residents/{resident.id}/pairings", headers=edith)
    await deliver()
    assert await told() == {}
    redeemed = {"code": made.json()["code"], "device_label": "Kitchen phone"}
    assert (await client.post("/v1/pairings/redemption", json=redeemed)).status_code == 201
    await deliver()
    found = await told()
    assert set(found) == EVERYWHERE
    assert all("A phone was set up for you" in body for body in found.values())
    assert not any("Kitchen" in body for body in found.values())


async def test_an_import_tells_whom_it_gave_another_number_and_nobody_twice(
    person: Account, resident: Resident
) -> None:
    for line in (f"R-1,Grace,{NEW}", f"R-1,Grace H.,{NEW}"):
        file = io.BytesIO(f"reference,name,mobile\n{line}\n".encode())
        report = await importing.run(file, "csv", actor=system_actor(person.community_id))
        assert (report.updated, report.errors) == (1, [])
    await deliver()
    assert set(await told()) == EVERYWHERE


@pytest.mark.parametrize("notice", [notices.CONTACT_POINT_CHANGED, notices.PHONE_PAIRED])
def test_the_texts_are_complete(notice: Notice) -> None:
    assert complaints(notice) == []
