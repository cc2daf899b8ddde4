"""Everything that can go wrong, as one tree: the class says what happens next (DESIGN.md section 7)."""

from hashlib import sha256
from pathlib import Path
from traceback import extract_tb

_FRAMES = 50


def traceback_digest(error: BaseException) -> str:
    """Return what equal failures have in common: a digest of the types of errors and the functions they came through.

    The first 16 hexadecimal digits of a sha256 over the type of the error, file and function of each frame of its
    traceback, and the same of its causes. Messages, line numbers and folders are left out.

    >>> traceback_digest(ValueError("one")) == traceback_digest(ValueError("another"))
    True
    """
    words = []
    link: BaseException | None = error
    while link is not None:
        words.append(type(link).__qualname__)
        frames = extract_tb(link.__traceback__, limit=-_FRAMES)
        words += ["/".join((*Path(frame.filename).parts[-2:], frame.name)) for frame in frames]
        link = link.__cause__
    return sha256("\n".join(words).encode()).hexdigest()[:16]


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
