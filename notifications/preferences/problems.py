"""Why a choice about messages is refused."""

from app.core.problems import Conflict


class CannotBeMuted(Conflict):
    """The category is one a person cannot silence, such as the alarms they answer and the safety of their account."""

    code, title = "cannot_be_muted", "This kind of message cannot be silenced"
