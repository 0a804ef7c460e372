"""Real API processes, for what only they can show: lines that break off and go on elsewhere."""

from tests.faults.conftest import home

__all__ = ["home"]
