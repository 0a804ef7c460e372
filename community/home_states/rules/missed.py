"""Whether what a hub remembers came after what was heard of it, as the hub dates both."""

from datetime import datetime, timedelta
from typing import Any, Final

AHEAD: Final = timedelta(hours=1)
"""By so much a hub's clock is not ahead of ours unless it is wrong."""


def was_missed(known: Any, dated: Any, now: datetime) -> bool:
    """Say whether what is remembered came after the last that was heard: ``known`` and ``dated`` are the hub's dates.

    They are compared with each other: what the hub's clock says against ours does not matter, unless it was ahead when
    it dated the last. A hub that lost its power remembers an earlier press than it told of.
    """
    if known is None or dated is None or known == dated:
        return False
    before, after = _instant(known), _instant(dated)
    return before is None or after is None or after > before or before > now + AHEAD


def _instant(text: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found if found.tzinfo is not None else None
