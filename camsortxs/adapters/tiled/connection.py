"""How to reach a catalogue, and what its errors mean to us."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from typing import Any

import httpx
from pydantic import SecretStr
from tiled.client import from_profile, from_uri
from tiled.client.container import Container
from tiled.client.context import CannotPrompt
from tiled.client.utils import ClientError

from camsortxs.derived import INDEX_KEY
from camsortxs.errors import SinkRejected, SinkUnavailable

SCOPES = ("read:metadata", "read:data", "create:node", "write:metadata", "write:data", "delete:node", "delete:revision")
"""What a key for the agent must allow; the last two are for a record that one who died left half written."""


class KeyMissing(httpx.HTTPError):
    """The catalogue wants an API key, and there is none."""


@dataclass(kw_only=True)
class Catalogue:
    """A lazily opened catalogue: nothing connects before the first use.

    `address` is a Tiled URI or the name of a Tiled/databroker profile; `raw_path` and `results_path` name the
    containers below it that hold the raw runs ("" for the root) and our records.

    In an `old` catalogue, one of databroker on MongoDB, a run has no place for our index but its start document, which
    many a site holds sacred: it goes there only with `write_start`.
    """

    address: str
    api_key: SecretStr | None = None
    raw_path: str = ""
    results_path: str = "camsortxs"
    write_start: bool = False

    @cached_property
    def root(self) -> Any:
        """The client of the address itself."""
        return open_catalogue(self.address, self.api_key)

    @cached_property
    def raw(self) -> Any:
        """The container of raw runs."""
        return _descend(self.root, self.raw_path, create=False)

    @cached_property
    def results(self) -> Any:
        """The container of records, made when it is not there."""
        return _descend(self.root, self.results_path, create=True)

    @cached_property
    def old(self) -> bool:
        """Whether the raw runs lie in MongoDB: metadata beside `start` is then taken, and not kept."""
        return not getattr(self.raw, "is_sql", True)

    @property
    def takes_index(self) -> bool:
        """Whether our index may stand on the raw runs."""
        return self.write_start or not self.old

    def run(self, uid: str) -> Any | None:
        """Fetch a raw run anew; None when there is none."""
        return fetch(self.raw, uid)

    def index_in(self, metadata: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return our index in the metadata of a raw run; empty when there is none, or what others put in its place."""
        home = (metadata.get("start") or {}) if self.old else metadata
        found = home.get(INDEX_KEY)
        return found if isinstance(found, Mapping) else {}

    def index_patch(self, index: Mapping[str, Any]) -> dict[str, Any]:
        """Return the merge patch that puts our index on a raw run."""
        patch = {INDEX_KEY: dict(index)}
        return {"start": patch} if self.old else patch

    def close(self) -> None:
        """Close its connections; the next use opens new ones."""
        for name in ("raw", "results", "old"):
            self.__dict__.pop(name, None)
        root = self.__dict__.pop("root", None)
        if root is not None:
            root.context.close()


def open_catalogue(address: str, api_key: SecretStr | None = None) -> Any:
    """Open a Tiled URI, or a Tiled/databroker profile by its name.

    Raises
    ------
    httpx.HTTPError
        When the server cannot be reached; `KeyMissing` when it wants a key and has none.
    tiled.profiles.ProfileNotFound
        When there is no such profile.
    """
    secret = api_key.get_secret_value() if api_key else None
    try:
        if "://" not in address:
            return from_profile(address, **({"api_key": secret} if secret else {}))
        return from_uri(address, api_key=None if "api_key=" in address else secret)
    except (RuntimeError, CannotPrompt) as error:  # it would have us call it another way, or type a name at a terminal
        raise KeyMissing(f"{address.split('?')[0]} wants an API key, and there is none") from error


@contextmanager
def as_sink_errors() -> Iterator[None]:
    """Turn what httpx and the server say into what it means for a write.

    Out of reach, overloaded, broken or not allowed (a key can be renewed): `SinkUnavailable`. A request that the
    server will never take: `SinkRejected`.
    """
    try:
        yield
    except KeyMissing as error:
        raise SinkUnavailable(str(error), retry_after=1.0) from error
    except httpx.HTTPStatusError as error:
        status = error.response.status_code
        if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            asked = f"Tiled does not take our API key for this ({str(error).splitlines()[0]})"
            raise SinkUnavailable(f"{asked}: it must be valid, with the scopes {', '.join(SCOPES)}") from error
        passing = status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in (
            HTTPStatus.REQUEST_TIMEOUT,
            HTTPStatus.CONFLICT,
            HTTPStatus.TOO_MANY_REQUESTS,
        )
        if passing:
            raise SinkUnavailable(f"Tiled answered {status}", retry_after=1.0) from error
        raise SinkRejected(f"tiled_{status}", f"Tiled refused the write: {error}") from error
    except (httpx.HTTPError, TimeoutError) as error:
        raise SinkUnavailable(f"Tiled cannot be reached: {type(error).__name__}", retry_after=1.0) from error


def fetch(container: Any, key: str) -> Any | None:
    """Fetch a node anew; None when there is none."""
    try:
        return container[key]
    except KeyError:
        return None
    except ClientError as error:
        if error.response.status_code == HTTPStatus.NOT_FOUND:
            return None
        raise


def _descend(node: Any, path: str, *, create: bool) -> Any:
    for name in filter(None, path.split("/")):
        try:
            node = node[name]
        except KeyError:
            if not create:
                raise
            node = _create_or_get(node, name)
    return node


def _create_or_get(parent: Container, name: str) -> Any:
    try:
        return parent.create_container(name)
    except httpx.HTTPStatusError as error:
        if error.response.status_code != HTTPStatus.CONFLICT:
            raise
        return parent[name]
