"""What can go wrong at the desk, as problems a caller can act on."""

from app.core.problems import Conflict


class HandoverOpen(Conflict):
    """The alarm is being handed over already; ``taker_id`` names to whom."""

    code, title = "handover_open", "This alarm is being handed over already"


class HandoverOver(Conflict):
    """The hand-over was answered or withdrawn, or who offered it has the alarm no more."""

    code, title = "handover_over", "This hand-over has ended"


class ScriptChanged(Conflict):
    """Somebody has written another version meanwhile; ``number`` is that of the one in force."""

    code, title = "script_changed", "This script was changed in the meantime"
