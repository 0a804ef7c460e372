"""What can go wrong with a home's devices and rooms, as problems a caller can act on."""

from app.core.problems import Conflict


class RoomExists(Conflict):
    """The home has a room of that name."""

    code, title = "room_exists", "There is a room of that name"


class TooManyRooms(Conflict):
    """The home has as many rooms as one can have."""

    code, title = "too_many_rooms", "There are too many rooms already"
