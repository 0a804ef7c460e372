"""The scene of sending, for what comes after it."""

from tests.notifications.sending.conftest import provider, scene, sink, told

__all__ = ["provider", "scene", "sink", "told"]
