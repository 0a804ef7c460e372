"""What can go wrong with ratings, as problems a caller can act on."""

from app.core.problems import Conflict, Problem


class NotRateable(Conflict):
    """Only work that is done is rated, within thirty days of its end."""

    code, title = "not_rateable", "This cannot be rated at present"


class RatingExists(Conflict):
    """The order is rated already; ``rating_id`` is that rating, which can be changed until it is moderated."""

    code, title = "rating_exists", "The order is rated already"


class RatingModerated(Conflict):
    """The rating has been looked at and stays as it is."""

    code, title = "rating_moderated", "The rating has been looked at already"


class RatingAnswered(Conflict):
    """The rating was answered: a provider answers once."""

    code, title = "rating_answered", "The rating was answered already"


class NamesSomebody(Problem):
    """The answer looks as if it had a phone number or an address in it: everybody can read it."""

    code, status, title = "names_somebody", 422, "The answer looks as if it had a number or an address in it"
