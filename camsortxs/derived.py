"""How conclusions are spelled: the derived Bluesky run (record) and the `camsortxs` key of the raw run (index).

Every identifier is computed from what it identifies, so that a repetition is recognised as one.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from camsortxs import __version__
from camsortxs.decision import technique_of
from camsortxs.records import Record
from camsortxs.summary import DetectorSummary, RunSummary
from camsortxs.techniques import TECHNIQUES, esrfet_terms, scicat_techniques

INDEX_KEY = "camsortxs"
STREAM = "primary"
PLACE_COLUMN = "raw_index"
_NAMESPACE = uuid5(NAMESPACE_URL, "camsortxs")
_MOMENTARY = ("by", "written")  # these differ each time that the same conclusion is drawn


def record_key(run: str, model: str) -> str:
    """Return the idempotency key of a run's record.

    >>> record_key("5f3c", "first@0.1.0")
    '5f3c-first-0.1.0'
    """
    return f"{run}-{model.replace('@', '-')}"


def start_document(run: str, model: str, *, time: float, **fields: Any) -> dict[str, Any]:
    """Return the start document of the derived run: its uid is the record key, `raw_uid` the run that it is about."""
    return {
        "uid": record_key(run, model),
        "time": time,
        "raw_uid": run,
        "model": model,
        "plan_name": "camsortxs",
        "camsortxs_version": __version__,
        **fields,
    }


def descriptor_document(run: str, model: str, *, time: float) -> dict[str, Any]:
    """Return the descriptor: one row per frame."""
    key = record_key(run, model)
    return {
        "uid": str(uuid5(_NAMESPACE, f"{key}/{STREAM}")),
        "run_start": key,
        "time": time,
        "name": STREAM,
        "data_keys": {name: {"source": "camsortxs", **kind} for name, kind in _COLUMNS.items()},
        "configuration": {},
        "hints": {},
        "object_keys": {},
    }


def event_document(record: Record, model: str, *, seq_num: int, time: float) -> dict[str, Any]:
    """Return the event of one frame; its uid follows from the frame, its `seq_num` from the order of writing.

    `model` is the one that the derived run is named after: the first that saw a frame of it. A reload while the run
    goes on has another answer for the rest, which the column `model` tells.
    """
    key = record_key(record.key.run, model)
    data = _row(record, time)
    return {
        "uid": str(uuid5(_NAMESPACE, f"{key}/{record.key}")),
        "descriptor": str(uuid5(_NAMESPACE, f"{key}/{STREAM}")),
        "time": time,
        "seq_num": seq_num,
        "data": data,
        "timestamps": dict.fromkeys(data, time),
        "filled": {},
    }


def stop_document(run: str, model: str, *, time: float, frames: int, index: Mapping[str, Any]) -> dict[str, Any]:
    """Return the stop document; it carries the index, so that one document tells a plan what the run is."""
    key = record_key(run, model)
    return {
        "uid": str(uuid5(_NAMESPACE, f"{key}/stop")),
        "run_start": key,
        "time": time,
        "exit_status": "success",
        "reason": "",
        "num_events": {STREAM: frames},
        INDEX_KEY: dict(index),
    }


def index_metadata(summary: RunSummary, records: Sequence[Record], *, model: str, by: str) -> dict[str, Any]:
    """Return the value of the `camsortxs` key on the raw run. A human label has its own field and is not in here."""
    technique = technique_of(summary.decided)
    return {
        "technique": str(technique) if technique else None,
        "decided": str(summary.decided),
        "probability": _rounded(summary.probability),
        "techniques": [entry for decided in summary.techniques for entry in scicat_techniques(decided)],
        "esrfet": [term for decided in summary.techniques for term in esrfet_terms(decided)],
        "detectors": [_detector(detector) for detector in summary.detectors],
        "frames": summary.frames,
        # Lists, not mappings: a merge patch replaces the one and mixes the other with what stood there.
        "rejected": [{"reason": reason, "count": count} for reason, count in summary.rejected.items()],
        "model": model,
        "feature_digest": records[0].feature_digest if records else None,
        "camsortxs_version": __version__,
        "by": by,
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def same_conclusion(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Say whether `other` says all that `one` does, whoever wrote it and whenever."""
    return all(other.get(name) == value for name, value in one.items() if name not in _MOMENTARY)


_STRING = {"dtype": "string", "shape": [], "dtype_numpy": "<U64"}
_NUMBER = {"dtype": "number", "shape": [], "dtype_numpy": "<f8"}
_INTEGER = {"dtype": "integer", "shape": [], "dtype_numpy": "<i8"}
_COLUMNS: dict[str, dict[str, Any]] = {
    "raw_stream": _STRING,
    "raw_data_key": _STRING,
    PLACE_COLUMN: _INTEGER,
    "detector": _STRING,
    "technique": _STRING,
    "decided": _STRING,
    **{f"p_{technique}": _NUMBER for technique in TECHNIQUES},
    "evidence": _STRING,
    "contradiction": _STRING,
    "flags": _STRING,
    "model": _STRING,
    "challenger": _STRING,
    "challenger_decided": _STRING,
    **{f"challenger_p_{technique}": _NUMBER for technique in TECHNIQUES},
    "seconds": _NUMBER,
    "latency": _NUMBER,
}


def _row(record: Record, time: float) -> dict[str, Any]:
    """Spell a record as one row of a table: "" and NaN stand for what there is not."""
    prediction, other = record.prediction, record.challenger
    return {
        "raw_stream": record.key.stream,
        "raw_data_key": record.key.data_key,
        PLACE_COLUMN: record.key.index,
        "detector": record.detector or "",
        "technique": str(prediction.technique or ""),
        "decided": str(prediction.decided),
        **_spelled("p", prediction.probabilities),
        "evidence": "; ".join(prediction.evidence),
        "contradiction": prediction.contradiction or "",
        "flags": "; ".join(prediction.flags),
        "model": record.model,
        "challenger": other.model if other else "",
        "challenger_decided": str(other.prediction.decided) if other else "",
        **_spelled("challenger_p", other.prediction.probabilities if other else None),
        "seconds": record.seconds,
        "latency": time - record.taken_at.timestamp() if record.taken_at else float("nan"),
    }


def _spelled(prefix: str, probabilities: Sequence[float] | None) -> dict[str, float]:
    values = probabilities or (float("nan"),) * len(TECHNIQUES)
    return {f"{prefix}_{technique}": value for technique, value in zip(TECHNIQUES, values, strict=True)}


def _detector(summary: DetectorSummary) -> dict[str, Any]:
    return {
        "stream": summary.stream,
        "data_key": summary.data_key,
        "detector": summary.detector,
        "technique": str(summary.technique) if summary.technique else None,
        "decided": str(summary.decided),
        "probability": _rounded(summary.probability),
        "probabilities": {str(t): round(p, 4) for t, p in zip(TECHNIQUES, summary.probabilities, strict=True)}
        if summary.probabilities
        else None,
        "frames": summary.frames,
        "no_signal": summary.no_signal,
        "disagreement": round(summary.disagreement, 4),
        "contradictions": list(summary.contradictions),
        "flags": [{"flag": str(flag), "count": count} for flag, count in sorted(summary.flags.items())],
    }


def _rounded(p: float | None) -> float | None:
    return None if p is None else round(p, 4)
