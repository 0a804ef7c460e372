"""What can go wrong with a webhook."""

from app.core.problems import BadRequest


class ForgedWebhook(BadRequest):
    """The gateway has not signed it, or too long ago."""

    code, title = "forged_webhook", "This was not signed by the payment gateway"
