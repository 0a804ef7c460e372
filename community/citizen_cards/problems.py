"""What can go wrong with cards, as problems a caller can act on."""

from app.core.problems import Conflict


class CardSchemeExists(Conflict):
    """The community has a kind of card of this code already."""

    code, title = "card_scheme_exists", "There is a kind of card of this code already"


class CardSchemeUsed(Conflict):
    """What the numbers of a kind look like stays as it is while cards of it are linked: they were checked by it."""

    code, title = "card_scheme_used", "There are cards of this kind already"


class CardExists(Conflict):
    """The resident has a card of this kind: it is removed before another is linked."""

    code, title = "card_exists", "There is a card of this kind already"


class CardLinkedElsewhere(Conflict):
    """The card is linked already, and not by this resident. The community's operator looks into it."""

    code, title = "card_linked_elsewhere", "This card is linked already: the operator decides whose it is"


class CardNotPending(Conflict):
    """The card waits for nobody: ``card_state`` says how it stands."""

    code, title = "card_not_pending", "This card does not wait to be verified"


class ClaimDecided(Conflict):
    """It is decided already whose the card is."""

    code, title = "card_claim_decided", "It is decided already whose the card is"
