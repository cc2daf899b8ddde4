from dataclasses import replace

import pytest
from offline.grid.small import small_dataset

from camsortxs.errors import ModelError
from camsortxs.features.catalogue import CATALOGUE
from camsortxs.offline.estimators import CLASSIFIERS
from camsortxs.offline.grid import plan
from camsortxs.offline.grid.plan import UNIONS, Cell, Setting, all_cells, keys, parse

CELL = Cell(features="glcm.d1", classifier="et")


def test_every_representation_and_union_meets_every_classifier():
    cells = all_cells()

    assert len(cells) == len(set(cells)) == (25 + len(UNIONS)) * 5
    assert {cell.features for cell in cells} == {*CATALOGUE, *UNIONS}
    assert {cell.classifier for cell in cells} == set(CLASSIFIERS)
    assert all(set(cell.representations) <= set(CATALOGUE) for cell in cells)
    assert not set(UNIONS) & set(CATALOGUE)


def test_cells_are_named_as_the_command_line_does():
    assert parse(["glcm.d1:et", "glcm.d1:*"])[:2] == [CELL, Cell(features="glcm.d1", classifier="lightgbm")]
    assert len(parse(["*:et"])) == 25 + len(UNIONS)
    assert parse([str(CELL)]) == [CELL]
    for bad in ("glcm.d9:et", "glcm.d1", "glcm.d1:svm", ""):
        with pytest.raises(ModelError, match="FEATURES:CLASSIFIER"):
            parse([bad])


def test_a_key_follows_from_all_that_the_result_follows_from(monkeypatch):
    dataset, setting = small_dataset(), Setting()
    key = keys([CELL], dataset, setting)[CELL]
    other = replace(dataset, values=dataset.values + 1)
    elsewhere = Cell(features="histogram.statistics", classifier="et")
    sibling = Cell(features="glcm.d1", classifier="rf")
    found = [
        keys([CELL], other, setting)[CELL],
        keys([CELL], dataset, replace(setting, trees=81))[CELL],
        keys([CELL], dataset, replace(setting, seed=1))[CELL],
        keys([sibling], dataset, setting)[sibling],
        keys([elsewhere], dataset, setting)[elsewhere],
    ]

    assert keys([CELL], small_dataset(), Setting())[CELL] == key
    assert keys([CELL], dataset.columns(["glcm.d1"]), setting)[CELL] == key, "the others are not looked at"
    raised = replace(CATALOGUE["glcm.d1"], version=99)
    monkeypatch.setattr(plan, "CATALOGUE", {**CATALOGUE, "glcm.d1": raised})
    found.append(keys([CELL], dataset, setting)[CELL])
    assert len({key, *found}) == 7
