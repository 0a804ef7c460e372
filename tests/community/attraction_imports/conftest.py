"""The people of attractions, for those who bring a file."""

from tests.community.attractions.conftest import scene

__all__ = ["scene"]
