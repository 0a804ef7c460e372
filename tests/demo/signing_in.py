"""Signing in to the portal of the demo, as a visitor does: whom to be is pressed, and the code is in another tab."""

import re
from contextlib import suppress
from typing import Final

from playwright.async_api import BrowserContext, Page, expect
from playwright.async_api import TimeoutError as TookTooLong

from app.portal.ground.demo import FACES

PATIENCE: Final = 150_000
_PATIENCES: Final = (40_000, 40_000, PATIENCE)
_NUMBERS = dict(FACES)


async def sign_in(page: Page, url: str, face: str) -> None:
    """Sign in as one of those the demo offers, and wait for where they begin."""
    await page.get_by_label("The six digits").fill(await _code_for(page, url, face))
    await page.get_by_role("button", name="Sign in", exact=True).click()
    await page.wait_for_url(lambda address: "sign-in" not in address, timeout=PATIENCE)


async def _code_for(page: Page, url: str, face: str) -> str:
    """Return the code that was sent; where none comes, which a machine may do that just started, ask once more."""
    for patience in _PATIENCES:
        with suppress(AssertionError, TookTooLong):
            await page.goto(f"{url}/portal")
            await page.get_by_role("button", name=_NUMBERS[face]).click(timeout=patience)
            code_is_there = page.get_by_role("link", name="Your code is here")
            async with page.expect_popup(timeout=patience) as opened:
                await code_is_there.click(timeout=patience)
            return await _code_in(await opened.value, patience=patience)
    raise AssertionError(f"no code came for {face}")


async def newest_code(context: BrowserContext, url: str, number: str) -> str:
    """Return the newest code that was sent to a number, as it stands on the page of what would be sent."""
    outbox = await context.new_page()
    await outbox.goto(f"{url}/demo/outbox")
    return await _code_in(outbox, number)


async def _code_in(outbox: Page, of: str = "", patience: float = PATIENCE) -> str:
    messages = f"xpath=//h2[contains(., '{of}')]/following-sibling::article" if of else "article"
    message = outbox.locator(messages).first
    await expect(message).to_contain_text(re.compile(r"\d{6}"), timeout=patience)
    code = re.search(r"\b\d{6}\b", await message.inner_text())
    assert code is not None
    await outbox.close()
    return code[0]
