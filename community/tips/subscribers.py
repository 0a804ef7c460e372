"""What tips do when their money comes, or does not."""

from typing import Final

from app.billing.events import AuthorizationFailed, AuthorizationLapsed, AuthorizationSucceeded, ChargePaid
from app.core.events import Subscriber
from community.tips.service import follow

SUBSCRIBERS: Final = (
    Subscriber(
        "community.tips_follow_money",
        (AuthorizationSucceeded, AuthorizationFailed, AuthorizationLapsed, ChargePaid),
        follow,
    ),
)
