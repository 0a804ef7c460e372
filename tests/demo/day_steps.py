"""What each step of docs/tour.md does in its windows, by the step's heading."""

import re
from collections.abc import Awaitable, Callable
from typing import Final

from playwright.async_api import Page, expect

from app.portal.ground.demo import FACES
from tests.demo.signing_in import PATIENCE, newest_code
from tests.demo.tour_windows import Tour, Window

Drive = Callable[[Tour], Awaitable[None]]
STEPS: Final[dict[str, Drive]] = {}
_MUSEUM: Final = "Museum of Light"
_GATE: Final = "Lamp room"


def step(heading: str) -> Callable[[Drive], Drive]:
    """Register how a step is driven."""

    def register(drive: Drive) -> Drive:
        STEPS[heading] = drive
        return drive

    return register


@step("Somebody who lives here")
async def _resident(tour: Tour) -> None:
    resident = await tour.open("resident")
    await resident.page.wait_for_url("**/me")
    await resident.sees(resident.button("I need help"))
    await tour.picture("01-resident", resident)


@step("Somebody who looks after them")
async def _family(tour: Tour) -> None:
    family = await tour.open("family")
    await family.page.wait_for_url("**/portal/today")
    await family.sees(family.link("See the day of"))
    await tour.picture("02-family", family)


@step("A minute to open the other windows")
async def _others(tour: Tour) -> None:
    resident = tour["resident"]
    await resident.press("A medicine is due now", resident.done)
    await resident.press("Have me asked now", resident.done)
    for face, size, begins in (
        ("desk", "wide", "**/portal/desk"),
        ("provider", "wide", "**/portal/provider/**"),
        ("worker", "phone", "**/portal/provider/mine"),
    ):
        window = await tour.open(face, size)
        await window.page.wait_for_url(begins)
    await tour.picture("03-desk", tour["desk"])


@step("Asked, and all is well")
async def _asked(tour: Tour) -> None:
    resident, family = tour["resident"], tour["family"]
    await resident.sees("Are you all right? Please press by")
    await family.sees(re.compile("has not answered yet"))
    await tour.picture("04-asked", resident, family)
    await resident.press("I'm fine", resident.done)
    await expect(family.page.locator("h1")).not_to_contain_text("has not answered yet", timeout=PATIENCE)


@step("A dose that was missed")
async def _missed(tour: Tour) -> None:
    resident, family = tour["resident"], tour["family"]
    await family.follow("See the day of")
    await family.follow("Medicines")
    await resident.open("/me/doses")
    await resident.show(resident.page.get_by_text("missed"))
    await family.show(family.page.get_by_text("missed", exact=True))
    await tour.picture("05-missed", resident, family)
    while await (taken := resident.button("I took it: Vitamin B12")).count():
        before = await taken.count()
        await taken.first.click()
        await expect(taken).to_have_count(before - 1, timeout=PATIENCE)
    await family.sees(family.page.get_by_text(re.compile("taken", re.IGNORECASE)))


@step("Cleaning is ordered")
async def _ordered(tour: Tour) -> None:
    resident = tour["resident"]
    await resident.open("/me")
    await resident.follow("Help at home, and orders")
    await resident.lead_on(resident.page.locator("[aria-labelledby=h-order] a", has_text="Cleaning"))
    await resident.lead_on(resident.page.locator(".times a"))
    await resident.sees("Shall we order")
    await tour.picture("06-order", resident)
    await resident.press("Yes, order", resident.done)


@step("The company that helps at home")
async def _company(tour: Tour) -> None:
    resident, provider = tour["resident"], tour["provider"]
    await resident.open("/me")
    await resident.press("Somebody to clean, soon", resident.done)
    await provider.show(provider.page.get_by_text("Ralph Weaver"))
    await tour.picture("07-board", provider)


@step("Whoever comes asks for a number")
async def _worker(tour: Tour) -> None:
    resident, worker = tour["resident"], tour["worker"]
    await resident.open("/me/services")
    await resident.lead_on(resident.page.locator("#coming a.tile"))
    ahead = worker.page.locator("a.stop", has_text="You go there")
    await worker.sees(ahead)
    await worker.lead_on(ahead)
    await worker.press("I am on my way", worker.done)
    await resident.sees("On the way to you")
    number = resident.page.locator("p.code")
    code = (await number.inner_text()).strip()
    await resident.show(number)
    await tour.picture("08-code", resident, worker)
    await worker.page.get_by_label("Code").fill(code)
    await worker.press("Begin", worker.page.get_by_text("You are at work"))
    for box in await worker.page.get_by_role("checkbox").all():
        await box.check()
    await worker.press("The work is done", worker.page.get_by_text("Done", exact=True).first)
    await resident.sees("was here")


@step("A doctor by video")
async def _doctor(tour: Tour) -> None:
    resident = tour["resident"]
    await resident.open("/me")
    if not await resident.button("Join the video visit").count():
        await resident.press("A doctor by video, soon", resident.done)
    doctor = await tour.open("doctor", "wide")
    await doctor.page.wait_for_url("**/portal/clinic/**")
    await doctor.sees("Ralph Weaver")
    await tour.picture("09-clinic", doctor)
    await resident.button("Join the video visit").first.click()
    await resident.page.locator("#join").click()


@step("The doctor lets them in")
async def _let_in(tour: Tour) -> None:
    resident, doctor = tour["resident"], tour["doctor"]
    await doctor.follow("Video visits")
    waits = doctor.page.locator("[data-row]", has_text="waits").first
    await doctor.sees(waits)
    async with doctor.page.expect_popup() as opened:
        await waits.get_by_role("button", name="Enter the video room").click()
    room = Window(await opened.value, tour.url)
    tour.listen(room.page)
    await room.page.locator("#join").click()
    await room.page.locator("#waiting li[data-role=resident] [data-command=admit]").click()
    for window in (room, resident):
        await _others_move(window.page)
    await tour.picture("10-video", resident, room)
    await resident.page.locator("#leave").click()
    await room.page.locator("#end").click()


async def _others_move(page: Page) -> None:
    """Return once the page shows the other, moving."""
    moving = (
        "() => [...document.querySelectorAll('#tiles figure')].some((tile) => Number(tile.dataset.frames ?? 0) > 5)"
    )
    await page.wait_for_function(moving, timeout=PATIENCE)


@step("A carer on the road")
async def _carer(tour: Tour) -> None:
    carer = await tour.open("carer")
    await carer.page.wait_for_url("**/portal/road")
    await tour.picture("11-road", carer)
    await carer.follow("Open the visit")
    await carer.button("By my position").first.click()
    await carer.sees("You arrived at")
    for done in await carer.page.locator("form[action$=ticks] button.main").all():
        del done
        await carer.button("Done").first.click()
        await carer.page.wait_for_load_state()
    family = tour["family"]
    await family.open("/portal/today")
    await family.sees("A carer is there")


@step("A ticket for the museum")
async def _ticket(tour: Tour) -> None:
    resident = tour["resident"]
    await resident.open("/me/tickets")
    await resident.follow("Get a ticket")
    await resident.follow(_MUSEUM)
    await resident.lead_on(resident.page.locator(".choices a"))
    await resident.lead_on(resident.page.locator(".choices a"))
    await resident.button("Go on").click()
    await resident.press("Yes, buy", resident.done)
    await resident.open("/me/tickets")
    await resident.follow("Show the ticket")
    await tour.picture("12-ticket", resident)


@step("At the gate")
async def _gate(tour: Tour) -> None:
    code = await tour["resident"].page.locator("#code-text").input_value()
    gate = await tour.blank("gate")
    page = gate.page
    await gate.open("/portal/gates")
    await page.get_by_label("Phone").fill(dict(FACES)["gate"])
    await gate.button("Send").click()
    await page.locator("#sign-in-code").fill(await newest_code(page.context, tour.url, dict(FACES)["gate"]))
    await gate.button("Sign in").click()
    await page.locator("#gate-list button", has_text=_GATE).click()
    await expect(page.locator("#scan")).to_be_visible(timeout=PATIENCE)
    await page.keyboard.type(code)
    await page.keyboard.press("Enter")
    await expect(page.locator("#verdict")).to_have_attribute("data-kind", "admitted", timeout=PATIENCE)
    await tour.picture("13-gate", gate)


@step("The museum knows who is inside")
async def _museum(tour: Tour) -> None:
    museum = await tour.open("attraction", "wide")
    await museum.page.wait_for_url("**/portal/attraction")
    await museum.follow(_MUSEUM)
    await museum.sees(museum.page.locator("#inside", has_text=re.compile("[1-9]")))
    await tour.picture("14-museum", museum)


@step("A fall")
async def _fall(tour: Tour) -> None:
    resident, family, desk = tour["resident"], tour["family"], tour["desk"]
    await family.open("/portal/today")
    await resident.open("/me")
    await resident.press("Let somebody fall", resident.page.locator(".standing"))
    await family.sees(family.page.locator("h1", has_text="needs somebody now"))
    await tour.picture("15-fall", resident, family)
    await desk.sees("Ralph Weaver")
    await tour.picture("16-desk", desk)


@step("Somebody comes")
async def _comes(tour: Tour) -> None:
    resident, family = tour["resident"], tour["family"]
    await family.lead_on(family.page.locator("main a[href^='/portal/alarms/']"))
    await family.sees(family.button("I take it"))
    await family.press_away("I take it")
    await family.press_away("I am on my way")
    await resident.sees("is on the way to you")
    await tour.picture("17-comes", resident, family)
    await family.press_away("I am there")
    await family.follow("It is over")
    await family.page.get_by_label("Somebody helped, all is well").check()
    await family.press("End the alarm", family.page.get_by_text("It is over."))
    await expect(resident.page.locator(".standing")).to_have_count(0, timeout=PATIENCE)


@step("Who has looked")
async def _looked(tour: Tour) -> None:
    resident = tour["resident"]
    await resident.open("/me")
    await resident.follow("Who has looked at my data")
    looked = resident.page.locator("#h-looked")
    await looked.scroll_into_view_if_needed()
    await resident.sees(resident.page.locator("section[aria-labelledby=h-looked] article"))
    await tour.picture("18-looked", resident)
