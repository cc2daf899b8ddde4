"""How a command prints."""

from enum import StrEnum


class Format(StrEnum):
    """A table for people, or one JSON object a line for programs."""

    TABLE = "table"
    JSON = "json"
