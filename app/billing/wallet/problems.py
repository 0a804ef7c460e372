"""What can go wrong with saved cards, as problems a caller can act on."""

from app.core.problems import Conflict, Unavailable


class NoCardsHere(Conflict):
    """This installation has no gateway that takes cards."""

    code, title = "no_cards_here", "No cards are taken here"


class TooManyCards(Conflict):
    """So many cards are saved already; ``most`` says how many there may be. One has to be removed first."""

    code, title = "too_many_cards", "Too many cards are saved"


class CardNotSaved(Conflict):
    """The gateway does not save this card; ``reason`` is its code. Another try begins anew."""

    code, title = "card_not_saved", "The card was not saved"


class CardInUse(Conflict):
    """Money is held on the card, or about to be, for ``payments`` things: they are paid or called off first."""

    code, title = "card_in_use", "Something is still to be paid with this card"


class CardsSilent(Unavailable):
    """The gateway has not answered: what was asked stays wanted, and asking again does no harm."""

    code, title = "gateway_silent", "The payment service does not answer"
