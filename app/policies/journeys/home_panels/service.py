"""Carrying presses to eldercare, and what eldercare knows to the panels of those it is known of."""

import uuid
from collections.abc import Collection, Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from community import api as community
from community.home_events import HomePanelPressed
from eldercare import api as eldercare


async def follow_presses(session: AsyncSession, presses: Sequence[HomePanelPressed]) -> None:
    """Call for help for who pressed for it, and take the word of who says that all is well, in the order pressed."""
    for fact in sorted(presses, key=lambda fact: (fact.occurred_at, fact.id)):
        press = eldercare.Press(
            id=fact.id,
            community_id=fact.community_id,
            resident_id=fact.resident_id,
            panel_id=fact.aggregate_id,
            pressed_at=fact.occurred_at,
        )
        if fact.button == "sos":
            await eldercare.call_for_help(session, press)
        else:
            await eldercare.say_fine(session, press)


async def show(session: AsyncSession, resident_ids: Collection[uuid.UUID]) -> None:
    """Let the panels of residents show how things stand; of those without one nothing is read."""
    connection = await session.connection()
    having = await community.with_panels(connection, resident_ids)
    if not having:
        return
    ahead = await eldercare.care_ahead(connection, having)
    shown = {
        resident_id: community.Ahead(alarm=one.alarm, dose=one.dose, visit=one.visit)
        for resident_id, one in ahead.items()
    }
    await community.show_on_panels(session, shown)
