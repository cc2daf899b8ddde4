"""Running the cells that are not done yet, in as many processes as there are, until all are or the time is up."""

import gc
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path

from camsortxs.errors import ModelError
from camsortxs.offline.dataset import Dataset
from camsortxs.offline.grid.cell import run_cell
from camsortxs.offline.grid.order import Costs, next_cell
from camsortxs.offline.grid.plan import Cell, Setting, keys
from camsortxs.offline.grid.store import Store

Told = Callable[["Progress"], None]


@dataclass(slots=True, kw_only=True)
class Progress:
    """How far a run is: cells done (before and in it), running, left out for want of time; seconds it may take."""

    done: list[Cell] = field(default_factory=list)
    waiting: list[Cell] = field(default_factory=list)
    left_out: list[Cell] = field(default_factory=list)
    seconds_left: float = 0.0
    running: list[Cell] = field(default_factory=list)

    @property
    def unfinished(self) -> int:
        """How many cells are running or still to run."""
        return len(self.waiting) + len(self.running)


def run(
    dataset: Dataset,
    cells: Sequence[Cell],
    setting: Setting,
    *,
    folder: Path,
    processes: int = 1,
    budget: float | None = None,
    told: Told | None = None,
) -> Progress:
    """Run those of `cells` whose results are not in `folder` yet, within `budget` seconds, and keep each as it is done.

    `told` hears of the progress after each cell. What is interrupted loses the cells in hand and no other.

    Raises
    ------
    ModelError
        When the dataset does not hold what a cell looks at, a result that is kept cannot be read, or a process dies.
    ValueError
        When there are fewer groups than folds.
    """
    if unfit := [str(cell) for cell in cells if not cell.fits(dataset)]:
        raise ModelError(f"the dataset does not hold the features of {', '.join(unfit)}")
    began = time.monotonic()
    store, names, costs = Store(folder), keys(cells, dataset, setting), Costs()
    progress = Progress(waiting=[cell for cell in cells if not store.has(names[cell])])
    for cell in cells:
        if store.has(names[cell]):
            progress.done.append(cell)
            costs.learn(cell, store.load(names[cell]).seconds)

    def tell() -> None:
        still = sum(map(costs.expected, progress.waiting)) + sum(map(costs.expected, progress.running)) / 2
        progress.seconds_left = still / processes
        if told:
            told(progress)

    def pick() -> Cell | None:
        left = None if budget is None else budget - (time.monotonic() - began)
        chosen = next_cell(progress.waiting, costs, left)
        if chosen is not None:
            progress.waiting.remove(chosen)
            progress.running.append(chosen)
        return chosen

    def keep(ready: Cell, seconds: float) -> None:
        progress.running.remove(ready)
        progress.done.append(ready)
        costs.learn(ready, seconds)
        tell()

    tell()
    if processes == 1:
        while (picked := pick()) is not None:
            keep(picked, _work(picked, names[picked], dataset, setting, folder))
    else:
        _share(dataset, setting, folder, names, processes, pick, keep)
    progress.left_out, progress.waiting = progress.waiting, []
    return progress


def _share(
    dataset: Dataset,
    setting: Setting,
    folder: Path,
    names: dict[Cell, str],
    processes: int,
    pick: Callable[[], Cell | None],
    keep: Callable[[Cell, float], None],
) -> None:
    """Hand a cell to each process that is free; each writes its result itself."""
    fresh = get_context("spawn")  # a fork would take over locks of threads that it does not have
    with ProcessPoolExecutor(processes, fresh, _begin, (dataset, setting, folder)) as pool:
        running: dict[Future[float], Cell] = {}
        try:
            while True:
                while len(running) < processes and (picked := pick()) is not None:
                    running[pool.submit(_work_here, picked, names[picked])] = picked
                if not running:
                    return
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    keep(running.pop(future), future.result())
        except BrokenProcessPool as error:
            raise ModelError(f"a process died: is there memory for {processes}? What is done is kept") from error
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


_shared: tuple[Dataset, Setting, Path] | None = None


def _begin(dataset: Dataset, setting: Setting, folder: Path) -> None:
    global _shared
    _shared = dataset, setting, folder
    gc.freeze()  # pycaret collects garbage again and again: what was imported and read is none


def _work_here(cell: Cell, key: str) -> float:
    assert _shared is not None  # noqa: S101 - every process begins with it
    return _work(cell, key, *_shared)


def _work(cell: Cell, key: str, dataset: Dataset, setting: Setting, folder: Path) -> float:
    result = run_cell(cell, dataset, setting)
    Store(folder).save(key, result)
    return result.seconds
