"""Pure decisions about tips."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final, Literal

TipMethod = Literal["card", "cash"]
TipState = Literal["pending", "paid", "failed"]

WITHIN: Final = timedelta(days=7)
"""So long after the end of the work it can be given."""
REFERENCE: Final = "home_order_tip"
"""What billing knows a tip by, with the order's id."""
CATEGORY: Final = "tip"
"""No programme pays tips: none has this among its categories of service."""
NAME: Final[Mapping[str, str]] = {"en": "Tip", "zh-CN": "小费"}


def may_be_given(state: str, finished_at: datetime | None, now: datetime) -> bool:
    """Say whether somebody may tip for an order."""
    return state in ("finished", "closed") and finished_at is not None and now < finished_at + WITHIN


def most(total: int) -> int:
    """Return the largest tip, in minor units: what the work itself cost. More is a slip of the finger, or worse."""
    return total
