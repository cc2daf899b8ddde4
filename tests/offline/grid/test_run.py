import json
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool

import numpy as np
import pytest
from offline.grid.small import made_up, small_dataset

from camsortxs.errors import ModelError
from camsortxs.offline.grid import run as running
from camsortxs.offline.grid.order import Costs, next_cell
from camsortxs.offline.grid.plan import Cell, Setting, all_cells, keys, parse
from camsortxs.offline.grid.run import run
from camsortxs.offline.grid.store import Store

CELLS = parse(["histogram.statistics:*", "glcm.d1:*"])
SETTING = Setting(trees=8, folds=2)


@pytest.fixture
def ran(monkeypatch) -> list[Cell]:
    """The cells that were run, in order, in no time."""
    seen: list[Cell] = []

    def quick(cell, dataset, setting):
        seen.append(cell)
        return made_up(cell, dataset)

    monkeypatch.setattr(running, "run_cell", quick)
    return seen


def test_what_is_done_is_not_run_again(tmp_path, ran):
    dataset = small_dataset()
    run(dataset, CELLS, SETTING, folder=tmp_path)
    assert sorted(ran) == sorted(CELLS)

    again = run(dataset, CELLS, SETTING, folder=tmp_path)
    assert len(ran) == 10
    assert sorted(again.done) == sorted(CELLS)

    run(small_dataset(signal=2.0), CELLS[:3], SETTING, folder=tmp_path)
    assert len(ran) == 13, "other data, other cells"


def test_after_an_interruption_only_the_rest_runs(tmp_path, ran):
    dataset = small_dataset()

    def cut_off(progress):
        if len(progress.done) == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(dataset, CELLS, SETTING, folder=tmp_path, told=cut_off)
    before = list(ran)
    run(dataset, CELLS, SETTING, folder=tmp_path)

    assert len(before) == 4
    assert sorted(ran) == sorted(CELLS), "each ran once"


def test_progress_says_what_is_left(tmp_path, ran):
    seen = []
    run(
        small_dataset(),
        CELLS,
        SETTING,
        folder=tmp_path,
        told=lambda progress: seen.append((len(progress.done), progress.unfinished, progress.seconds_left)),
    )

    assert [(done, left) for done, left, _ in seen] == [(i, 10 - i) for i in range(11)]
    assert seen[-1][2] == 0.0
    assert all(seconds > 0 for _, _, seconds in seen[:-1])


def test_a_budget_does_the_telling_cells_first_and_names_what_it_left_out(tmp_path, ran, monkeypatch):
    clock = iter(range(0, 10_000, 30))  # every look at the clock is half a minute later
    monkeypatch.setattr(running.time, "monotonic", lambda: float(next(clock)))
    monkeypatch.setattr(Cell, "fits", lambda *_: True)
    monkeypatch.setattr(running, "keys", lambda cells, *_: {cell: str(cell).replace(":", "-") for cell in cells})
    progress = run(small_dataset(), all_cells(), SETTING, folder=tmp_path, budget=300)

    assert 0 < len(progress.done) < 20
    assert {cell.classifier for cell in ran[:3]} == {"et"}
    assert sorted([*progress.done, *progress.left_out]) == sorted(all_cells())


def test_what_the_dataset_does_not_hold_is_said_at_once(tmp_path, ran):
    with pytest.raises(ModelError, match=r"features of lbp\.p8:et"):
        run(small_dataset(), [*CELLS, *parse(["lbp.p8:et"])], SETTING, folder=tmp_path)
    assert ran == []


def test_no_time_means_nothing_is_begun(tmp_path, ran):
    progress = run(small_dataset(), CELLS, SETTING, folder=tmp_path, budget=0)

    assert ran == []
    assert sorted(progress.left_out) == sorted(CELLS)


def test_every_representation_comes_first_by_extra_trees_then_what_is_cheap():
    waiting, order, costs = all_cells(), [], Costs()
    while (cell := next_cell(waiting, costs, None)) is not None:
        order.append(cell)
        waiting.remove(cell)
        costs.learn(cell, {"rf": 1.0, "et": 5.0}.get(cell.classifier, 20.0))

    assert {cell.classifier for cell in order[:25]} == {"et"}
    assert len({cell.features for cell in order[:25]}) == 25
    assert order[25].features == "histogram.statistics"
    assert order[-1].features == "everything"


def test_costs_are_learnt_by_classifier():
    costs, cell = Costs(), Cell(features="glcm.d1", classifier="rf")
    guessed = costs.expected(cell)
    costs.learn(
        Cell(features="glcm.d2", classifier="et"), 10 * costs.expected(Cell(features="glcm.d2", classifier="et"))
    )
    assert costs.expected(cell) == pytest.approx(10 * guessed)
    costs.learn(cell, 3.0)

    assert costs.expected(cell) == pytest.approx(3.0)
    assert costs.expected(Cell(features="handmade", classifier="rf")) > 20


def test_a_result_comes_back_as_it_was_kept(tmp_path):
    dataset = small_dataset()
    result = made_up(CELLS[0], dataset)
    store = Store(tmp_path)
    store.save("k" * 64, result)
    back = store.load("k" * 64)

    assert back.cell == result.cell
    assert np.array_equal(back.rows, result.rows)
    assert np.array_equal(back.probabilities, result.probabilities)
    assert (back.folds, back.served, back.seconds) == (result.folds, result.served, result.seconds)
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".json", ".npz"]


def test_half_a_result_is_none_and_a_spoilt_one_says_what_to_do(tmp_path):
    store = Store(tmp_path)
    store.save("k" * 64, made_up(CELLS[0], small_dataset()))
    (told,) = tmp_path.glob("*.json")
    text = told.read_text()
    told.unlink()
    assert not store.has("k" * 64), "the json is written last"

    told.write_text(json.dumps({**json.loads(text), "served": {}}))
    with pytest.raises(ModelError, match="remove it, and its cell runs again"):
        store.load("k" * 64)


# pycaret pulls in libraries that deprecate one another.
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")
def test_two_processes_come_to_what_one_comes_to(tmp_path):
    dataset, cells = small_dataset(80, copies=False), parse(["glcm.d1:et", "histogram.statistics:et"])
    run(dataset, cells, SETTING, folder=tmp_path / "two", processes=2)
    run(dataset, cells[:1], SETTING, folder=tmp_path / "one")
    key = keys(cells, dataset, SETTING)[cells[0]]

    assert np.array_equal(
        Store(tmp_path / "one").load(key).probabilities, Store(tmp_path / "two").load(key).probabilities
    )


def test_a_process_that_dies_is_no_mystery(tmp_path, monkeypatch):
    class Dead:
        def __init__(self, *_):
            pass

        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

        def submit(self, *_):
            future: Future[float] = Future()
            future.set_exception(BrokenProcessPool("gone"))
            return future

    monkeypatch.setattr(running, "ProcessPoolExecutor", Dead)
    with pytest.raises(ModelError, match="is there memory for 3"):
        run(small_dataset(), CELLS, SETTING, folder=tmp_path, processes=3)
