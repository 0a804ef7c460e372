"""A morning of the operator: somebody is found, a file is tried, what stood still goes on, and who looked is told."""

from playwright.async_api import expect

from app.portal.ground.texts import COMMON as GROUND
from app.portal.operator.texts import WORDS
from app.portal.viewing.texts import WORDS as VIEWING
from tests.browser.portal.windows import PATIENCE, Windows
from tests.browser.portal.world import world
from tests.policies.journeys.operations.test_parked_items import park_fact
from tests.portal import hostile

EN, VIEW = WORDS["en"], VIEWING["en"]
PAGE = "/portal/operator"
FILE = f'reference,name,mobile\nN-1,"{hostile.GERMAN}",+8613800000301\nN-2,,nonsense\n'


async def test_a_morning_of_the_operator(open_windows: Windows) -> None:
    scene = await world()
    await park_fact(scene.community)
    window = await open_windows.of(scene.boss, "desk", second_factor=True)

    await window.open(f"{PAGE}/residents")
    await window.page.locator("#f-query").fill("R-1")
    await window.press(GROUND["en"]["search"])
    await window.page.locator(f'main a[href="{PAGE}/residents/{scene.first.id}"]').click(timeout=PATIENCE)
    await window.sees(EN["resident_record"])
    await window.press(EN["resident_trail"])
    await window.sees(EN["audit_looked"])

    await window.open(f"{PAGE}/imports")
    upload = {"name": "residents.csv", "mimeType": "text/csv", "buffer": FILE.encode()}
    await window.page.locator("#f-file").set_input_files(upload)  # type: ignore[arg-type]
    await window.press(EN["import_check"])
    await window.sees(EN["import_would"])
    await window.sees(EN["import_errors"])
    await window.press(EN["import_now"].format(count=1))
    await window.sees(EN["import_done"])
    await window.open(f"{PAGE}/residents?query=N-1")
    await window.sees(hostile.GERMAN)

    await window.open(f"{PAGE}/parked")
    await window.sees("tests.listener")
    await window.page.locator('form[action$="/replay"] button').first.click()
    await expect(window.page.locator("main .done:visible, main .trouble:visible").first).to_be_visible(timeout=PATIENCE)

    await window.open(f"{PAGE}/view-as?resident={scene.second.id}")
    await window.page.locator(f'input[name="account"][value="{scene.relative.id}"]').check()
    await window.page.locator("#f-reason").fill(hostile.QUOTES + " does not find the messages")
    await window.press(VIEW["begin"])
    banner = window.page.locator(".viewing")
    await expect(banner).to_contain_text(scene.relative.name, timeout=PATIENCE)
    await window.open(f"/portal/alarms/{scene.alarm.id}")
    await expect(banner).to_be_visible()
    await expect(window.page.locator("main form")).to_have_count(0)
    await window.is_accessible()
    await banner.locator("button").click()
    await window.sees(VIEW["done_stopped"])
    await expect(banner).to_have_count(0)
