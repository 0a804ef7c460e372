"""What attractions follow: the community's calendar."""

from typing import Final

from app.core.events import Subscriber
from app.identity.events import HolidaysChanged
from community.attractions.service.deriving import follow_holidays

SUBSCRIBERS: Final = (Subscriber("community.attractions_follow_holidays", (HolidaysChanged,), follow_holidays),)
