"""Residents, imports and organizations, as the operator keeps them in a browser."""

import re
from datetime import timedelta
from typing import Final

import httpx
import pytest

from app.core.clock import ManualClock
from app.core.database import unit_of_work
from app.identity.models import Resident
from tests.factories import identity
from tests.portal.ground import form_on, submit
from tests.portal.hostile import NAMES, harmless
from tests.portal.operator.conftest import Scene

PAGE: Final = "/portal/operator"
RESIDENTS: Final = f"{PAGE}/residents"
IMPORTS: Final = f"{PAGE}/imports"
SAME: Final = {"Sec-Fetch-Site": "same-origin"}


async def after(browser: httpx.AsyncClient, answer: httpx.Response) -> str:
    """Follow the way back a form was answered with; return the page."""
    assert answer.status_code == 303, answer.text[-1500:]
    page = await browser.get(answer.headers["location"])
    assert page.status_code == 200, page.text[-1500:]
    return page.text


async def test_somebody_is_taken_in_found_and_corrected(browser: httpx.AsyncClient, scene: Scene) -> None:
    new = f"{RESIDENTS}/new"
    fields = form_on(await browser.get(new), new)
    given = {"name": "Hedy Lamarr", "birth_date": "1940-11-09", "address": "1 Lake Road", "mobile": "13800000009"}
    answer = await browser.post(new, data=fields | given | {"tags": "swimmers, choir"}, headers=SAME)
    page = await after(browser, answer)
    assert "Hedy Lamarr" in page
    assert "+8613800000009" in page
    assert "choir, swimmers" in page
    one = answer.headers["location"].partition("?")[0]

    found = (await browser.get(RESIDENTS, params={"query": "Lamarr"})).text
    assert one in found
    assert "Grace Hopper" not in found

    page = await after(browser, await submit(browser, one, one, name="Hedy Kiesler"))
    assert "Hedy Kiesler" in page
    assert "1 Lake Road" in page
    assert 'role="status"' in page


async def test_whoever_corrects_a_name_moves_nobody_whose_address_has_two_lines(
    browser: httpx.AsyncClient, scene: Scene
) -> None:
    home = await identity.household(scene.community, address="1 Lake Road\nBehind the mill")
    wife = await identity.resident(scene.community, name="Ida", home=home)
    one = f"{RESIDENTS}/{wife.id}"
    # As a browser sends it: a field of one line has no line breaks.
    typed = {"name": "Ida Rhodes", "address": "1 Lake RoadBehind the mill"}
    await after(browser, await browser.post(one, data=form_on(await browser.get(one), one) | typed, headers=SAME))
    async with unit_of_work() as session:
        assert (await session.get_one(Resident, wife.id)).household_id == home.id
    moved = form_on(await browser.get(one), one) | {"address": "2 Lake Road"}
    await after(browser, await browser.post(one, data=moved, headers=SAME))
    async with unit_of_work() as session:
        assert (await session.get_one(Resident, wife.id)).household_id != home.id


async def test_what_is_wrong_stands_beside_its_field(browser: httpx.AsyncClient, scene: Scene) -> None:
    new = f"{RESIDENTS}/new"
    answer = await submit(browser, new, new, name="", mobile="12", reference="R-9")
    assert answer.status_code == 422
    assert 'id="e-name"' in answer.text
    assert 'value="R-9"' in answer.text
    answer = await submit(browser, new, new, name="Ida", reference="R-1")
    assert answer.status_code == 409
    assert "Another resident has this reference already." in answer.text


async def test_a_way_to_reach_somebody_is_removed_once_that_was_confirmed(
    browser: httpx.AsyncClient, scene: Scene
) -> None:
    one = f"{RESIDENTS}/{scene.resident.id}"
    add = f"{one}/contact-points"
    page = await after(browser, await submit(browser, one, add, kind="email", value="grace@example.org"))
    assert "grace@example.org" in page
    ways = re.findall(rf"{one}/contact-points/[0-9a-f-]+/remove", page)
    assert len(ways) == 2
    asked = await browser.get(ways[1])
    assert "grace@example.org" in asked.text
    page = await after(browser, await submit(browser, ways[1], ways[1]))
    assert "grace@example.org" not in page
    last = await submit(browser, ways[0], ways[0])
    assert last.status_code == 409
    assert "This is the only way to reach this person." in last.text


async def test_a_residence_ends_and_that_is_taken_back(browser: httpx.AsyncClient, scene: Scene) -> None:
    one = f"{RESIDENTS}/{scene.resident.id}"
    ask = f"{one}/closure"
    wrong = await submit(browser, ask, ask, reason="moved_out", date="")
    assert wrong.status_code == 422
    page = await after(browser, await submit(browser, ask, ask, reason="moved_out", date="2026-03-01"))
    assert "Moved out" in page
    back = await browser.get(ask)
    assert "a mistake?" in back.text
    page = await after(browser, await submit(browser, ask, f"{one}/reopening"))
    assert "The end was taken back." in page


async def test_a_file_is_looked_at_first_and_imported_then(browser: httpx.AsyncClient, scene: Scene) -> None:
    rows = "reference,name,birth_date\nN-1,Ada,1940-01-01\nN-2,,\nN-3,Ida,not a day\n"
    fields = form_on(await browser.get(IMPORTS), IMPORTS)
    file = {"file": ("people.csv", rows.encode(), "text/csv")}
    looked = await browser.post(IMPORTS, data=fields, files=file, headers=SAME)
    assert looked.status_code == 200, looked.text
    assert "What would become of the rows" in looked.text
    assert "birth_date" in looked.text
    assert "N-1" not in (await browser.get(RESIDENTS)).text  # nothing has happened yet

    meant = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', looked.text))
    done = await browser.post(IMPORTS, files={name: (None, value) for name, value in meant.items()}, headers=SAME)
    assert done.status_code == 200, done.text
    assert "Imported" in done.text
    assert "N-1" in (await browser.get(RESIDENTS)).text

    broken = {"file": ("people.csv", "姓名\n".encode("gbk"), "text/csv")}
    refused = await browser.post(IMPORTS, data=fields, files=broken, headers=SAME)
    assert refused.status_code == 422
    assert "The file is not UTF-8" in refused.text
    assert (await browser.post(IMPORTS, data=fields, headers=SAME)).status_code == 422


async def test_an_organization_gets_people_and_agreements(
    browser: httpx.AsyncClient, scene: Scene, clock: ManualClock
) -> None:
    page = f"{PAGE}/organizations"
    answer = await submit(browser, page, page, name="Lake Clinic", kind="clinic")
    one = answer.headers["location"].partition("?")[0]
    text = await after(
        browser, await submit(browser, one, f"{one}/invitations", invited="Ida", email="ida@example.org")
    )
    assert "Open" in text
    wrong = await submit(browser, one, f"{one}/agreements", basis="Contract", scopes="everything")
    assert wrong.status_code == 422
    assert 'id="e-scopes"' in wrong.text
    text = await after(
        browser, await submit(browser, one, f"{one}/agreements", basis="Contract 7", scopes="profile:read, visits:read")
    )
    assert "Contract 7" in text
    [end] = re.findall(rf"{one}/agreements/[0-9a-f-]+/end\?version=\d+", text)
    clock.advance(timedelta(seconds=1))
    text = await after(browser, await submit(browser, end, end.partition("?")[0]))
    assert "The agreement has ended." in text
    assert not re.findall(rf"{one}/agreements/[0-9a-f-]+/end", text)
    [revoke] = re.findall(rf"{one}/invitations/[0-9a-f-]+/revoke", text)
    assert "The invitation is void." in await after(browser, await submit(browser, revoke, revoke))


async def test_a_member_leaves_once_that_was_confirmed(browser: httpx.AsyncClient, scene: Scene) -> None:
    end = f"{PAGE}/organizations/{scene.agency.id}/members/{scene.coordinator.id}/end"
    assert "Day Care" in (await browser.get(end)).text
    text = await after(browser, await submit(browser, end, end))
    assert "Nobody works here yet." in text
    last = f"{PAGE}/organizations/{scene.operator.id}/members/{scene.boss.id}/end"
    refused = await submit(browser, last, last)
    assert refused.status_code == 409
    assert "This is the last operator" in refused.text


@pytest.mark.parametrize("number", range(len(NAMES)))
async def test_whatever_people_are_called_stays_text(browser: httpx.AsyncClient, scene: Scene, number: int) -> None:
    name = NAMES[number][:100]
    somebody = await identity.resident(scene.community, name=name, reference=name)
    agency = await identity.organization(scene.community, "provider", name=name)
    await identity.staff(agency, "worker", name=name)
    for page in (
        RESIDENTS,
        f"{RESIDENTS}?query={name}",
        f"{RESIDENTS}/{somebody.id}",
        f"{RESIDENTS}/{somebody.id}/closure",
        f"{PAGE}/organizations",
        f"{PAGE}/organizations/{agency.id}",
        f"{PAGE}/audit?action={name}",
    ):
        answer = await browser.get(page)
        assert answer.status_code in (200, 422), (page, answer.text[-500:])
        assert harmless(answer.text), page
