"""Leaving a kind of mail over HTTP: a mail program posts to the link, a person sees a page with one button."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Annotated, Final

from fastapi import Path
from fastapi.responses import HTMLResponse
from jinja2 import Environment, StrictUndefined, Template

from app.core.access import public
from app.core.problems import NotFound, problem_responses
from app.core.routing import Reading, Router, Session
from notifications.templates.categories import name_of
from notifications.unsubscribing import links, service

router = Router(tags=["notifications"])
Token = Annotated[str, Path(max_length=512, description="the signed part of the link in the mail")]

# The page forgets nothing and knows nobody: whoever holds the mail may end it, as RFC 8058 wants.
_REASON: Final = "the signature in the link, which only the mail's reader has"
_WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        "title": "Mail from Hearthline",
        "question": "Do you want no more mail about “{category}”?",
        "button": "No more of these mails",
        "done": "You get no more mail about “{category}”. In the app you can change this at any time.",
    },
    "zh-CN": {
        "title": "Hearthline 邮件",
        "question": "不再接收“{category}”的邮件吗？",
        "button": "不再接收",
        "done": "您将不再收到“{category}”的邮件。您可以随时在应用中更改。",
    },
}


@cache
def _page() -> Template:
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string((files("notifications.unsubscribing") / "page.html").read_text(encoding="utf-8"))


def _shown(subscription: links.Subscription, language: str, *, done: bool) -> HTMLResponse:
    category = name_of(subscription.category, language)
    words = {name: text.format(category=category) for name, text in _WORDS[language].items()}
    headers = {"Referrer-Policy": "no-referrer", "Cache-Control": "no-store"}
    return HTMLResponse(_page().render(language=language, words=words, done=done), headers=headers)


@router.get("/unsubscriptions/{token}", response_class=HTMLResponse, responses=problem_responses(NotFound))
@public(_REASON)
async def show_unsubscription(token: Token, connection: Reading) -> HTMLResponse:
    """Ask whether the mails are really to end: programs that look at every link in a mail must not end them."""
    subscription = links.opened(token)
    return _shown(subscription, await service.language_of(connection, subscription), done=False)


@router.post("/unsubscriptions/{token}", response_class=HTMLResponse, responses=problem_responses(NotFound))
@public(_REASON)
async def create_unsubscription(token: Token, session: Session) -> HTMLResponse:
    """End the kind of mail the link stands for (one click, RFC 8058)."""
    subscription = links.opened(token)
    await service.unsubscribe(session, subscription)
    language = await service.language_of(await session.connection(), subscription)
    return _shown(subscription, language, done=True)
