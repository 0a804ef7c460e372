"""Which gateway this installation has."""

from app.billing.gateways.local_gateway import LocalGateway
from app.billing.gateways.port import Gateway
from app.core.settings import settings


def chosen_gateway() -> Gateway | None:
    """Return Stripe with a key, the local twin without one, and in production nobody; to be closed after the batch."""
    of = settings()
    if of.stripe.secret_key is not None:
        # With what it brings it is five megabytes, which most installations' processes never need.
        from app.billing.gateways.stripe_gateway import StripeGateway  # noqa: PLC0415

        return StripeGateway(of.stripe.secret_key, of.stripe)
    return None if of.environment == "production" else LocalGateway()
