"""Everything that can go wrong, as one tree: the class says what happens next (DESIGN.md section 7)."""


class CamsortxsError(Exception):
    """Base of every error that camSortXS raises on purpose."""


class FrameError(CamsortxsError):
    """One message or image cannot be used: count it, log it once, dead-letter it, go on.

    `reason` is a short slug (``"not_2d"``, ``"missing_file"``, ...) that labels the metric.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class ModelError(CamsortxsError):
    """The bundle is unreadable, changed, or does not fit its features: refuse to start or to reload."""


class SourceError(CamsortxsError):
    """The source says that it cannot go on (authentication, fenced): exit, let the supervisor restart."""


class SinkError(CamsortxsError):
    """A record could not be written."""


class SinkUnavailable(SinkError):
    """Not now. Nothing is acknowledged; try again after `retry_after` seconds.

    `patience` bounds, in seconds, how long to keep trying; None means for ever.
    """

    def __init__(self, message: str, *, retry_after: float = 1.0, patience: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.patience = patience


class SinkRejected(SinkError):
    """Never: the sink refuses this record. Dead-letter it, count it, acknowledge it.

    `reason` is a short slug that labels the metric.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
