"""What is told of a state to those who notice: a change, or that something happened."""

import uuid
from datetime import datetime
from typing import NamedTuple


class StateChange(NamedTuple):
    """That an entity is in another state than before, or that something happened which lasts no time (a press).

    ``attribute`` is "state", "availability" (``new`` is "online" or "offline"; the state is kept meanwhile) or the name
    of an attribute. Of what happens in a moment (an event, a button, a trigger) ``old`` may equal ``new``. ``at`` is
    when we heard of it, never what a device's clock says. Only what ``is_fresh`` happened then. What is not is how
    things stand, told from a broker's memory, again, or for the first time; a fall and a call for help are one the
    first time, too.
    """

    home_id: uuid.UUID
    community_id: uuid.UUID
    resident_id: uuid.UUID
    entity_id: uuid.UUID
    device_id: uuid.UUID
    component: str
    device_class: str | None
    role: str | None
    room_id: uuid.UUID | None
    attribute: str
    old: str | None
    new: str | None
    number: float | None
    at: datetime
    is_fresh: bool
