"""Every page of the portal in every look: on a phone and at a desk, zoomed in, light and dark, English and Chinese."""

import asyncio
import re
from collections.abc import Iterable
from itertools import cycle
from pathlib import Path
from typing import Final

import pytest
import sqlalchemy as sa
from fastapi.routing import APIRoute

from app import assembly
from app.core.database import unit_of_work
from app.identity.models import Account
from tests.browser.portal.judged import JUDGED, LEADING_ON, WALKED
from tests.browser.portal.windows import Size, Window, Windows
from tests.browser.portal.world import World, person_of, world
from tests.policies.journeys.operations.test_parked_items import park_fact
from tests.portal import hostile
from tests.portal.test_matrix import address_in, telling_world

_NO_PAGE: Final = re.compile(
    r"/part$|\.(js|svg|webmanifest|pdf|csv)$|/live$|/callback$|/sign-in/login$|/\{name\}$|/outbox/person$"
)
"""What pages fetch, or what leads elsewhere."""
_MADE_BY_A_FORM: Final = {
    # These stand behind a form, and are looked at where somebody goes that way.
    "/portal/alarms/{alarm_id}/take-over",
    "/portal/operator/broadcasts/{broadcast_id}",
    "/portal/operator/broadcasts/{broadcast_id}/cancellation",
    "/portal/operator/organizations/{organization_id}/invitations/{invitation_id}/revoke",
    "/portal/operator/plans/{plan_id}/activation",
    # An app of somebody else leads here; what it shows without one is a sentence.
    "/portal/authorize",
}
_LINKS: Final = """() => [...document.querySelectorAll("a[href^='/portal']")].map((one) => one.getAttribute("href"))"""
_ROUTES: Final = [
    route
    for router in assembly.ROUTERS
    for route in router.routes
    if isinstance(route, APIRoute) and "GET" in (route.methods or ()) and re.match(r"/(portal|me)(/|$)", route.path)
]
_ALL: Final = {route.path for route in _ROUTES if not _NO_PAGE.search(route.path)}
PAGES: Final = _ALL - {*WALKED, *LEADING_ON}.union(*JUDGED.values())
"""What is met on the walk: any other page has to be listed where somebody judges it."""


def page_of(address: str) -> str | None:
    """Return which page of ours is at an address, by its route; ``None`` where there is none."""
    path = address.partition("?")[0].partition("#")[0]
    for route in _ROUTES:
        if route.path_regex.match(path):
            return route.path if route.path in PAGES else None
    return None


class Walk:
    """Somebody who opens the pages they are led to, each once."""

    def __init__(self, size: Size, seen: set[str] | None) -> None:
        """Remember in ``seen`` what was opened; without it no link is followed."""
        self._size: Size = size
        self._seen = seen
        self.troubles: list[str] = []

    async def through(self, window: Window, addresses: Iterable[str]) -> None:
        """Open these pages and whatever they lead to that nobody has opened yet, and judge each."""
        ahead = list(addresses)
        while ahead:
            address = ahead.pop(0)
            await window.open(address)
            try:
                await window.is_fine(self._size, is_met_on_a_phone=True)
            except AssertionError as trouble:
                self.troubles.append(str(trouble))
            if self._seen is None:
                continue
            self._seen.add(page_of(address) or address)
            for link in await window.page.evaluate(_LINKS):
                page = page_of(link)
                if page is not None and page not in self._seen:
                    self._seen.add(page)
                    ahead.append(link)


async def speak(language: str, *people: Account) -> None:
    """Let people read this language."""
    async with unit_of_work() as session:
        ids = [one.id for one in people]
        await session.execute(sa.update(Account).where(Account.id.in_(ids)).values(language=language))  # type: ignore[attr-defined]


async def called(people: Iterable[Account]) -> None:
    """Call people what nobody is called."""
    async with unit_of_work() as session:
        for person, name in zip(people, cycle(hostile.NAMES), strict=False):
            (await session.get_one(Account, person.id)).name = name[:100]


def of_relative(scene: World) -> list[str]:
    """Return what a relative is led to only in another state than the world's."""
    about = f"/portal/residents/{scene.first.id}"
    return [
        "/portal/today",
        about,
        *(f"{about}/{tab}" for tab in ("timeline", "vitals", "doses", "visits", "home", "appointments", "circle")),
        f"{about}/visits/{scene.visit_id}",
        f"/portal/alarms/{scene.alarm.id}",
        f"/portal/alarms/{scene.alarm.id}/resolution",
        "/portal/alarms?part=past",
        "/portal/today/people?group=needs",
        "/portal/me/preferences",
        "/portal/sign-in/second-factor?next=/portal/me",
        f"/portal/circles/{scene.first.id}/messages",
    ]


def of_desk(scene: World) -> list[str]:
    """Return what somebody at the desk opens."""
    return ["/portal/desk", f"/portal/desk/alarms/{scene.alarm.id}", f"/portal/alarms/{scene.alarm.id}"]


def of_boss(scene: World) -> list[str]:
    """Return where the operator begins."""
    operator = "/portal/operator"
    return [
        operator,
        f"{operator}/residents/{scene.first.id}",
        f"{operator}/organizations/{scene.operator.id}",
        f"{operator}/parked/replay?kind=event",
        f"{operator}/view-as?resident={scene.first.id}",
        f"{operator}/plans/new",
        f"{operator}/settings/holidays/2026",
    ]


def test_what_is_judged_elsewhere_is_there() -> None:
    judged = [*WALKED, *LEADING_ON, *(page for pages in JUDGED.values() for page in pages)]
    assert set(judged) <= _ALL
    assert len(judged) == len(set(judged))
    assert [name for name in JUDGED if not (Path(__file__).parent / f"{name}.py").is_file()] == []


@pytest.mark.parametrize(("size", "language"), [("phone", "en"), ("desk", "zh-CN")])
async def test_pages_no_journey_leads_through_can_be_read(open_windows: Windows, size: Size, language: str) -> None:
    scene = await telling_world()
    people = [scene.people[actor] for actor in {*WALKED.values()} if actor in scene.people]
    await speak(language, *people)
    await called(people)
    walk = Walk(size, None)

    async def of(actor: str) -> None:
        account = scene.people.get(actor)
        window = await open_windows.of(account, size, language=language, second_factor=account is not None)
        await walk.through(window, [address_in(scene, page) for page, one in WALKED.items() if one == actor])

    await asyncio.gather(*map(of, {*WALKED.values()}))
    assert not walk.troubles, "\n".join(walk.troubles)


@pytest.mark.parametrize(("size", "language"), [("phone", "en"), ("desk", "zh-CN")])
async def test_every_page_can_be_read_by_everybody(open_windows: Windows, size: Size, language: str) -> None:
    scene = await world()
    await park_fact(scene.community)
    resident = await person_of(scene.first)
    await speak(language, scene.relative, scene.brother, scene.desk, scene.boss, scene.carer, resident)
    seen: set[str] = set()
    walk = Walk(size, seen)

    async def of(account: Account | None, addresses: Iterable[str], *, second_factor: bool = False) -> None:
        window = await open_windows.of(account, size, language=language, second_factor=second_factor)
        await walk.through(window, addresses)

    mine = f"/portal/residents/{scene.first.id}"
    await asyncio.gather(
        of(scene.relative, of_relative(scene)),
        of(scene.boss, of_boss(scene), second_factor=True),
    )
    await asyncio.gather(
        of(resident, ("/portal", mine, f"{mine}/consent", f"{mine}/circle")),
        of(scene.desk, of_desk(scene)),
        of(scene.brother, ("/portal/circles",)),
        of(scene.carer, ("/portal/today", mine)),
        of(None, ("/portal/sign-in", "/portal/sign-in/code", "/portal/gates", "/portal/video-visits")),
    )
    assert not walk.troubles, "\n".join(walk.troubles)
    assert PAGES - seen - _MADE_BY_A_FORM == set()
