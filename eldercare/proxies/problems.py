"""What can go wrong with proxies, as problems a caller can act on."""

from app.core.problems import Conflict, Forbidden


class ProxyProposed(Conflict):
    """This person has been proposed already, and nobody has checked it yet."""

    code, title = "proxy_proposed", "This proxy has been proposed already"


class ProxyChecked(Conflict):
    """The proxy was checked before, or has ended."""

    code, title = "proxy_checked", "This proxy is no longer waiting to be checked"


class ProxyOver(Conflict):
    """The proxy is not in force: there is nothing to revoke."""

    code, title = "proxy_over", "This proxy is not in force"


class SomebodyElseChecks(Forbidden):
    """Whoever proposed a proxy, or would be one, does not check it: four eyes see more than two."""

    code, title = "somebody_else_checks", "Somebody else has to check this"
