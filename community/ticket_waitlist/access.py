"""Who waits, and who may have somebody wait: whose day it is, and whoever may order for them."""

from typing import Final

READ: Final = "home_services:read"
ORDER: Final = "home_services:order"
