"""What is said beside the technique of a frame: why it shows nothing, and what to be careful of."""

from enum import StrEnum


class Flag(StrEnum):
    """The flags that a frame can get, as they are written.

    `DARK`, `DIRECT_BEAM`, `FLAT` and `FEW_PIXELS` say why a frame is `no_signal`. `MID`: its q-range lies between small
    and wide angle. `METADATA_CONFLICT`: metadata and image contradict each other.

    Source: `SIMULATION.md` section 6, as far as a frame or its metadata can tell: a calibrant is none to the eye.
    """

    DARK = "dark"
    DIRECT_BEAM = "direct_beam"
    FLAT = "flat"
    FEW_PIXELS = "few_pixels"
    MID = "mid"
    METADATA_CONFLICT = "metadata_conflict"
