"""The two minutes in the portal that docs/portal.md promises, gone through by a browser on a phone."""

from contextlib import suppress

from playwright.async_api import Page, async_playwright, expect
from playwright.async_api import TimeoutError as TookTooLong

from tests.browser.conftest import chromium
from tests.demo.signing_in import PATIENCE, sign_in


async def walk(url: str) -> None:
    """Sign in as somebody's family, let them fall, and see the alarm to its end; nothing may be complained of."""
    complaints: list[str] = []
    async with async_playwright() as playwright:
        browser = await chromium(playwright)
        context = await browser.new_context(viewport={"width": 360, "height": 740}, has_touch=True, locale="en")
        context.set_default_timeout(PATIENCE)
        page = await context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("response", lambda answer: complaints.append(answer.url) if answer.status >= 400 else None)
        await sign_in(page, url, "family")
        await page.wait_for_url("**/portal/today")
        await _handle_an_alarm(page)
        await browser.close()
    assert complaints == []


async def _press(page: Page, press: str, then: str) -> None:
    """Press as anybody would: once more where the page has just changed under the thumb, which takes no press."""
    for _ in range(5):
        with suppress(AssertionError, TookTooLong):
            await page.get_by_role("button", name=press, exact=True).click(timeout=10_000)
            await expect(page.locator(".done")).to_contain_text(then, timeout=10_000)
            return
    await expect(page.locator(".done")).to_contain_text(then, timeout=PATIENCE)


async def _handle_an_alarm(page: Page) -> None:
    await page.get_by_role("button", name="Let somebody fall").click()
    await page.wait_for_url("**/portal/alarms/*")
    for press, then in (
        ("I take it", "You have it."),
        ("I am on my way", "You are on your way."),
        ("I am there", "You are there."),
    ):
        await _press(page, press, then)
    await page.get_by_role("link", name="It is over").click()
    await page.get_by_label("Somebody helped, all is well").check()
    await page.get_by_role("button", name="End the alarm").click()
    await expect(page.locator(".done")).to_contain_text("It is over.", timeout=PATIENCE)
    await page.get_by_role("link", name="Today").first.click()
    await expect(page.locator("h1")).not_to_contain_text("needs somebody now", timeout=PATIENCE)
