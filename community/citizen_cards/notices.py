"""What people are told of cards: that, never of which kind; it may say what somebody lives with."""

from datetime import timedelta
from typing import Final

from notifications.api import Category, Kind, Notice

CARDS: Final = Category(key="citizen_cards", names={"en": "Cards", "zh-CN": "证卡"})


def _notice(name: str, variables: dict[str, Kind]) -> Notice:
    return Notice(
        key=f"community.{name}",
        category=CARDS.key,
        urgency="normal",
        channels=("push", "inbox"),
        mode="first",
        package="community.citizen_cards",
        variables=variables,
        useful_for=timedelta(days=7),
    )


VERIFIED: Final = _notice("card_verified", {"resident": "resident"})
REFUSED: Final = _notice("card_refused", {"resident": "resident"})
ENDING: Final = _notice("card_ending", {"resident": "resident", "last_day": "date"})
TAKEN: Final = _notice("card_taken", {"resident": "resident"})
REJECTED: Final = _notice("card_claim_rejected", {"resident": "resident"})
"""What the holder hears, and whoever linked the card for them."""

TO_VERIFY: Final = _notice("cards_to_verify", {})
TO_DECIDE: Final = _notice("cards_to_decide", {})
"""What the operator hears, who has to look."""
