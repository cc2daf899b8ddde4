"""The four techniques, a 2 x 2 of geometry by angle, and the policy that labels a frame."""

from enum import StrEnum

PANET = "http://purl.org/pan-science/PaNET/"
ESRFET = "https://w3id.org/PaN/ESRFET#"

SMALL_Q90 = 0.5
"""A frame is small-angle when the 90th percentile of |q| over its valid pixels is at most this (1/angstrom)."""
WIDE_Q90 = 1.0
"""... and wide-angle from here on (1/angstrom); between the two lies `mid`, never scored as an error."""


class Technique(StrEnum):
    """The techniques, in the order of every probability vector of this project."""

    SAXS = "SAXS"
    WAXS = "WAXS"
    GISAXS = "GISAXS"
    GIWAXS = "GIWAXS"

    @property
    def grazing(self) -> bool:
        """True for the techniques at grazing incidence."""
        return self in (Technique.GISAXS, Technique.GIWAXS)

    @property
    def wide(self) -> bool:
        """True for the techniques at wide angle."""
        return self in (Technique.WAXS, Technique.GIWAXS)

    @classmethod
    def of(cls, *, grazing: bool, wide: bool) -> "Technique":
        """Name a cell of the 2 x 2.

        >>> str(Technique.of(grazing=True, wide=False))
        'GISAXS'
        """
        return next(t for t in cls if t.grazing == grazing and t.wide == wide)


class Parent(StrEnum):
    """What can still be said when one of the two bits is not sure; `unknown` when neither is."""

    GRAZING = "grazing incidence"
    TRANSMISSION = "transmission"
    SMALL = "small angle"
    WIDE = "wide angle"
    UNKNOWN = "unknown"
    NO_SIGNAL = "no_signal"


Decision = Technique | Parent

TECHNIQUES: tuple[Technique, ...] = tuple(Technique)

_PIDS: dict[Decision, str] = {
    Technique.SAXS: "PaNET01188",
    Technique.WAXS: "PaNET01191",
    Technique.GISAXS: "PaNET01162",
    Technique.GIWAXS: "PaNET01316",
    Parent.SMALL: "PaNET01124",
}


def scicat_techniques(decided: Decision) -> list[dict[str, str]]:
    """Return the decision as SciCat spells it: `[{"pid", "name"}]`, empty where PaNET has no term.

    >>> scicat_techniques(Technique.SAXS)
    [{'pid': 'http://purl.org/pan-science/PaNET/PaNET01188', 'name': 'SAXS'}]
    """
    pid = _PIDS.get(decided)
    return [{"pid": PANET + pid, "name": str(decided)}] if pid else []


def esrfet_terms(decided: Decision) -> list[str]:
    """Return the decision as a term of the ESRF's ontology: it has one for each of the four, none for parents.

    >>> esrfet_terms(Technique.GISAXS)
    ['https://w3id.org/PaN/ESRFET#GISAXS']
    """
    return [ESRFET + decided] if isinstance(decided, Technique) else []


def regime(q90: float) -> str:
    """Say `small`, `mid` or `wide` for a 90th percentile of |q| in 1/angstrom.

    >>> regime(0.3), regime(0.7), regime(2.0)
    ('small', 'mid', 'wide')
    """
    if q90 <= SMALL_Q90:
        return "small"
    return "wide" if q90 >= WIDE_Q90 else "mid"
