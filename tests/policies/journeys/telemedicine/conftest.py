"""The clinic of the tests of clinics, and a receiver of webhooks."""

from tests.notifications.webhooks.conftest import sink
from tests.telemedicine.appointments.conftest import Desk, desk
from tests.telemedicine.clinics.conftest import Scene, scene

__all__ = ["Desk", "Scene", "desk", "scene", "sink"]
