"""The picture of a ticket in the guide is what becomes of tickets: every arrow of it is walked, and no other."""

import re
import uuid
from collections.abc import Awaitable
from pathlib import Path
from typing import Any, Final, get_args

import sqlalchemy as sa

from app.core.clock import ManualClock
from app.core.database import reading, unit_of_work
from community.ticket_orders.models import TICKETS
from community.ticket_orders.rules import TicketState
from community.ticket_orders.service.admitting import mark_admitted
from tests.community.orders.test_paying import card_of
from tests.community.ticket_orders.conftest import PRICE, Body, Scene, by_card, work

_GUIDE: Final = (Path(__file__).parents[3] / "docs/tourism.md").read_text()
_NOT_YET: Final = "[*]"


class _Walked:
    """Which ways tickets have gone."""

    def __init__(self) -> None:
        self.ways: set[tuple[str, str]] = set()
        self._stood: dict[Any, str] = {}

    async def by(self, doing: Awaitable[Any]) -> Any:
        """Return what came of doing something, having seen which tickets it changed."""
        answer = await doing
        async with reading() as connection:
            stand = {row.id: row.state for row in await connection.execute(sa.select(TICKETS.c.id, TICKETS.c.state))}
        changed = {(self._stood.get(one, _NOT_YET), state) for one, state in stand.items()}
        self.ways |= {(before, after) for before, after in changed if before != after}
        self._stood = stand
        return answer


async def test_every_arrow_of_the_picture_of_a_ticket_is_walked_and_no_other(scene: Scene, clock: ManualClock) -> None:
    picture = re.search(r"```mermaid\nstateDiagram-v2\n(.*?)```", _GUIDE, re.DOTALL)
    assert picture
    drawn = set(re.findall(r"^ +(\S+) --> (\S+?)(?:: .+)?$", picture[1], re.MULTILINE))
    over = {(before, after) for before, after in drawn if after == _NOT_YET}
    walked = _Walked()
    await _bought_by_card(scene, walked)
    used = await walked.by(scene.bought(is_another=True))
    back = await walked.by(scene.bought(scene.item(slot=1)))
    await walked.by(scene.bought(scene.item(slot=2)))
    await walked.by(_admitted(used, clock))
    await walked.by(scene.given_back(back["orders"][0], amount=PRICE))
    slot = scene.offered.slots[2].id
    path = f"/v1/organizations/{scene.museum.id}/ticket-slots/{slot}/cancellation"
    await scene.ask("POST", path, {"reason": "weather"}, by=scene.keeper)
    await walked.by(work())
    assert walked.ways == drawn - over
    states = set(get_args(TicketState))
    assert {state for state, _ in over} == states - {before for before, _ in walked.ways}


async def _bought_by_card(scene: Scene, walked: _Walked) -> None:
    """Buy so that the bank is not waited for, says yes, and says no."""
    card = await card_of(scene.grace.account_id, scene.place.id, "4242")
    own: dict[str, Any] = {"payment_method": "card", "payment_method_id": card}
    given_up = await walked.by(scene.bought(**own))
    await walked.by(scene.given_back(given_up["orders"][0], amount=0))
    await walked.by(scene.bought(**own))
    await walked.by(work())
    await walked.by(by_card(scene, "9995", is_daughters=True, is_another=True))
    await walked.by(work())


async def _admitted(cart: Body, clock: ManualClock) -> None:
    async with unit_of_work() as session:
        await mark_admitted(session, [(uuid.UUID(cart["orders"][0]["tickets"][0]["id"]), clock.now())])
