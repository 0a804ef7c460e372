"""What can be wrong with a template."""

from app.core.problems import Conflict


class CannotBePreviewed(Conflict):
    """The text of a notice does not render; nobody could be sent it either."""

    code, title = "cannot_be_previewed", "This text cannot be rendered"
