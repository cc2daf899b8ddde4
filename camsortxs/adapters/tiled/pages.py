"""The nodes of a container page by page, and how to begin where an earlier listing ended."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlparse

from tiled.client.container import Container
from tiled.client.utils import MSGPACK_MIME_TYPE, client_for_item, handle_error, retry_context
from tiled.queries import KeysFilter

SIZE = 100
"""Nodes a page; Tiled answers at most 300."""

_KEYS_NEWEST_FIRST = {"sort": ["-"], "fields": [""]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Nodes with their keys, and the cursor behind them: None at the end, and where a server has no cursors."""

    nodes: tuple[tuple[str, Any], ...]
    cursor: int | None


def pages(container: Any, *, after: int | None = None) -> Iterator[Page]:
    """Yield the nodes of a container, or of a search in it, in the order in which they were made.

    Tiled's own client begins at the first node, or counts nodes to skip them. A cursor is the primary key of a node:
    the server finds it without a look at those before it. A server that knows none begins at the first node.

    Raises
    ------
    httpx.HTTPError
        When the server is out of reach, or refuses.
    """
    begin = "" if after is None else f"&page[cursor]={after}"
    link: str | None = f"{container.item['links']['search']}?page[limit]={SIZE}{begin}"
    while link is not None:
        content = _get(container, link, {})
        link = content["links"]["next"]
        yield Page(nodes=tuple(_nodes(container, content)), cursor=_cursor(link))


def newest(container: Any, *, back: int = 1) -> int | None:
    """Return the cursor of the newest node, or of the one `back` - 1 before it; None when there are not more.

    One request, which counts the nodes too: Tiled knows no other way to tell.
    """
    link = f"{container.item['links']['search']}?page[limit]={back}"
    return _cursor(_get(container, link, _KEYS_NEWEST_FIRST)["links"]["next"])


def named(container: Any, keys: Sequence[str]) -> Iterator[tuple[str, Any]]:
    """Yield those of the named nodes that are in the container, or in a search in it; one request a hundred."""
    for first in range(0, len(keys), SIZE):
        found = Container.search(container, KeysFilter(list(keys[first : first + SIZE])))
        for page in pages(found):
            yield from page.nodes


def _nodes(container: Any, content: Any) -> Iterator[tuple[str, Any]]:
    for item in content["data"]:
        yield item["id"], client_for_item(container.context, container.structure_clients, item)


def _get(container: Any, link: str, options: dict[str, list[str]]) -> Any:
    queries = container._queries_as_params  # noqa: SLF001 - the client has no other way to begin at a cursor
    params = {**parse_qs(urlparse(link).query), **queries, **options}
    for attempt in retry_context():
        with attempt:
            answer = container.context.http_client.get(link, headers={"Accept": MSGPACK_MIME_TYPE}, params=params)
            return handle_error(answer).json()
    raise AssertionError("retry_context ends with an answer or an error")


def _cursor(link: str | None) -> int | None:
    values = parse_qs(urlparse(link).query).get("page[cursor]") if link else None
    return int(values[0]) if values else None
