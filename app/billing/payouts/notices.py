"""What the desk of an organization is told of payouts: that one failed, that its account is closed to them."""

from datetime import timedelta
from typing import Final

from app.billing.disputes.notices import MONEY
from notifications.api import Notice


def _notice(name: str) -> Notice:
    return Notice(
        key=f"billing.{name}",
        category=MONEY.key,
        urgency="normal",
        channels=("push", "inbox"),
        mode="first",
        package="app.billing.payouts",
        useful_for=timedelta(days=7),
    )


TRANSFER_FAILED: Final = _notice("transfer_failed")
ACCOUNT_RESTRICTED: Final = _notice("payout_account_restricted")
