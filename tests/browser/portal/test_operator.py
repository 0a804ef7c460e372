"""The operator's pages in a real browser: followed as they run."""

from typing import Final

from playwright.async_api import expect

from tests.browser.portal.windows import PATIENCE, Windows
from tests.factories import identity

PAGE: Final = "/portal/operator"


async def test_an_announcement_is_followed_while_it_is_written(open_windows: Windows) -> None:
    community = await identity.community()
    operator = await identity.organization(community)
    await identity.agreement(operator)
    boss = await identity.staff(operator, "operator", name="Boss")
    for number in range(3):
        await identity.resident(community, name=f"Resident {number}")
    window = await open_windows.of(boss)
    await window.open(f"{PAGE}/broadcasts/new")
    await window.page.get_by_label("Everybody in the community").check()
    await window.page.locator("#f-title_en").fill("The lift")
    await window.page.locator("#f-body_en").fill("It works again.")
    await window.press("Look at it")
    await window.sees("would be reached at the moment")
    await window.press("Announce it")
    await expect(window.page.locator("main .badge").first).to_have_text("Written to all", timeout=PATIENCE)
    await window.is_accessible()
    await window.press("Stop it…")
    await window.press("Stop it")
    await window.sees("The announcement was stopped.")
