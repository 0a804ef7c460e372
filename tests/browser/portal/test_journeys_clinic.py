"""The clinic's way with somebody who walks in: from a number and the screen on the wall to a signed note."""

from typing import Final

from playwright.async_api import expect

from app.portal.clinic.texts import WORDS
from tests.browser.portal.times import at_noon
from tests.browser.portal.windows import PATIENCE, Window, Windows
from tests.portal import hostile
from tests.portal.clinic.world import Ward, allergic, ward

EN: Final = WORDS["en"]
WALKS_IN: Final = f"Walter {hostile.GERMAN}"


async def _put_a_screen_up(desk: Window, here: Ward) -> str:
    """Return the address that is shown once, without where we are."""
    await desk.open(f"{here.address}/screens")
    await desk.page.locator("#f-name").fill("Entrance")
    await desk.press(EN["screen_add"])
    await desk.sees(EN["screen_made"])
    await desk.is_accessible()
    href = await desk.page.locator("main a[href*='/display/']").get_attribute("href")
    assert href is not None
    return "/portal/clinic/display/" + href.rsplit("/", 1)[-1]


async def _says(wall: Window, text: str) -> None:
    await expect(wall.page.locator("body")).to_contain_text(text, timeout=PATIENCE)


async def _given_a_number(desk: Window, here: Ward) -> None:
    """Give who walks in a number, by keyboard."""
    await desk.open(f"{here.address}/queue")
    await desk.page.keyboard.press("/")
    await desk.page.keyboard.type("Walter")
    await desk.page.keyboard.press("Enter")
    await desk.sees("Walter")
    await desk.is_accessible()
    await desk.page.get_by_role("button", name=f"{EN['give']}: {WALKS_IN}").first.click(timeout=PATIENCE)
    await desk.sees(EN["done_taken"])


async def _called(doctor: Window) -> None:
    """Call who is next to a room, on a phone that heard of them by itself."""
    await doctor.sees("Walter")
    await doctor.page.locator("input[name='room']").first.fill("Room 3")
    await doctor.press_until(EN["call_next"], EN["done_called"])
    await doctor.is_fine("phone")


async def _written_and_signed(doctor: Window) -> None:
    """Write a note, which outlives the page, and sign it."""
    await doctor.page.get_by_role("link", name=WALKS_IN).first.click(timeout=PATIENCE)
    await doctor.sees("Penicillin")
    await doctor.page.locator("#f-subjective").fill(hostile.MARKUP)
    await expect(doctor.page.locator("#kept")).to_have_text(EN["autosaved"], timeout=PATIENCE)
    await doctor.page.reload()
    await expect(doctor.page.locator("#f-subjective")).to_have_value(hostile.MARKUP)
    await doctor.is_fine("phone")
    await doctor.page.locator("#f-plan").fill("Rest")
    await doctor.page.keyboard.press("Control+Enter")
    await doctor.sees(EN["done_signed"])


async def _prescribed(doctor: Window) -> None:
    """Prescribe what the patient does not tolerate, with a word on why."""
    await doctor.page.get_by_role("link", name=EN["prescriptions"], exact=True).click(timeout=PATIENCE)
    await doctor.page.locator("#f-what").fill("Amoxicillin 500 mg")
    await doctor.page.locator("#f-dosage").fill("1 every 8 hours for 7 days")
    await doctor.page.locator("#f-ingredient_code").fill("764146007")
    await doctor.is_fine("phone")
    await doctor.press(EN["rx_check"])
    await doctor.sees(EN["warning_allergy"].format(what="Penicillin"))
    await doctor.is_fine("phone")
    await doctor.page.locator("input[name^='reason-']").fill("Tolerated it last year")
    await doctor.press(EN["rx_sign"])
    await doctor.sees(EN["done_rx_signature"])


async def _booked_again(desk: Window, here: Ward) -> None:
    """Book a free time for somebody who telephones, from the day's list; the page of it says that it stands."""
    await desk.open(here.address)
    await desk.page.get_by_role("link", name=EN["book"]).click(timeout=PATIENCE)
    await desk.page.locator("#f-find").fill("Walter")
    await desk.page.keyboard.press("Enter")
    await desk.page.get_by_role("link", name="Walter").click(timeout=PATIENCE)
    await desk.sees(EN["free_times"])
    await desk.is_fine("desk")
    await desk.page.locator("button[name='slot']").first.click(timeout=PATIENCE)
    await desk.sees(EN["done_booked"])
    await desk.page.get_by_role("link", name=EN["book_again"]).click(timeout=PATIENCE)
    await desk.sees(EN["booked_ahead"])


async def test_somebody_walks_in_is_called_seen_and_prescribed_for(open_windows: Windows) -> None:
    here = await ward((hostile.MARKUP[:60], WALKS_IN, "Dr Lin"), called=hostile.MARKUP, time_zone=at_noon())
    await allergic(here.walks_in)
    desk = await open_windows.of(here.desk, "desk")
    address = await _put_a_screen_up(desk, here)
    wall = await open_windows.of(None, "desk")
    await wall.open(address)
    await _says(wall, EN["wall_calm"])
    await wall.is_accessible()

    doctor = await open_windows.of(here.doctor, "phone")
    await doctor.open(f"{here.address}/book?resident_id={here.walks_in.id}")
    await doctor.is_fine("phone")
    await doctor.open(f"{here.address}/queue")
    await doctor.follows()

    await _given_a_number(desk, here)
    await _called(doctor)
    # The wall shows the number and the room by itself, and nothing of whose it is.
    await _says(wall, "Room 3")
    await expect(wall.page.locator(".called .number")).to_have_text("1", timeout=PATIENCE)
    shown = await wall.page.content()
    assert "Walter" not in shown
    assert str(here.walks_in.id) not in shown
    await wall.is_accessible()
    await desk.sees(EN["to_room"].format(room="Room 3"))

    await _written_and_signed(doctor)
    await expect(desk.page.locator(".called .big")).to_have_count(0, timeout=PATIENCE)
    await _says(wall, EN["wall_calm"])
    await _prescribed(doctor)


async def test_the_day_is_worked_by_keyboard_on_a_large_screen(open_windows: Windows) -> None:
    here = await ward(("Grace", "Walter", "Dr Lin"), time_zone=at_noon())
    desk = await open_windows.of(here.desk, "desk")
    await desk.open("/portal/clinic")
    await desk.page.locator("#whose").select_option("all")
    await desk.press(EN["show"])
    await desk.sees("Grace")
    await desk.follows()
    doctor = await open_windows.of(here.doctor, "desk", language="zh-CN", look="dark")
    await doctor.open(here.address)
    await doctor.follows()
    await desk.is_fine("desk")
    await desk.press_until(EN["act_arrived"] + ": Grace", EN["done_arrived"])
    await doctor.sees(EN["state_arrived"])
    await doctor.page.keyboard.press("j")
    await expect(doctor.page.locator(f"#a-{here.appointment.id}")).to_have_class("arrived chosen")
    await doctor.page.keyboard.press("?")
    await expect(doctor.page.locator("#keys")).to_be_visible()
    await doctor.page.keyboard.press("Escape")
    await doctor.press_until(f"{EN['act_checked-in']}: Grace", EN["note"])
    await doctor.is_fine("desk")
    await desk.sees(EN["state_checked-in"])
    await desk.page.keyboard.press("2")
    await desk.is_at(f"{here.address}/queue")
    await desk.page.keyboard.press("1")
    await desk.page.get_by_role("link", name=f"{EN['open']}: Grace").click(timeout=PATIENCE)
    await desk.is_fine("desk")
    await _booked_again(desk, here)
