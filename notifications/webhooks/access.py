"""Who looks after an organization's webhooks: those who run it, and the operators who oversee it."""

from typing import Annotated, Final

from fastapi import Depends

from app.identity.api import Member, member_guard

MANAGERS: Final = ("operator", "coordinator")

Manager = Annotated[Member, Depends(member_guard(*MANAGERS))]
