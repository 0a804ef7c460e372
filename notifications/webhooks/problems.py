"""What can be wrong with a webhook endpoint."""

from app.core.problems import Conflict


class TooManyEndpoints(Conflict):
    """The organization has as many endpoints as it can have."""

    code, title = "too_many_webhook_endpoints", "The organization has as many webhook endpoints as it can have"


class EndpointDisabled(Conflict):
    """Nothing is delivered to an endpoint that is disabled."""

    code, title = "webhook_endpoint_disabled", "Enable the webhook endpoint first"


class SecretOverlapRunning(Conflict):
    """Two secrets sign already: one in use, one being changed over to."""

    code, title = "webhook_secret_overlap_running", "The secret before this one still signs"


class DeliveryUnderWay(Conflict):
    """The delivery is still being tried."""

    code, title = "webhook_delivery_under_way", "The delivery is still under way"
