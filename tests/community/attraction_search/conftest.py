"""The people of attractions, for those who look for some."""

from tests.community.attractions.conftest import scene

__all__ = ["scene"]
