"""What can go wrong with scenes and automations, as problems a caller can act on."""

from app.core.problems import Conflict, Forbidden


class HomeNotActive(Conflict):
    """The home is not connected any more, or not yet: nothing is begun there."""

    code, title = "home_not_active", "The home is not connected"


class TooManyInHome(Conflict):
    """A home has so many of these already; ``most`` says how many it may have."""

    code, title = "too_many_in_home", "This home has too many of these already"


class SceneInUse(Conflict):
    """Automations use the scene; ``automation_ids`` says which."""

    code, title = "home_scene_in_use", "Automations use this scene"


class OffByResident(Forbidden):
    """The resident switched this automation off: only they switch it on again."""

    code, title = "home_automation_off_by_resident", "The resident switched this off"


class ResidentsOwn(Forbidden):
    """This is for the resident themself to say, and nobody can say it for them."""

    code, title = "residents_own_word", "This is the resident's own to say"
