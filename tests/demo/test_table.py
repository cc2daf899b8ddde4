import io

import pytest
from rich.console import Console

from camsortxs_agent.demo.results import Results
from camsortxs_agent.demo.table import LiveTable, Row

ROW = Row(run="0123456789", name="sample", detector="pilatus", form="resource", frames=2)


def _event(index: int, **row) -> dict:
    where = {"raw_stream": "primary", "raw_data_key": "pilatus", "raw_index": index, "latency": 0.0}
    return {"uid": f"e{index}", "descriptor": "d", "time": 0.0, "data": where | row}


def _shown(*documents, width: int = 120) -> str:
    results = Results()
    for name, document in documents:
        results(name, document)
    console = Console(file=io.StringIO(), width=width)
    table = LiveTable(results, console)
    table.rows.append(ROW)
    with table.live():
        pass
    return console.file.getvalue()


START = ("start", {"uid": "s", "raw_uid": ROW.run})
DESCRIPTOR = ("descriptor", {"uid": "d", "run_start": "s"})
NAN = float("nan")


def test_a_run_that_nobody_spoke_of():
    assert "0/2" in _shown()


@pytest.mark.parametrize(
    ("row", "shown"),
    [
        ({"decided": "GIWAXS", "p_SAXS": 0.01, "p_GIWAXS": 0.93}, ("GIWAXS", "93%", "1/2")),
        ({"decided": "no_signal", "p_SAXS": NAN, "p_GIWAXS": NAN}, ("no_signal", "1/2")),
    ],
)
def test_a_run_under_way(row, shown):
    text = _shown(START, DESCRIPTOR, ("event", _event(0, **row)))
    assert all(word in text for word in shown)
    assert "nan" not in text


def test_the_end_of_a_run_has_the_last_word():
    index = {"decided": "small angle", "probability": None}
    event = ("event", _event(0, decided="SAXS", p_SAXS=0.7))
    text = _shown(START, DESCRIPTOR, event, ("stop", {"run_start": "s", "camsortxs": index}))
    assert "small angle" in text
    assert "%" not in text


def test_it_fits_a_terminal_of_80_columns():
    event = ("event", _event(0, decided="GISAXS", p_SAXS=0.7))
    assert "GISAXS" in _shown(START, DESCRIPTOR, event, width=80)
