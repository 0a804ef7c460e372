"""When something was done at a home, as a phone says that had no network."""

from datetime import datetime

from app.core import clock
from app.core.problems import FieldError, Malformed
from community.orders import rules


def moment_of(occurred_at: datetime | None, *before: datetime | None, is_believed: bool = False) -> datetime | None:
    """Return when it was done, never earlier than what was done ``before`` it; ``None`` for just now.

    A phone whose clock is slow is put right to that. ``is_believed``: it is heard however wrong the clock is. Raises
    ``Malformed`` for what a phone cannot be believed else.
    """
    if occurred_at is None:
        return None
    now = clock.now()
    if not is_believed and not rules.is_believable(occurred_at, now):
        raise Malformed(errors=[FieldError("/body/occurred_at", "not of the last day", "not_recent")])
    return min(max([occurred_at, *(one for one in before if one is not None)]), now)
