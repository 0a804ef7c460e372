"""What can be wrong with a second factor."""

from app.core.problems import Conflict, Forbidden


class SecondFactorInvalid(Forbidden):
    """The code or the passkey's answer is not good. The session stays what it was."""

    code, title = "second_factor_invalid", "This second factor is not valid"


class SecondFactorNeeded(Forbidden):
    """Whoever has a second factor shows it before changing it."""

    code, title = "second_factor_needed", "Show your second factor first"


class AlreadyConfirmed(Conflict):
    """An authenticator app is set up; remove it before setting up another."""

    code, title = "authenticator_app_confirmed", "An authenticator app is already set up"


class NothingToConfirm(Conflict):
    """No authenticator app waits for its first code."""

    code, title = "nothing_to_confirm", "Set up an authenticator app first"


class TooManyPasskeys(Conflict):
    """The person has as many passkeys as there can be."""

    code, title = "too_many_passkeys", "You have too many passkeys"
