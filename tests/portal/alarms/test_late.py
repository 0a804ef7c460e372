"""A call for help that arrives long after it was pressed, on the pages of whoever answers it."""

from datetime import timedelta

import pytest
from fastapi import FastAPI

from app.core import clock as clocks
from app.core.clock import ManualClock
from app.core.database import unit_of_work
from app.identity.models import Account
from eldercare.alarms.models import AlarmKind, Severity
from eldercare.alarms.rules import Place
from tests.factories import eldercare_alarms as alarms
from tests.factories import eldercare_desk as desks
from tests.portal.alarms.test_pages import words_on
from tests.portal.ground import visitor

pytestmark = pytest.mark.usefixtures("client")

AT_THE_DESK = ("/portal/desk", "/portal/desk/alarms/{}")
BY_THE_CIRCLE = ("/portal/alarms", "/portal/alarms/{}")


@pytest.mark.parametrize(
    ("language", "pressed", "place"),
    [
        ("en", "Pressed Sat, Feb 28, {time}, arrived only {now}.", "2 days before the alarm."),
        ("zh-CN", "2月28日周六, {time}按下，{now}才送达。", "早2天。"),
    ],
)
async def test_every_page_says_when_it_was_pressed_and_how_old_its_place_is(
    app: FastAPI, clock: ManualClock, language: str, pressed: str, place: str
) -> None:
    scene = await alarms.scene()
    await desks.shift(scene.desk)
    alarm = await alarms.raised(
        scene.resident,
        kind=AlarmKind.SOS,
        severity=Severity.CRITICAL,
        occurred_at=clock.now() - timedelta(days=2),
        place=Place(31.2, 121.4),
    )
    await alarms.climb()

    async def shown(person: Account, path: str) -> str:
        async with unit_of_work() as session:
            (await session.get_one(Account, person.id)).language = language
        async with visitor(app, person, language=language) as browser:
            page = await browser.get(path.format(alarm.id))
        assert page.status_code == 200, page.text
        return words_on(page).replace("\u202f", " ")

    time = "4:00 PM" if language == "en" else "16:00"
    said = pressed.format(time=time, now=time)
    for person, paths in ((scene.desk, AT_THE_DESK), (scene.circle[0], BY_THE_CIRCLE)):
        for path in paths:
            text = await shown(person, path)
            assert said in text, (path, text)
            assert (place in text) == path.endswith("{}"), (path, text)
    assert clocks.now() == alarm.raised_at
