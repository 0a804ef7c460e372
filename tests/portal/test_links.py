"""Links that leave the pages: to a phone, and to a map."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from app.core.settings import settings
from app.portal.ground.asking import Refused
from app.portal.ground.calling import numbers_of
from app.portal.ground.links import Place, call_link
from app.portal.ground.wording import begun, isolated


@pytest.mark.parametrize(
    ("number", "dialled"),
    [("+12025550100", "tel:+12025550100"), ("+1 (202) 555-0101", "tel:+12025550101"), ("120", "tel:120")],
)
def test_a_phone_is_given_what_it_can_dial(number: str, dialled: str) -> None:
    assert call_link(number) == dialled


def test_a_place_is_opened_by_the_phone_s_own_map_or_on_the_web() -> None:
    place = Place(1.5, -2)
    assert place.geo == "geo:1.500000,-2.000000?q=1.500000,-2.000000"
    assert place.web == "https://www.openstreetmap.org/?mlat=1.500000&mlon=-2.000000#map=17/1.500000/-2.000000"


def test_a_text_begins_large_and_a_name_ends_what_it_turned() -> None:
    assert [begun(text) for text in ("fall", "SOS", "", "跌倒")] == ["Fall", "SOS", "", "跌倒"]
    assert isolated("a\u202eb") == "\u2068a\u202eb\u2069"


async def test_where_the_community_cannot_say_whom_to_phone_the_installation_does() -> None:
    async def nobody(_: str) -> None:
        raise Refused(503, {"code": "unavailable", "status": 503})

    visit = cast("Any", SimpleNamespace(api=SimpleNamespace(get=nobody)))
    assert (await numbers_of(visit)) == settings().sos.model_dump()
    assert (await numbers_of(visit))["emergency_numbers"]
