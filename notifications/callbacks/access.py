"""Who may report: the provider, by its signature over the public address and everything it sends."""

import uuid
from collections.abc import Mapping
from typing import Annotated

from fastapi import Depends, Query, Request
from starlette.datastructures import UploadFile

from app.core.problems import Forbidden, NotFound
from app.core.settings import settings
from notifications.callbacks import rules
from notifications.channels import twilio_links

HEADER = "X-Twilio-Signature"


async def _signed_form(request: Request) -> Mapping[str, str]:
    current = settings()
    given = request.headers.get(HEADER)
    if current.twilio.auth_token is None or given is None:
        raise Forbidden("only the provider may report")
    form = await request.form()
    parameters = [(name, value) for name, value in form.multi_items() if not isinstance(value, UploadFile)]
    # Behind a proxy only the settings know the address that the provider called and signed.
    url = f"{current.http.public_url.rstrip('/')}{request.url.path}"
    if request.url.query:
        url = f"{url}?{request.url.query}"
    if not rules.is_genuine(current.twilio.auth_token.get_secret_value(), url, parameters, given):
        raise Forbidden("only the provider may report")
    return dict(parameters)


SignedForm = Annotated[Mapping[str, str], Depends(_signed_form)]
"""What the provider sent; 403 for anybody else."""

Signature = Annotated[str, Query(max_length=64, description="ours, of the delivery")]


def require_link(kind: twilio_links.Kind, delivery_id: uuid.UUID, signature: str) -> None:
    """Raise ``NotFound`` unless the address is one that we gave the provider for this delivery."""
    if not twilio_links.is_signed(kind, delivery_id, signature):
        raise NotFound
