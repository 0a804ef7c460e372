"""Why support cannot look on as somebody."""

from app.core.problems import Conflict, Forbidden


class ViewingGoesOn(Conflict):
    """The operator looks on as somebody already: one at a time."""

    code, title = "viewing_goes_on", "You are looking on as somebody already: stop that first"


class NotToBeViewed(Forbidden):
    """Nobody looks on as an operator, as staff of other communities, or as themselves."""

    code, title = "not_to_be_viewed", "Nobody can look on as this person"


class ViewingIsReadOnly(Forbidden):
    """Whoever looks on as somebody changes nothing, whatever that person may do."""

    code, title = "viewing_is_read_only", "Whoever looks on can change nothing"


class NotWhileViewing(Forbidden):
    """Secrets, exports and what apps ask for go to the person alone."""

    code, title = "not_while_viewing", "This is not shown to whoever looks on"
