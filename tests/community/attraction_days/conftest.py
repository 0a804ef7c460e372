"""The scene of those who scan."""

from tests.community.gates.conftest import scene, subscribed

__all__ = ["scene", "subscribed"]
