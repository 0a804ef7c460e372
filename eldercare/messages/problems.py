"""What can go wrong with the circle's conversation, as problems a caller can act on."""

from app.core.problems import Conflict, Forbidden


class NotInCircle(Forbidden):
    """The conversation is the circle's: whoever is not in it takes no part, whatever else they may see."""

    code, title = "not_in_circle", "This conversation belongs to the care circle"


class MessageWithdrawn(Conflict):
    """The message was taken back."""

    code, title = "message_withdrawn", "This message was taken back"
