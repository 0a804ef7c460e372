"""What can go wrong with made-up cards."""

from app.core.problems import Conflict


class MadeUpCardRefused(Conflict):
    """The made-up bank says no; ``reason`` is its code."""

    code, title = "made_up_card_refused", "The made-up card was refused"
