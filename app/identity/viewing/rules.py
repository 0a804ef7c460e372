"""How long support looks on as somebody: pure decisions."""

from datetime import timedelta
from typing import Final

LASTS: Final = timedelta(minutes=30)
"""Long enough for a call in which somebody is helped; whoever needs longer gives a reason again."""
