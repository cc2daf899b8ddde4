"""Every benchmark: medians, interleaved in one run, one thread.

    make bench

prints a table and writes `benchmarks/results.json`. Absolute times are those of the machine at hand; compare ratios.
"""

import json
import os
from pathlib import Path

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = "1"

import bank  # noqa: E402 - the number of threads is read at import
import line  # noqa: E402
import simulator  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402


def main() -> None:
    """Measure and report."""
    rows = [*bank.rows(), *line.rows(), *simulator.rows()]
    table = Table("what", "ours, ms", "beside it", "its, ms", "ratio", title="medians, one thread")
    for row in rows:
        table.add_row(row["name"], f"{row['ours_ms']:.2f}", row["peer"], f"{row['peer_ms']:.2f}", f"{row['ratio']:.3g}")
    Console().print(table)
    Path(__file__).with_name("results.json").write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
