"""Subscription: what a system wants to be told of, among the resources whose changes are told."""

from functools import partial

from app.fhir.registry import ID, LAST_UPDATED, Parameter, Resource
from app.fhir.subscriptions.service import managing
from app.fhir.subscriptions.service.seeing import Served


def subscription(served: Served) -> Resource:
    """Return the resource by which clients subscribe to ``served`` ones."""
    return Resource(
        type="Subscription",
        documentation=(
            "What the client's system wants to be told of, by rest-hook. Criteria are a search of "
            f"{', '.join(name for name, one in served.items() if one.changes)}; what it may see then is told."
        ),
        parameters=(ID, LAST_UPDATED, Parameter("status", "token", "How it stands")),
        search=managing.search,
        create=partial(managing.create, served=served),
        update=partial(managing.update, served=served),
        delete=managing.delete,
        mandatory=frozenset({"status", "reason", "criteria", "channel"}),
    )
