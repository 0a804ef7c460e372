"""Who hears of what a batch brings, in the batch's own unit of work: explicit lists, in the order they are told."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import failures
from app.core.database import is_unreachable
from community.home_automations.service.hearing import trigger
from community.home_care.service.noticing import notice
from community.home_commands.service.commanding import confirm
from community.home_inbox.rules import Said
from community.home_panels.service import take_presses
from community.home_states.schemas import StateChange

log = structlog.get_logger(__name__)

Follower = Callable[[AsyncSession, Sequence[StateChange]], Awaitable[object]]
Listener = Callable[[AsyncSession, Sequence[Said]], Awaitable[object]]

FOLLOWERS: Final[tuple[Follower, ...]] = (confirm, notice, trigger)
"""Commands that wait to see themselves done, care rules, automations."""
LISTENERS: Final[tuple[Listener, ...]] = (take_presses,)
"""Panels: their buttons are no device of the home's, and a hub that starts anew must be told of them."""


async def tell(session: AsyncSession, changes: Sequence[StateChange]) -> None:
    """Tell all of ``changes``; what fails with one of them, fails with the batch."""
    if changes:
        for follower in FOLLOWERS:
            await follower(session, changes)


async def tell_apart(session: AsyncSession, changes: Sequence[StateChange]) -> bool:
    """Tell each by itself, so that what fails with one does not keep the others from hearing; say whether all heard.

    Raises what is no fault of theirs: then it is tried again.
    """
    return all([await _heard(session, follower, changes) for follower in FOLLOWERS]) if changes else True


async def _heard(session: AsyncSession, follower: Follower, changes: Sequence[StateChange]) -> bool:
    try:
        async with session.begin_nested():
            await follower(session, changes)
    except Exception as error:
        if failures.is_excused(error) or is_unreachable(error):
            raise
        log.error(  # noqa: TRY400 - a traceback may hold data
            "follower_failed",
            follower=follower.__module__,
            error=failures.code_of(error),
            place=failures.place_of(error),
        )
        return False
    return True


async def press(session: AsyncSession, said: Sequence[Said]) -> None:
    """Pass on what homes said that is of no entity: presses of our panels' buttons, and hubs that start anew."""
    if said:
        for listener in LISTENERS:
            await listener(session, said)
