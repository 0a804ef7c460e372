"""What can go wrong with connected homes, as problems a caller can act on."""

from app.core.problems import Conflict, Forbidden


class NotByRole(Forbidden):
    """It is for the resident and whom they let manage their home: serving them is not enough."""

    code, title = "home_not_by_role", "This is for the resident, and for whom they let manage their home"


class TooManyHomes(Conflict):
    """The resident has as many connected homes as one can have."""

    code, title = "too_many_homes", "There are too many homes already"


class HomeClosed(Conflict):
    """The home is closed: it is set up anew, as another one."""

    code, title = "home_closed", "The home is closed"


class HomeWaiting(Conflict):
    """Somebody who lives there has not agreed: ``waiting_for`` says how many."""

    code, title = "home_waiting", "Not everybody who lives there has agreed"


class NotAlone(Conflict):
    """Others live there as well, so nobody lives there alone."""

    code, title = "not_alone", "Others live there as well"


class CredentialsExist(Conflict):
    """The hub has its credentials; they can be made anew, which ends the old ones."""

    code, title = "credentials_exist", "There are credentials already"


class NoCredentials(Conflict):
    """There are no credentials to be ended or made anew."""

    code, title = "no_credentials", "There are no credentials"


class HolderCannotLeave(Conflict):
    """The home is the holder's: it is closed if they do not want it any more."""

    code, title = "holder_cannot_leave", "The holder closes the home instead"
