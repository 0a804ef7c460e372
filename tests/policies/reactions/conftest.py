"""The scene of orders, for what other domains make of them."""

from tests.community.orders.conftest import scene, subscribed

__all__ = ["scene", "subscribed"]
