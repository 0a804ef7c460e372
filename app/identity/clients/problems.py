"""What can be wrong with an API client."""

from app.core.problems import Conflict, Forbidden


class ScopeBeyondYours(Forbidden):
    """Nobody hands a machine more than their own role can have."""

    code, title = "scope_beyond_yours", "You cannot give a scope that your role does not have"


class TooManyKeys(Conflict):
    """The client has as many good keys as there can be: one in use, one to change over to."""

    code, title = "too_many_keys", "The client already has two good keys"


class NoSystem(Conflict):
    """An app that people agree to acts for them; it has no keys to act for an organization."""

    code, title = "no_system", "This client is an app that people agree to: it has no API keys"


class KindOfClient(Conflict):
    """A system does not become an app, nor an app a system: another client is made."""

    code, title = "kind_of_client", "A client stays a system or an app"
