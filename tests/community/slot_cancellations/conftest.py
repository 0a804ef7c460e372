"""The scene of those who sell tickets."""

from tests.community.ticket_orders.conftest import scene, subscribed

__all__ = ["scene", "subscribed"]
