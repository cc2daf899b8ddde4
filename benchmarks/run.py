"""Every benchmark: medians, interleaved in one run, one thread; the whole agent last, with all cores.

    make bench

prints a table and writes `benchmarks/results.json`. Absolute times are those of the machine at hand; compare ratios.
"""

import json
import os
from pathlib import Path

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = "1"
os.environ["PYCARET_CUSTOM_LOGGING_PATH"] = os.devnull  # else it leaves a file where it is called

import bank  # noqa: E402 - the number of threads is read at import
import decode  # noqa: E402
import documents  # noqa: E402
import end_to_end  # noqa: E402
import line  # noqa: E402
import memory  # noqa: E402
import prediction  # noqa: E402
import simulator  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402

PARTS = (bank, line, decode, documents, prediction, simulator, memory, end_to_end)


def main() -> None:
    """Measure and report, one part after another."""
    screen, rows = Console(), []
    table = Table("what", "ours, ms", "beside it", "its, ms", "ratio", title="medians, one thread")
    for part in PARTS:
        with screen.status(f"{part.__name__} ..."):
            rows += part.rows()
    for row in rows:
        ours, its = ("" if row[each] is None else f"{row[each]:.2f}" for each in ("ours_ms", "peer_ms"))
        table.add_row(row["name"], ours, row["peer"], its, f"{row['ratio']:.3g}")
    screen.print(table)
    Path(__file__).with_name("results.json").write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
