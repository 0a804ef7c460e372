"""Pure decisions about averages: of how many, and of how long."""

from datetime import timedelta
from typing import Final

LEAST: Final = 5
"""Of fewer residents no average is shown: nobody is to be found out by it."""
COUNTED: Final = timedelta(days=365)
"""What was given longer ago says little of today."""
