"""What the office does when something happens elsewhere: a slot is called off, or takes place at another time."""

from typing import Final

from app.core.events import Subscriber
from community.events import SlotCancelled, SlotMoved
from community.ticket_office.service.allotting import follow_slots

SUBSCRIBERS: Final = (Subscriber("community.ticket_office_follows_slots", (SlotCancelled, SlotMoved), follow_slots),)
