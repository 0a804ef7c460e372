"""Video visits in a real browser: pictures really pass, directly and over a relay, and a broken network mends."""

from collections.abc import AsyncIterator

import pytest_asyncio
from playwright.async_api import Browser, expect

from tests.browser.network import Network, network
from tests.browser.relays import Relay
from tests.browser.visits import PATIENCE, admit, says, sees, visit
from tests.faults.processes import House, free_port


@pytest_asyncio.fixture(loop_scope="session")
async def between() -> AsyncIterator[Network]:
    async with network() as opened:
        yield opened


async def test_two_people_see_each_other_talk_and_part(browser: Browser, home: House) -> None:
    api = await home.api()
    async with visit(browser, api.url) as held:
        clinician, resident = await held.both()
        for page in (clinician, resident):
            frames = await sees(page, 1)
            assert await sees(page, 1, more_than=frames) > frames
        await expect(resident.locator("#people")).to_be_hidden()

        await resident.locator("#chat").click()
        await resident.locator("#words-to-say").fill("<b>Good morning</b>")
        await resident.keyboard.press("Enter")
        await expect(clinician.locator("#said li")).to_contain_text("<b>Good morning</b>", timeout=PATIENCE)
        await resident.locator("#mute").click()
        await expect(resident.locator("#mute")).to_have_attribute("aria-pressed", "false")
        await resident.locator("#phone").click()
        await expect(resident.locator("#number a")).to_have_attribute("href", "tel:+862155551000")
        await expect(clinician.locator("#waiting")).to_contain_text("would rather telephone", timeout=PATIENCE)

        # Loaded again the page needs no link, and the visit goes on.
        await resident.reload()
        await resident.locator("#join").click()
        await sees(resident, 1)
        await sees(clinician, 1)

        await clinician.locator("#end").click()
        for page in (clinician, resident):
            await expect(page.locator("#closed")).to_have_attribute("data-why", "over", timeout=PATIENCE)


async def test_three_people_meet_over_a_relay_and_nowhere_else(browser: Browser, home: House, turn: Relay) -> None:
    api = await home.api(HEARTHLINE_VIDEO_RELAY_ONLY="true", **turn.settings)
    async with visit(browser, api.url) as held:
        guest_link = await held.link(held.clinician, "interpreter")
        clinician, resident = await held.both()
        guest = await held.join(guest_link, locale="zh-CN", color_scheme="dark", viewport={"width": 390, "height": 844})
        await expect(guest.locator("#wait h1")).to_have_text("等候室", timeout=PATIENCE)
        await admit(clinician, "interpreter")
        for page in (clinician, resident, guest):
            await sees(page, 2, route="relay")
    assert "ALLOCATE processed, success" in turn.written()


async def test_a_call_outlives_its_network_and_its_server(browser: Browser, home: House, between: Network) -> None:
    api = await home.api(HEARTHLINE_HTTP_PUBLIC_URL=between.url)
    between.lead_to(api)
    async with visit(browser, between.url) as held:
        clinician, resident = await held.both()
        await sees(resident, 1)
        await sees(clinician, 1)

        between.cut()
        await expect(resident.locator("body")).to_have_attribute("data-line", "down", timeout=PATIENCE)
        await says(resident, "reconnecting")
        frames = await sees(resident, 1)
        assert await sees(resident, 1, more_than=frames) > frames  # pictures take another way

        await api.kill()
        between.lead_to(await home.api(HEARTHLINE_HTTP_PUBLIC_URL=between.url))
        between.restore()
        for page in (clinician, resident):
            await expect(page.locator("body")).to_have_attribute("data-line", "up", timeout=PATIENCE)
        await clinician.locator("#chat").click()
        await clinician.locator("#words-to-say").fill("There you are")
        await clinician.keyboard.press("Enter")
        await expect(resident.locator("#said li")).to_contain_text("There you are", timeout=PATIENCE)
        frames = await sees(resident, 1)
        assert await sees(resident, 1, more_than=frames) > frames


async def test_a_link_that_was_used_or_made_up_opens_nothing(browser: Browser, home: House) -> None:
    api = await home.api()
    async with visit(browser, api.url) as held:
        link = await held.link(held.resident)
        first = await held.open(link)
        await expect(first.locator("#check")).to_be_visible(timeout=PATIENCE)
        assert "#" not in first.url  # neither history nor a screenshot gives the link away
        for refused, why in ((link, "link_used"), (f"{link}x", "link_unknown"), (link.partition("#")[0], "no_link")):
            page = await held.open(refused)
            await expect(page.locator("#closed")).to_have_attribute("data-why", why, timeout=PATIENCE)


async def test_a_relay_that_cannot_be_reached_is_spoken_of(browser: Browser, home: House) -> None:
    api = await home.api(
        HEARTHLINE_VIDEO_RELAY_ONLY="true",
        HEARTHLINE_VIDEO_TURN_URLS=f'["turn:127.0.0.1:{free_port()}?transport=tcp"]',
        HEARTHLINE_VIDEO_TURN_SECRET="nobody's",
    )
    async with visit(browser, api.url) as held:
        _, resident = await held.both()
        await says(resident, "no_relay")


async def test_the_clinician_writes_the_note_with_the_keyboard_and_signs_it_when_the_visit_is_over(
    browser: Browser, home: House
) -> None:
    api = await home.api()
    async with visit(browser, api.url) as held:
        clinician, resident = await held.both()
        await expect(resident.locator("#write")).to_be_hidden()
        await clinician.locator("#write").focus()
        await clinician.keyboard.press("Enter")
        await expect(clinician.get_by_role("heading", name="Note", exact=True)).to_be_focused()
        await clinician.keyboard.press("Tab")
        await expect(clinician.get_by_label("Subjective")).to_be_focused()
        await clinician.keyboard.type("<b>Wisteria</b>")
        await clinician.get_by_label("Instructions").fill("Rest")
        await clinician.get_by_label("See again").fill("7")
        await clinician.get_by_role("button", name="Save draft").press("Enter")
        await expect(clinician.locator("#note-status")).to_contain_text("Only you see it", timeout=PATIENCE)
        assert await held.notes(held.resident) == []

        await clinician.locator("#end").click()
        await expect(clinician.locator("#closed")).to_have_attribute("data-why", "over", timeout=PATIENCE)
        await clinician.get_by_label("Plan").fill("Sleep")
        await clinician.get_by_role("button", name="Sign").press("Enter")
        await clinician.keyboard.press("Escape")  # no signature
        await clinician.get_by_role("button", name="Sign").press("Enter")
        await expect(clinician.locator("#signing")).to_contain_text("stands")
        await clinician.keyboard.press("Enter")
        await expect(clinician.locator("#note-status")).to_have_text("The note is signed.", timeout=PATIENCE)
        await expect(clinician.get_by_label("Plan")).to_have_attribute("readonly", "")
        await clinician.keyboard.type("By phone later")
        await clinician.get_by_role("button", name="Add", exact=True).press("Enter")
        await expect(clinician.locator("#added li")).to_have_text("By phone later", timeout=PATIENCE)
        note, addendum = await held.notes(held.resident)
        assert (note["content"]["subjective"], note["content"]["plan"]) == ("<b>Wisteria</b>", "Sleep")
        assert (note["follow_up_days"], addendum["text"]) == (7, "By phone later")


# A screen is wide, the picture of the fake camera is not: by that they are told apart.
_SCREEN = """navigator.mediaDevices.getDisplayMedia = async () => {
    const screen = Object.assign(document.createElement("canvas"), { width: 640, height: 160 });
    const pen = screen.getContext("2d");
    let hue = 0;
    setInterval(() => { pen.fillStyle = `hsl(${hue++ % 360} 80% 50%)`; pen.fillRect(0, 0, 640, 160); }, 50);
    return screen.captureStream(20);
};"""
_LOOKS = """([least, most]) => {
    const video = document.querySelector("#tiles figure[data-role=clinician] video");
    const ratio = video?.videoHeight ? video.videoWidth / video.videoHeight : 0;
    return ratio > least && ratio < most;
}"""
_SHARED, _CAMERA = [3, 9], [0, 2]


async def test_who_joins_while_a_screen_is_shared_sees_the_screen(browser: Browser, home: House) -> None:
    api = await home.api()
    async with visit(browser, api.url) as held:
        guest_link = await held.link(held.clinician, "family")
        clinician, resident = await held.both()
        await clinician.evaluate(_SCREEN)
        await clinician.locator("#share").click()
        await resident.wait_for_function(_LOOKS, arg=_SHARED, timeout=PATIENCE)
        guest = await held.join(guest_link)
        await admit(clinician, "family")
        await guest.wait_for_function(_LOOKS, arg=_SHARED, timeout=PATIENCE)
        await clinician.locator("#share").click()
        for page in (guest, resident):
            await page.wait_for_function(_LOOKS, arg=_CAMERA, timeout=PATIENCE)
