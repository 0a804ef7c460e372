"""What every page of an attraction knows: which one it is, who looks, its own clock, and how money is written."""

import asyncio
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import cached_property
from typing import Any, Final
from zoneinfo import ZoneInfo

from babel.numbers import get_currency_precision
from starlette.responses import Response

from app.portal.attraction.texts import WORDS
from app.portal.ground.asking import Refused
from app.portal.ground.changing import FINE, SHOWN_AGAIN, Wrong, trouble_of
from app.portal.ground.moments import day_named, money
from app.portal.ground.pages import show, words_of
from app.portal.ground.their import Their
from app.portal.ground.visits import Visit
from app.portal.ground.wording import worded

PREFIX: Final = "/portal/attraction"
KIND: Final = "attraction"
_TABS: Final = ("overview", "days", "office", "gates")
_KEEPERS_TABS: Final = ("overview", "days", "office", "gates", "cancellations", "products", "sales", "edit", "hours")
_LARGEST: Final = Decimal(1_000_000)


@dataclass(eq=False)
class Place:
    """An attraction, as somebody who works for it sees it."""

    visit: Visit
    organization_id: uuid.UUID
    attraction_id: uuid.UUID
    attraction: Mapping[str, Any]

    @property
    def base(self) -> str:
        """Where its pages are."""
        return f"{PREFIX}/{self.organization_id}/{self.attraction_id}"

    @property
    def of(self) -> str:
        """Where the API keeps what is its organization's."""
        return f"/v1/organizations/{self.organization_id}"

    @property
    def api(self) -> str:
        """Where the API keeps it."""
        return f"{self.of}/attractions/{self.attraction_id}"

    @property
    def name(self) -> str:
        """What it is called, in the visitor's language if it can be."""
        return worded(self.attraction["name"], self.visit.language)

    @cached_property
    def their(self) -> Their:
        """Its own clock, in the visitor's language."""
        return Their(self.visit.language, ZoneInfo(self.attraction["time_zone"]))

    @cached_property
    def is_keeper(self) -> bool:
        """Say whether the visitor says what it sells; the API decides, and pages show what it would allow."""
        return self.visit.is_operator or any(
            one.organization_id == self.organization_id and one.role == "coordinator"
            for one in self.visit.actor.memberships
        )

    @property
    def topic(self) -> str:
        """By which its live parts are told of."""
        return f"attractions:{self.organization_id}"

    @property
    def words(self) -> Mapping[str, str]:
        """The words of these pages in the visitor's language."""
        return words_of(WORDS, self.visit.language)

    def tabs(self) -> list[tuple[str, str, str]]:
        """Return its pages: key, address and name."""
        keys = _KEEPERS_TABS if self.is_keeper else _TABS
        return [
            (key, self.base if key == "overview" else f"{self.base}/{key}", WORDS[self.visit.language][f"tab_{key}"])
            for key in keys
        ]

    def money(self, amount: int, currency: str) -> str:
        """Return an amount of minor units as the visitor writes it."""
        return money(self.visit.language, amount, currency)

    def moneys(self, amounts: Mapping[str, int]) -> str:
        """Return amounts of several currencies; nothing is a dash."""
        written = [self.money(amount, currency) for currency, amount in sorted(amounts.items())]
        return self.words["joined_by"].join(written) or "–"

    def day_of(self, text: str) -> date:
        """Return a day of its calendar that an address names, today for what is none."""
        return day_named(text) or self.their.today()

    def midnight(self, day: date) -> datetime:
        """Return when a day begins on its wall."""
        return self.their.midnight(day)

    def span(self, first: date, days: int = 1) -> dict[str, str]:
        """Return days of its calendar as the API is asked for them."""
        return {
            "from": self.midnight(first).isoformat(),
            "to": self.midnight(first + timedelta(days=days)).isoformat(),
        }

    async def get(self, path: str, **query: Any) -> Any:
        """Return what the API says of it."""
        return await self.visit.api.get(f"{self.api}/{path}", **query)

    async def pages(self, path: str, most: int, **query: Any) -> list[Any]:
        """Return at most so many items of a list of its."""
        return await self.visit.api.pages(f"{self.api}/{path}", most, **query)

    async def slots(self, first: date, days: int = 1, most: int = 800) -> list[Any]:
        """Return its slots of some days, with what is sold of them."""
        return await self.pages("slot-sales", most, **self.span(first, days))

    async def products(self) -> dict[str, Any]:
        """Return what it sells, by id."""
        return {one["id"]: one for one in await self.pages("ticket-products", 200)}

    def show(self, template: str, tab: str, *, status: int = 200, **values: Any) -> Response:
        """Return one of its pages."""
        given = {"wrong": FINE, **values}
        return show(self.visit, f"attraction/{template}", WORDS, status=status, place=self, tab=tab, **given)


async def place_of(visit: Visit, organization_id: uuid.UUID, attraction_id: uuid.UUID) -> Place:
    """Return the attraction an address names; raises ``Refused`` for whom the API refuses it."""
    attraction = await visit.api.get(f"/v1/organizations/{organization_id}/attractions/{attraction_id}")
    return Place(visit, organization_id, attraction_id, attraction)


async def mine(visit: Visit) -> list[tuple[str, Any]]:
    """Return the attractions the visitor works for, or oversees, each with its organization's id."""
    if visit.is_operator:
        known = await visit.api.pages("/v1/organizations", 500)
        organizations = [one["id"] for one in known if one["kind"] == KIND]
    else:
        held = [str(one.organization_id) for one in visit.actor.memberships if one.organization_kind == KIND]
        organizations = list(dict.fromkeys(held))
    lists = await asyncio.gather(
        *(visit.api.pages(f"/v1/organizations/{one}/attractions", 100) for one in organizations)
    )
    return [(one, attraction) for one, found in zip(organizations, lists, strict=True) for attraction in found]


def wrong_of(visit: Visit, refused: Refused) -> Wrong:
    """Return what a page says of a refusal; raises it again where that is no matter of what was filled in."""
    if refused.status not in SHOWN_AGAIN:
        raise refused
    words = words_of(WORDS, visit.language)
    text = trouble_of(visit, refused, WORDS).said if f"trouble_{refused.code}" in words else words["trouble_422"]
    told = {".".join(one["pointer"].split("/")[2:]): one["detail"] for one in refused.problem.get("errors", ())}
    if visit.language != "en":
        # The API's own sentences are English: whoever reads another language is told which field it is.
        told = dict.fromkeys(told, words["wrong_field"])
    if refused.status == 409 and f"trouble_{refused.code}" not in words:
        text = words["trouble_409"]
    if refused.status == 412:
        text = words["trouble_412"]
    return Wrong(text, told, refused.status)


def plain(amount: int | None, currency: str) -> str:
    """Return an amount of minor units as it stands in a field."""
    return "" if amount is None else str(Decimal(amount).scaleb(-get_currency_precision(currency)))


def minor(text: str, currency: str) -> int | None:
    """Return an amount that was typed in minor units; ``None`` for what is no amount."""
    try:
        value = Decimal(text.strip().replace(",", "."))
        found = value.scaleb(get_currency_precision(currency))
    except InvalidOperation:
        return None
    if not value.is_finite() or not 0 <= value <= _LARGEST or found != found.to_integral_value():
        return None
    return int(found)


def both(given: Mapping[str, str]) -> dict[str, str]:
    """Return texts of two fields by language, without those that are empty."""
    return {language: text for language, text in given.items() if text}
