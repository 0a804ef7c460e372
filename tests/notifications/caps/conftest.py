"""The scene of sending, where what waits comes from."""

from tests.notifications.sending.conftest import scene, told

__all__ = ["scene", "told"]
