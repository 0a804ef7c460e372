"""What can go wrong with commands to a home, as problems a caller can act on."""

from app.core.problems import Conflict, Forbidden


class CommandNotOpen(Conflict):
    """There is nothing to confirm, or not any more; ``command_state`` says how the command stands."""

    code, title = "home_command_not_open", "The command does not wait to be confirmed"


class NotYourCommand(Forbidden):
    """A command is confirmed by whoever gave it."""

    code, title = "not_your_home_command", "Somebody else gave this command"


class RiskNotAgreed(Conflict):
    """Opening, heating and disarming by an automation is for the resident to agree to, for each such automation."""

    code, title = "home_risk_not_agreed", "Nobody agreed that this is done without asking"
