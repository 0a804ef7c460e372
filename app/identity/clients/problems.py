"""What can be wrong with an API client."""

from app.core.problems import Conflict, Forbidden


class ScopeBeyondYours(Forbidden):
    """Nobody hands a machine more than their own role can have."""

    code, title = "scope_beyond_yours", "You cannot give a scope that your role does not have"


class TooManyKeys(Conflict):
    """The client has as many good keys as there can be: one in use, one to change over to."""

    code, title = "too_many_keys", "The client already has two good keys"
