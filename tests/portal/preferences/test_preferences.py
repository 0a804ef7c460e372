"""One's own choices: what is chosen is kept, and what is wrong changes nothing."""

from fastapi import FastAPI

from app.core.database import Database
from app.portal.preferences.texts import WORDS
from tests.factories import identity
from tests.portal.ground import form_on, submit, visitor

PAGE = "/portal/me/preferences"


async def test_quiet_hours_and_a_digest_are_kept(app: FastAPI, database: Database) -> None:
    account = await identity.account(await identity.community(), name="Somebody")
    async with visitor(app, account) as browser:
        form = form_on(await browser.get(PAGE), f"{PAGE}/notices")
        digest = next(name for name in form if name.startswith("digest-"))
        category = digest.removeprefix("digest-")
        chosen = {"quiet_begins": "22:00", "quiet_ends": "07:00", digest: "daily", f"at-{category}": "18:30"}
        kept = await submit(browser, PAGE, f"{PAGE}/notices", **chosen)
        assert kept.headers["location"] == f"{PAGE}?done=kept"
        shown = form_on(await browser.get(PAGE), f"{PAGE}/notices")
        assert {name: shown[name] for name in chosen} == chosen
        stale = await browser.post(f"{PAGE}/notices", data=form)
        assert stale.status_code == 412
        assert WORDS["en"]["trouble_stale_version"] in stale.text
        wrong = await submit(browser, PAGE, f"{PAGE}/notices", quiet_begins="late", quiet_ends="07:00")
        assert wrong.status_code == 422
        assert form_on(await browser.get(PAGE), f"{PAGE}/notices")["quiet_begins"] == "22:00"


async def test_quiet_hours_filled_in_by_half_are_refused_and_the_old_stay(app: FastAPI, database: Database) -> None:
    account = await identity.account(await identity.community(), name="Somebody")
    async with visitor(app, account) as browser:
        await submit(browser, PAGE, f"{PAGE}/notices", quiet_begins="22:00", quiet_ends="07:00")
        for half in (
            {"quiet_ends": ""},
            {"weekend_begins": "23:00"},
            {"quiet_begins": "", "quiet_ends": "", "weekend_ends": "09:00"},
        ):
            assert (await submit(browser, PAGE, f"{PAGE}/notices", **half)).status_code == 422
        assert form_on(await browser.get(PAGE), f"{PAGE}/notices")["quiet_ends"] == "07:00"
        emptied = {"quiet_begins": "", "quiet_ends": ""}
        assert (await submit(browser, PAGE, f"{PAGE}/notices", **emptied)).status_code == 303


async def test_the_language_changes_with_the_next_page(app: FastAPI, database: Database) -> None:
    account = await identity.account(await identity.community(), name="Somebody")
    async with visitor(app, account) as browser:
        await submit(browser, PAGE, f"{PAGE}/account", language="zh-CN", time_zone="Asia/Shanghai")
        page = await browser.get(f"{PAGE}?done=kept")
        assert WORDS["zh-CN"]["done_kept"] in page.text
        assert '<html lang="zh-CN"' in page.text
        wrong = await submit(browser, PAGE, f"{PAGE}/account", language="xx", time_zone="Nowhere/None")
        assert wrong.status_code == 422
