"""What a code is compared by, whether it counts, and what it takes off."""

import unicodedata
import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal

from app.core.sealing import blind_index

POOL: Final = "ticket_voucher"
"""The kind of the pools of uses; the subject is the voucher."""
Refusal = Literal["unknown", "not_yet", "over", "other_products"]


def normalized(code: str) -> str:
    """Return a code as it is compared: however it is typed, without spaces and dashes."""
    return "".join(one for one in unicodedata.normalize("NFKC", code).upper() if one.isalnum())


def digest(community_id: uuid.UUID, code: str) -> bytes:
    """Return what a code is found by: nobody who reads it can tell the code."""
    return blind_index("community_voucher.code", f"{community_id}:{normalized(code)}")


def refusal(valid_from: datetime, valid_until: datetime, at: datetime, *, is_active: bool) -> Refusal | None:
    """Return why a voucher does not count ``at`` an instant, ``None`` if it does."""
    if not is_active or at >= valid_until:
        return "over"
    return "not_yet" if at < valid_from else None


def discount(amounts: Sequence[int], percent: int | None, amount: int | None) -> int:
    """Return what a voucher takes off what costs ``amounts`` in minor units: never more than all, rounded half up."""
    total = sum(amounts)
    if percent is not None:
        return (total * percent + 50) // 100
    return min(amount or 0, total)
