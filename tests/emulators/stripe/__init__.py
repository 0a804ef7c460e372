"""A loopback Stripe: the part of its API that is used, with its states, its refusals, its faults and its webhooks."""

from tests.emulators.stripe.server import Fault, Stripe, stripe

__all__ = ["Fault", "Stripe", "stripe"]
