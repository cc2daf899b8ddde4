"""The model card: what a bundle is, on what it was trained, how good it is, and where it ends."""

from typing import Any

from camsortxs.classifiers.bundle import Manifest


def card(manifest: Manifest, metrics: dict[str, Any], command: str) -> str:
    """Return the card of a bundle in Markdown; `metrics` are those of `camsortxs.offline.evaluate`, out of fold."""
    figures = "\n".join(
        f"| {name} | {value['value']:.3f} | {value['interval'][0]:.3f} - {value['interval'][1]:.3f} |"
        for name, value in metrics["by_frame"].items()
        if value["value"] is not None and value["interval"]
    )
    names = ", ".join(manifest.features.representations)
    recall = ", ".join(f"{name} {value['recall']:.2f}" for name, value in metrics["recall"].items())
    return f"""# {manifest.name} {manifest.version}

Tells SAXS, WAXS, GISAXS and GIWAXS apart from one detector frame.
{manifest.estimator} on {len(manifest.features.names)} numbers a frame ({names}), served by ONNX;
licence {manifest.licence}.

- Trained on {manifest.training.frames} frames in {manifest.training.groups} groups: {manifest.training.description}.
- Command: `{command}`
- Temperature {manifest.temperature:.3f}; below a probability of {manifest.threshold:.2f} it does not name a technique.

## On its own kind: out of fold, groups kept together

| metric | value | 95 % interval |
|---|---|---|
{figures}

Recall: {recall}. These are figures on the training distribution: frames of real instruments are harder.

## Limits

- Small and wide angle differ in q, which an image does not carry: give distance, wavelength and pixel size where known.
- Frames without scattering are sorted out before this model sees them.
"""
