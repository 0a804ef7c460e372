"""The clinic of the tests of clinics."""

from tests.telemedicine.appointments.conftest import Desk, desk
from tests.telemedicine.clinics.conftest import Scene, scene

__all__ = ["Desk", "Scene", "desk", "scene"]
