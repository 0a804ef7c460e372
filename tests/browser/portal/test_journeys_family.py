"""The ways of a family through the portal on a phone: into it, to an alarm's end, to each other, and out again."""

import httpx
from playwright.async_api import expect

from app.portal.alarms.texts import WORDS as ALARMS
from app.portal.circles.texts import WORDS as CIRCLES
from app.portal.ground.texts import COMMON
from app.portal.me.texts import WORDS as ME
from app.portal.preferences.texts import WORDS as PREFERENCES
from app.portal.residents.texts import WORDS as RESIDENTS
from app.portal.sign_in.texts import WORDS as SIGN_IN
from tests.browser.portal.conftest import Portal
from tests.browser.portal.windows import PATIENCE, Window, Windows
from tests.browser.portal.world import RELATIVE_PHONE, World, membership_of, person_of, world
from tests.factories.sign_in import sign_in
from tests.portal import hostile
from tests.portal.sign_in.browser import last_code

EN = ALARMS["en"]


async def signed_in_by_code(open_windows: Windows) -> Window:
    """Return a window in which a relative went the whole way in."""
    window = await open_windows.of(None)
    await window.open("/portal/today")
    await window.page.locator("#f-contact").fill(RELATIVE_PHONE)
    await window.press(SIGN_IN["en"]["send"])
    await expect(window.page.locator("#f-code")).to_be_visible(timeout=PATIENCE)
    await window.page.locator("#f-code").fill(await last_code())
    await window.press(SIGN_IN["en"]["enter"])
    await window.is_at("/portal/today")
    return window


async def looked_at_everything(window: Window, scene: World) -> None:
    """Go through all that is known of a resident, tab by tab."""
    about = f"/portal/residents/{scene.first.id}"
    await window.page.locator(f'main a[href="{about}"]').first.click(timeout=PATIENCE)
    await window.is_at(about)
    tabs = await window.page.locator("main .tabs a").evaluate_all("(all) => all.map((one) => one.pathname)")
    assert len(tabs) == 9
    # There are more of them than a phone is wide, and that can be seen.
    row = window.page.locator("main .tabs ul")
    await expect(row).to_have_attribute("data-after", "")
    assert "gradient" in await row.evaluate("(row) => getComputedStyle(row).maskImage")
    for tab in tabs:
        await window.page.locator(f'main .tabs a[href="{tab}"]').click(timeout=PATIENCE)
        await window.is_at(tab)
        await expect(window.page.locator("main h1")).to_be_visible(timeout=PATIENCE)


async def goes_to_the_end(window: Window) -> None:
    """Ask how it ended; fail where the button that ends it lies behind the places at the bottom of a phone."""
    await window.press(EN["act_resolve"])
    button = window.page.get_by_role("button", name=EN["resolve"])
    places = window.page.locator(".places")
    ends, bar = await button.bounding_box(), await places.bounding_box()
    assert ends is not None
    assert bar is not None
    assert ends["y"] + ends["height"] <= bar["y"] + 1


async def test_a_relative_comes_in_helps_and_goes(open_windows: Windows) -> None:
    scene = await world()
    window = await signed_in_by_code(open_windows)
    await looked_at_everything(window, scene)

    # The other one is asked into the circle, says yes, and looks at the same alarm.
    page = f"/portal/alarms/{scene.alarm.id}"
    other = await open_windows.of(scene.brother, look="dark")
    await other.open("/portal/circles")
    await other.press(CIRCLES["en"]["yes_gladly"])
    await other.sees(CIRCLES["en"]["done_accepted"])
    await other.open(page)
    await other.sees(EN["state_raised"])
    await other.follows()

    await window.page.locator(".places a[href='/portal/today']").click()
    await window.page.locator(f'main a[href="{page}"]').first.click(timeout=PATIENCE)
    await window.press(EN["act_acknowledge"])
    await window.sees(EN["state_acknowledged_mine"])
    await other.sees(EN["state_acknowledged"].format(who=scene.relative.name))
    await window.press(EN["act_depart"])
    await window.sees(EN["state_en_route_mine"])
    await other.sees(EN["state_en_route"].format(who=scene.relative.name))
    await window.press(EN["act_arrive"])
    await window.sees(EN["state_on_scene_mine"])
    await goes_to_the_end(window)
    await window.page.get_by_label(COMMON["en"]["outcome_helped"]).check()
    await window.page.locator("#f-note").fill(hostile.MARKUP)
    await window.press(EN["resolve"])
    over = EN["state_resolved"].format(outcome=COMMON["en"]["outcome_helped"])
    await window.sees(over)
    await other.sees(over)
    await other.sees(hostile.MARKUP)

    await window.open("/portal/me/preferences")
    await window.page.locator("#f-quiet_begins").fill("22:00")
    await window.page.locator("#f-quiet_ends").fill("06:30")
    await window.page.get_by_role("button", name=COMMON["en"]["save"], exact=True).last.click()
    await window.sees(PREFERENCES["en"]["done_kept"])
    await expect(window.page.locator("#f-quiet_begins")).to_have_value("22:00")
    await window.page.locator(".places a[href='/portal/me']").click()
    await window.press(ME["en"]["sign_out"])
    await window.sees(SIGN_IN["en"]["done_signed_out"])
    await window.open(page)
    assert "/portal/sign-in" in window.page.url


async def test_a_circle_talks_and_takes_turns(open_windows: Windows) -> None:
    scene = await world()
    one = await open_windows.of(scene.relative)
    other = await open_windows.of(scene.brother, "desk")
    talk = f"/portal/circles/{scene.first.id}/messages"
    for window in (one, other):
        await window.open(talk)
        await window.follows()
    said = f"{hostile.GERMAN} {hostile.TEMPLATE} & now"
    await one.page.locator("#f-text").fill(said)
    await one.press(CIRCLES["en"]["send"])
    await other.sees(said)
    await other.page.locator("#f-text").fill(hostile.CHINESE + "!")
    await other.press(CIRCLES["en"]["send"])
    await one.sees(hostile.CHINESE + "!")

    mine = await membership_of(scene.first, scene.relative)
    theirs = await membership_of(scene.first, scene.brother)
    await one.open("/portal/rota")
    offer = one.page.locator(f'form[action="/portal/rota/{mine.id}/swaps"]')
    await one.page.locator("details", has=offer).locator("summary").click()
    await offer.locator("button").click()
    await one.sees(CIRCLES["en"]["done_offered"])
    await other.open("/portal/rota")
    await other.page.locator(f'form[action^="/portal/rota/{theirs.id}/swaps/"][action$="/acceptance"] button').click()
    await other.sees(CIRCLES["en"]["done_acceptance"])


async def test_what_happened_while_the_line_was_cut_is_there_afterwards(open_windows: Windows, portal: Portal) -> None:
    scene = await world()
    window = await open_windows.of(scene.relative)
    await window.open(f"/portal/alarms/{scene.alarm.id}")
    await window.follows()
    line = window.page.locator("#line-status")
    portal.network.cut()
    await expect(line).to_have_text(await line.get_attribute("data-down") or "?", timeout=PATIENCE)
    headers = await sign_in(scene.desk)
    async with httpx.AsyncClient(base_url=portal.behind) as client:
        taken = await client.post(
            f"/v1/alarms/{scene.alarm.id}/acknowledgement", headers=headers | {"Idempotency-Key": str(scene.alarm.id)}
        )
    assert taken.status_code in (200, 201), taken.text
    portal.network.restore()
    await window.sees(EN["state_acknowledged"].format(who=EN["named_desk"].format(name=scene.desk.name)))
    await expect(line).to_be_hidden(timeout=PATIENCE)


async def test_a_resident_sees_their_own_and_takes_back_what_they_shared(open_windows: Windows) -> None:
    scene = await world()
    window = await open_windows.of(await person_of(scene.first), language="en")
    about = f"/portal/residents/{scene.first.id}"
    await window.open(about)
    await window.page.locator(f'main .tabs a[href="{about}/consent"]').click(timeout=PATIENCE)
    grant = window.page.locator("article", has_text=scene.brother.name).last
    await grant.locator("summary").click()
    await grant.get_by_role("button", name=RESIDENTS["en"]["revoke_now"]).click()
    await window.sees(RESIDENTS["en"]["done_revoked"])
    other = await open_windows.of(scene.brother)
    answer = await other.page.goto(f"{other.url}{about}/vitals")
    assert answer is not None
    assert answer.status in (403, 404)
    await window.open("/portal/circles")
    await window.press(CIRCLES["en"]["own"])
    await window.sees(hostile.CHINESE)


async def test_a_carer_sees_whom_they_visit_and_writes_down_what_they_measured(open_windows: Windows) -> None:
    scene = await world()
    window = await open_windows.of(scene.carer)
    about = f"/portal/residents/{scene.first.id}"
    await window.open("/portal/today")
    await window.page.locator(f'main a[href="{about}"]').first.click(timeout=PATIENCE)
    await window.page.locator(f'main .tabs a[href="{about}/visits"]').click(timeout=PATIENCE)
    await window.page.locator(f'main a[href^="{about}/visits/"]').first.click(timeout=PATIENCE)
    await window.sees(hostile.MARKUP)
    await window.page.locator(f'main .tabs a[href="{about}/vitals"]').click(timeout=PATIENCE)
    form = window.page.locator(f'form[action="{about}/vitals"]')
    await window.page.locator("details", has=form).locator("summary").click()
    await form.locator("#f-kind").select_option("pulse")
    await form.locator("#f-value").fill("71")
    await form.locator("button").click()
    await window.sees(RESIDENTS["en"]["done_measured"])
    # Whom they do not visit they are not shown.
    answer = await window.page.goto(f"{window.url}/portal/residents/{scene.second.id}")
    assert answer is not None
    assert answer.status in (403, 404)
