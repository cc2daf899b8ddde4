"""A key of Tiled that allows what the agent does, and no more: a server with users, who make such keys."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from pydantic import SecretStr
from support.leftovers import LEAVES_SOCKETS, collect_sockets
from support.outcomes import MODEL, whole_run
from support.tiled_users import TiledUsers, tiled_with_users

from camsortxs import derived
from camsortxs.adapters.tiled import Catalogue, TiledSink
from camsortxs.adapters.tiled.connection import SCOPES
from camsortxs.errors import SinkUnavailable
from camsortxs_agent.demo.tiled_server import TiledServer

pytestmark = LEAVES_SOCKETS

HOW_TO = Path(__file__).resolve().parents[2] / "docs/how-to/run-the-agent.md"


@pytest.fixture(scope="module")
def users(tmp_path_factory) -> Iterator[TiledUsers]:
    with tiled_with_users(tmp_path_factory.mktemp("users")) as server:
        yield server


@pytest.fixture(scope="module")
def tiled_server(users) -> TiledServer:
    """What raw runs are written with."""
    return TiledServer(uri=users.uri, api_key=users.make_key(SCOPES))


@pytest.fixture
def with_key(catalogue) -> Iterator[Callable[[str], Catalogue]]:
    """Open the catalogue of the test with another key."""
    with ExitStack() as stack:

        def make(key: str) -> Catalogue:
            opened = Catalogue(
                address=catalogue.address,
                api_key=SecretStr(key),
                raw_path=catalogue.raw_path,
                results_path=catalogue.results_path,
            )
            return stack.enter_context(closing(opened))

        yield make


@pytest.fixture(autouse=True)
def _no_sockets_left() -> Iterator[None]:
    yield
    collect_sockets()


def leave_half_written(catalogue: Catalogue, run: str) -> None:
    """Begin the record of a run, as one who died an hour ago did."""
    start = derived.start_document(run, MODEL, time=0.0)
    catalogue.results.create_container(derived.record_key(run, MODEL), metadata={"start": start})


def test_with_these_scopes_all_is_written_even_what_another_left_half_written(
    users, catalogue, with_key, begin_raw_run
):
    run, other = begin_raw_run(), begin_raw_run()
    leave_half_written(catalogue, other)
    sink = TiledSink(with_key(users.make_key(SCOPES)), by="agent")
    for each in (run, other):
        sink.write(whole_run(each))
        assert "stop" in catalogue.results[derived.record_key(each, MODEL)].metadata
        assert catalogue.raw[each].metadata["camsortxs"]["technique"] == "GISAXS"


@pytest.mark.filterwarnings("ignore:The callback .* raised:UserWarning")  # TiledWriter says what it raises
@pytest.mark.parametrize("scope", SCOPES)
def test_without_one_of_them_the_run_waits_and_says_which(users, catalogue, with_key, begin_raw_run, scope):
    run = begin_raw_run()
    leave_half_written(catalogue, run)
    key = users.make_key([each for each in SCOPES if each != scope])
    with pytest.raises(SinkUnavailable, match=rf"does not take our API key .*Requires scopes .*'{scope}'") as caught:
        TiledSink(with_key(key), by="agent").write(whole_run(run))
    assert "create:node" in str(caught.value)
    assert key not in str(caught.value)


def test_a_key_that_nobody_made_is_said_to_be_invalid(with_key, begin_raw_run):
    key = "ab" * 20
    with pytest.raises(SinkUnavailable, match="Invalid API key") as caught:
        TiledSink(with_key(key), by="agent").write(whole_run(begin_raw_run()))
    assert key not in str(caught.value)


def test_no_key_where_one_is_wanted_is_said_to_be_missing(with_key, begin_raw_run):
    with pytest.raises(SinkUnavailable, match="wants an API key, and there is none"):
        TiledSink(with_key(""), by="agent").write(whole_run(begin_raw_run()))


@pytest.mark.parametrize("scope", SCOPES)
def test_the_guide_names_each_of_them(scope):
    assert f"--scopes {scope}" in HOW_TO.read_text()
