"""The worker of the portal by itself: a push counts as delivered once it was shown, and not before."""

from typing import Any, Final

from playwright.async_api import Browser

from app.portal.push.working import PORTAL, push_script

_WORKER: Final = push_script("/portal", PORTAL)
# The worker's own script in a page, with what a browser gives a worker written down in its place.
_PUSHED: Final = """async ({ script, fails }) => {
    const heard = {}, told = [];
    let shown = () => {};
    const self = {
        addEventListener: (name, listener) => { heard[name] = listener; },
        registration: {
            showNotification: (title) => new Promise((resolve, reject) => {
                told.push(`show ${title}`);
                shown = fails ? () => reject(new Error("not allowed")) : resolve;
            }),
        },
    };
    const fetch = async (address, { body }) => { told.push(`${address} ${JSON.parse(body).kind}`); };
    new Function("self", "fetch", script)(self, fetch);
    let wait = null;
    const message = { title: "An alarm", receipt: "r1", data: {} };
    heard.push({ data: { json: () => message }, waitUntil: (one) => { wait = one; } });
    await new Promise((resolve) => setTimeout(resolve, 0));
    const before = [...told];
    shown();
    const isFine = await wait.then(() => true, () => false);
    return { before, after: told, isFine };
}"""


async def _pushed(browser: Browser, *, fails: bool) -> Any:
    page = await browser.new_page()
    try:
        return await page.evaluate(_PUSHED, {"script": _WORKER, "fails": fails})
    finally:
        await page.close()


async def test_a_push_is_confirmed_once_it_is_shown_and_not_before(browser: Browser) -> None:
    told = await _pushed(browser, fails=False)
    assert told["before"] == ["show An alarm"]
    assert told["after"] == ["show An alarm", "/v1/push-receipts delivered"]
    assert told["isFine"]


async def test_a_push_that_could_not_be_shown_is_not_confirmed_so_that_the_next_way_is_tried(browser: Browser) -> None:
    told = await _pushed(browser, fails=True)
    assert told["after"] == ["show An alarm"]
    assert not told["isFine"]
