"""The scene of sending, for those who look at it."""

from tests.notifications.sending.conftest import scene, sink

__all__ = ["scene", "sink"]
