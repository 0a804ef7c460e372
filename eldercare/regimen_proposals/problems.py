"""What can go wrong with proposals, as problems a caller can act on."""

from app.core.problems import Conflict


class ProposalAnswered(Conflict):
    """Somebody answered it, or it stands no more; ``state`` says which, ``regimen_id`` what came of it."""

    code, title = "proposal_answered", "The proposal is open no more"
