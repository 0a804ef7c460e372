"""Persons who were erased minutes ago, and whose rows are looked for once more."""

from typing import Final

from app.core.due import Due
from app.identity.models import Account

ERASED_AGAIN: Final = Due("identity.erase_again", Account, "erase_again_at")
