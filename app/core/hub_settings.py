"""The settings of homes' hubs that are asked over their own API."""

from pydantic import BaseModel, Field


class HubSettings(BaseModel):
    """Home Assistants that speak to no broker and are asked instead."""

    allow_private: bool = Field(
        default=False, description="let them be on http and in private networks, where the homes' network is ours"
    )
