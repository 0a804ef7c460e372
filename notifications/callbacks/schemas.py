"""What a provider is answered."""

from fastapi import Response


class TwimlResponse(Response):
    """What the provider is to say or send next."""

    media_type = "text/xml"
