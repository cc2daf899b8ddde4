"""Which run a Bluesky document is of, as far as it says so."""

from collections.abc import Mapping
from typing import Any

NAMES_ITS_RUN = dict.fromkeys(("descriptor", "resource", "stream_resource", "stop"), "run_start")
NAMES_ANOTHER = {
    "event": "descriptor",
    "event_page": "descriptor",
    "datum": "resource",
    "datum_page": "resource",
    "stream_datum": "stream_resource",
}
LEADS_ON = ("descriptor", "resource", "stream_resource")
"""Those that other documents name in the place of their run."""


def run_of(name: str, document: Mapping[str, Any], known: Mapping[str, str]) -> str | None:
    """Return the run of a document, which may be garbage; None when it does not tell.

    `known` is the run of each document that another one may name: descriptors and (stream) resources, by their uid.

    >>> run_of("event", {"descriptor": "d"}, {"d": "5f3c"})
    '5f3c'
    """
    if name == "start":
        uid = document.get("uid")
    elif name in NAMES_ITS_RUN:
        uid = document.get(NAMES_ITS_RUN[name])
    else:
        other = document.get(NAMES_ANOTHER.get(name, ""))
        uid = known.get(other) if isinstance(other, str) else None
    return uid if isinstance(uid, str) else None
