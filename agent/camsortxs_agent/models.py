"""Which model serves and which looks on: both are watched on disk, and swapped while the agent runs."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import structlog

from camsortxs.challenge import Challenger
from camsortxs.model import Model
from camsortxs.pipeline import Observer, Pipeline
from camsortxs.records import Sink
from camsortxs_agent.metrics import Metrics
from camsortxs_agent.reload import Fingerprint, Reloader, Result, Role, fingerprint
from camsortxs_agent.serving import Loaded, where
from camsortxs_agent.settings import ModelSettings

log = structlog.get_logger()


class Models:
    """The models of an agent, and the lines that they serve on.

    `staff` is given each model that is to serve, and may have its frames looked at elsewhere.

    Raises
    ------
    ModelError
        When the bundle that is to serve is not to be used. A challenger that is not to be used is logged and counted.
    """

    def __init__(
        self,
        settings: ModelSettings,
        metrics: Metrics,
        *,
        load: Callable[[ModelSettings], Loaded],
        staff: Callable[[Model], Model] = lambda model: model,
    ) -> None:
        folder = where(settings)
        seen = fingerprint(folder)
        self._metrics = metrics
        self._load = load
        self._staff = staff
        self._every = settings.watch_seconds
        self._serving = self._staffed(load(settings))
        self._lines: list[tuple[Pipeline, int]] = []
        metrics.serves(self._serving.model, self._serving.drift)
        self._watched = [self._watch("champion", folder, settings, self._serve, served=self._serving, seen=seen)]
        if settings.challenger is not None:
            # What it looks at is what the champion looks at: one watch over that is enough.
            other = settings.model_copy(update={"path": settings.challenger, "threshold": None, "drift_frames": 0})
            self._watched.append(self._watch("challenger", settings.challenger, other, self._challenge))

    @property
    def reference(self) -> str:
        """`name@version` of the one that serves."""
        return self._serving.model.reference

    def line(self, sink: Sink, *observers: Observer, workers: int = 1) -> Pipeline:
        """Return a line that they serve on from now on."""
        made = Pipeline(model=self._serving.model, sink=sink, observers=observers, workers=workers)
        self._lines.append((made, workers))
        return made

    def ask(self) -> None:
        """Look at the disk again, at once; safe to call from a signal handler."""
        for one in self._watched:
            one.ask()

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Watch them for the length of the block."""
        with ExitStack() as stack:
            for one in self._watched:
                stack.enter_context(one.running())
            yield

    def _watch(
        self,
        role: Role,
        path: Path,
        settings: ModelSettings,
        swap: Callable[[Loaded], None],
        *,
        served: Loaded | None = None,
        seen: Fingerprint | None = None,
    ) -> Reloader:
        return Reloader(
            role=role,
            path=path,
            every=self._every,
            served=served,
            seen=seen,
            load=partial(self._load, settings),
            swap=swap,
            told=partial(self._told, role),
        )

    def _serve(self, loaded: Loaded) -> None:
        self._serving = self._staffed(loaded)
        for line, _ in self._lines:
            line.serve(self._serving.model)
        self._metrics.serves(self._serving.model, loaded.drift)

    def _staffed(self, loaded: Loaded) -> Loaded:
        return replace(loaded, model=self._staff(loaded.model))

    def _challenge(self, loaded: Loaded) -> None:
        for line, workers in self._lines:
            line.challenge(Challenger(loaded.model, workers=workers, failed=partial(self._failed, loaded)))
        self._metrics.challenges(loaded.model)

    def _told(self, role: Role, result: Result) -> None:
        self._metrics.reloads.labels(role, result).inc()
        self._metrics.model_refused.labels(role).set(result == "refused")

    def _failed(self, loaded: Loaded, error: BaseException) -> None:
        self._metrics.challenger_failures.inc()
        log.warning("challenger_failed", challenger=loaded.model.reference, error=f"{type(error).__name__}: {error}")
