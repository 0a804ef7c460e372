"""What can go wrong with attractions, as problems a caller can act on."""

from app.core.problems import Conflict, Problem


class NotAnAttraction(Conflict):
    """The organization is of another kind: only one of kind ``attraction`` runs attractions."""

    code, title = "not_an_attraction", "This organization runs no attractions"


class NotPublishable(Problem):
    """Something is missing that everybody who reads of an attraction relies on; ``errors`` says what."""

    code, status, title = "not_publishable", 422, "Something is missing before this can be published"


class ExceptionExists(Conflict):
    """Some of these days have hours of their own already: those are taken back first."""

    code, title = "exception_exists", "Some of these days have other hours already"


class ClosingOver(Conflict):
    """The attraction was opened again already: nothing is left to take back."""

    code, title = "closing_over", "This closing is over already"
