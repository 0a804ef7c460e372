"""What can go wrong with services and their prices, as problems a caller can act on."""

from app.core.problems import Conflict, Problem


class ServiceExists(Conflict):
    """The community has a service of this code already."""

    code, title = "service_exists", "There is a service of this code already"


class OfferExists(Conflict):
    """The provider offers this service already: its price is changed, not given twice."""

    code, title = "offer_exists", "This provider offers this service already"


class NotAProvider(Conflict):
    """The organization is neither a provider nor a care agency: only those send people to homes."""

    code, title = "not_a_provider", "This organization sends nobody to homes"


class NotOfferedSo(Problem):
    """The offer is not made there, then, or in this way; ``errors`` says what would have to be different."""

    code, status, title = "not_offered_so", 422, "This is not offered so"
