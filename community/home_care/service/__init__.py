"""What is done about what homes notice."""

from community.home_care.service.noticing import notice

__all__ = ["notice"]
