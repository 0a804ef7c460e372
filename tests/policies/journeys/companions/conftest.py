"""The scene of trips, for what companions make of them."""

from tests.community.trips.conftest import scene, subscribed, trips

__all__ = ["scene", "subscribed", "trips"]
