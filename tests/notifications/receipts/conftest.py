"""The scene of sending, for what comes after it."""

from tests.notifications.sending.conftest import scene, sink, told

__all__ = ["scene", "sink", "told"]
