"""What a home has: taken from its hub's descriptions, set right by people, and noted of itself."""

from community.home_devices.service.discovering import take_discovery
from community.home_devices.service.noting import note_device_facts

__all__ = ["note_device_facts", "take_discovery"]
