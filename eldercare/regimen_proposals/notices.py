"""What people are told of proposals: that something waits for them, or has ended; never what it is."""

from datetime import timedelta
from typing import Final

from notifications.api import Category, Channel, Notice, Urgency

PROPOSALS: Final = Category(key="regimen_proposals", names={"en": "Medication plan", "zh-CN": "用药计划"})
# Whom it reaches answers for somebody whose medicine nobody has planned.
PROPOSALS_OPEN: Final = Category(
    key="regimen_proposals_open",
    names={"en": "Medication plan not confirmed", "zh-CN": "用药计划未确认"},
    mutable=False,
    digestible=False,
    breaks_quiet_hours=True,
    cap=None,
)


def _notice(
    name: str,
    *,
    category: Category = PROPOSALS,
    urgency: Urgency = "normal",
    channels: tuple[Channel, ...] = ("push", "inbox"),
) -> Notice:
    return Notice(
        key=f"eldercare.{name}",
        category=category.key,
        urgency=urgency,
        channels=channels,
        mode="first",
        package="eldercare.regimen_proposals",
        variables={"resident": "resident"},
        useful_for=timedelta(days=2),
    )


REGIMEN_PROPOSED: Final = _notice("regimen_proposed")
REGIMEN_PROPOSAL_OPEN: Final = _notice("regimen_proposal_open", urgency="high", channels=("push", "sms", "inbox"))
REGIMEN_PROPOSAL_UNANSWERED: Final = _notice(
    "regimen_proposal_unanswered",
    category=PROPOSALS_OPEN,
    urgency="high",
    channels=("push", "sms", "voice", "inbox"),
)
PRESCRIBED_REGIMEN_ENDED: Final = _notice("prescribed_regimen_ended")
