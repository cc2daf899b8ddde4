"""The model card: what a bundle is, on what it was trained, how good it is, and where it ends."""

from typing import Any

from camsortxs.classifiers.bundle import Manifest


def card(manifest: Manifest, metrics: dict[str, Any], command: str) -> str:
    """Return the card of a bundle in Markdown; `metrics` are those of `out_of_fold_figures`."""
    names = ", ".join(manifest.features.representations)
    called = " and ".join(dict.fromkeys(manifest.classifiers)) or manifest.estimator
    votes = f" ({len(manifest.classifiers)} vote)" if len(manifest.classifiers) > 1 else ""
    return f"""# {manifest.name} {manifest.version}

Tells SAXS, WAXS, GISAXS and GIWAXS apart from one detector frame.
{called}{votes} on {len(manifest.features.names)} numbers a frame ({names}), served by ONNX;
licence {manifest.licence}.

- Trained on {manifest.training.frames} frames in {manifest.training.groups} groups: {manifest.training.description}.
- Command: `{command}`
- Temperature {manifest.temperature:.3f}. A technique is named when no other reaches a probability of
  {manifest.threshold:.2f} and it is more probable than all others together.

## Intended use

To say which technique a frame was taken with, where nobody wrote it down, and to find frames that are labelled wrongly.
Not to steer an instrument, and not to decide whether data are good.

## From the image alone, on sources held out

{metrics["frames"]} {metrics.get("judged_on", "")} frames of {metrics["groups"]} sources, each answered by a model that
had not seen its source; intervals resample sources. Settings and simulator were chosen with these frames in view: take
the figures for a little better than those of the next instrument.

| metric | by frame | 95 % interval | by source, each the same | 95 % interval |
|---|---|---|---|---|
{_figures(metrics)}

`coverage` is the share of frames whose technique it names, `accuracy_when_sure` how many of those are right.

| technique | frames | sources | named rightly |
|---|---|---|---|
{_recall(metrics)}

## Limits

- Small and wide angle differ in q, which an image does not carry: give distance, wavelength and pixel size where known.
  What headers say is weighed with these probabilities, and mends most of what the image leaves open.
- Frames without scattering are sorted out before this model sees them; what is left of them it should call unknown.
- `camsortxs evaluate` answers for frames in the training set as this card does: as while their source was held out.
"""


def _figures(metrics: dict[str, Any]) -> str:
    rows = []
    for name, value in metrics["by_frame"].items():
        cells = [cell for one in (value, metrics["by_group"][name]) for cell in _cells(one)]
        rows.append(f"| {' | '.join([name, *cells])} |")
    return "\n".join(rows)


def _cells(figure: dict[str, Any]) -> tuple[str, str]:
    value, interval = figure["value"], figure["interval"]
    return (
        "" if value is None else f"{value:.3f}",
        "" if interval is None else f"{interval[0]:.3f} - {interval[1]:.3f}",
    )


def _recall(metrics: dict[str, Any]) -> str:
    return "\n".join(
        f"| {name} | {one['frames']} | {one['groups']} | {one['recall']:.2f} |"
        for name, one in metrics["recall"].items()
    )
