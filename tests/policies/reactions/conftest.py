"""The scene of orders, for what other domains make of them."""

from tests.community.orders.conftest import scene, subscribed
from tests.notifications.webhooks.conftest import sink

__all__ = ["scene", "sink", "subscribed"]
