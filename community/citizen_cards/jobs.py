"""What the worker does for cards: the operator is reminded of what waits, holders hear that a card ends."""

from datetime import timedelta
from typing import Final

from app.core.due import Due, drain
from app.core.jobs import Job
from community.citizen_cards.models import CardClaim, CitizenCard
from community.citizen_cards.service import following

UNVERIFIED: Final = Due("community.unverified_cards", CitizenCard, "verify_by")
UNDECIDED: Final = Due("community.undecided_card_claims", CardClaim, "decide_by")
ENDING: Final = Due("community.ending_cards", CitizenCard, "warn_at")


async def remind_to_verify() -> int:
    """Tell the operator of cards that nobody has verified; return of how many."""
    return await drain(UNVERIFIED, following.remind_to_verify)


async def remind_to_decide() -> int:
    """Tell the operator of cards that two have linked; return of how many."""
    return await drain(UNDECIDED, following.remind_to_decide)


async def warn() -> int:
    """Tell holders that their cards end soon; return of how many."""
    return await drain(ENDING, following.warn)


JOBS: Final = (
    Job(UNVERIFIED.name, timedelta(minutes=5), remind_to_verify),
    Job(UNDECIDED.name, timedelta(minutes=5), remind_to_decide),
    Job(ENDING.name, timedelta(minutes=15), warn),
)
