"""What can go wrong, by what the caller should do about it. Messages name value and legal range."""


class ElasticServingError(Exception):
    """Root of the tree; catch it only where the process reports and goes on."""


class InvalidSpec(ElasticServingError):
    """Tell the user and wait for an edit; trying again changes nothing."""


class MissingData(ElasticServingError):
    """Hold and report: something that must be known is not."""


class NotFound(ElasticServingError):
    """It is gone: for a delete that is success."""


class AlreadyExists(ElasticServingError):
    """Somebody made it before: look whose it is, then adopt or leave it."""


class Conflict(ElasticServingError):
    """A precondition (uid, resourceVersion, field ownership) no longer holds: look again."""


class Forbidden(ElasticServingError):
    """The cluster's policy says no (RBAC, quota, admission, pod security): report it, try again slowly."""


class QuotaExceeded(Forbidden):
    """A ResourceQuota is used up: back off, another place may have room."""


class OutOfCapacity(ElasticServingError):
    """Nobody sells what is needed: back off, try another place."""


class Transient(ElasticServingError):
    """A timeout, a cut connection, a 429 or 5xx: the same call may succeed soon."""
