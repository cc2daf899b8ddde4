import os
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
import tifffile

from camsortxs import signal, simulate
from camsortxs.cli.sources import Archive, DrawnFrames, FolderTable
from camsortxs.features.chain import Chain
from camsortxs.frames import Rejected
from camsortxs.offline.cache import FeatureCache
from camsortxs.offline.dataset import LabelledFrame
from camsortxs.offline.gather import gather
from camsortxs.techniques import SMALL_Q90, WIDE_Q90

SHAPE = (96, 96)
HEADER = "file,technique,source,hdf5_dataset,frame_index\n"


def read(source):
    return [found for piece in source.pieces() for found in piece.read()]


@pytest.fixture
def folder(tmp_path):
    """Two images of two sources and a file that is none."""
    for name, kind in (("a.tif", "SAXS"), ("b.tif", "GIWAXS")):
        tifffile.imwrite(tmp_path / name, simulate.draw(kind, seed=1, shape=SHAPE).image)
    (tmp_path / "c.tif").write_bytes(b"not a TIFF")
    table = tmp_path / "labels.csv"
    table.write_text(HEADER + "a.tif,SAXS,one,,\nb.tif,none,two,,\nc.tif,WAXS,two,,\n")
    return tmp_path


def test_drawn_frames_come_in_turn():
    source = DrawnFrames(kinds=("SAXS", "WAXS", "flat_field"), number=60, seed=2, shape=SHAPE)
    drawn = [simulate.draw(("SAXS", "WAXS", "flat_field")[i % 3], seed=2, index=i // 3, shape=SHAPE) for i in range(60)]
    drawn = [one for one in drawn if one.technique or not signal.no_signal(one.frame())]
    found = read(source)

    assert source.count() == 60
    assert 40 < len(found) == len(drawn) < 60, "what is withheld before any classifier is no lesson"
    assert all(np.array_equal(one.frame.image, other.image) for one, other in zip(found, drawn, strict=True))
    empty = [one for one, other in zip(found, drawn, strict=True) if other.technique is None]
    assert {one.target for one in empty} == {(0.25, 0.25, 0.25, 0.25)}
    assert {one.origin for one in found} == {"simulated"}
    assert all(one.group == f"simulated {one.frame.detector}" for one in found)


def test_what_lies_between_small_and_wide_angle_shares_the_target_unless_it_is_to_be_hard(monkeypatch):
    draw, between = simulate.draw, (SMALL_Q90 + WIDE_Q90) / 2
    monkeypatch.setattr(simulate, "draw", lambda *a, **k: replace(draw(*a, **k), q90=between, flags=("mid",)))
    for hard, expected in ((False, (0.5, 0.5, 0.0, 0.0)), (True, (0.0, 1.0, 0.0, 0.0))):
        (found,) = read(DrawnFrames(kinds=("WAXS",), number=1, seed=2, shape=SHAPE, hard=hard))
        assert found.target == pytest.approx(expected)


def test_every_drawn_frame_has_its_own_key():
    sources = [
        DrawnFrames(kinds=("SAXS", "WAXS"), number=4, seed=1),
        DrawnFrames(kinds=("SAXS", "WAXS"), number=4, seed=2),
        DrawnFrames(kinds=("SAXS", "WAXS"), number=4, seed=1, shape=SHAPE),
        DrawnFrames(kinds=("SAXS", "WAXS"), number=4, seed=1, hard=True),
    ]

    assert len({piece.key for source in sources for piece in source.pieces()}) == 16
    assert {p.key for p in sources[0].pieces()} <= {
        p.key for p in DrawnFrames(kinds=("SAXS", "WAXS"), number=9, seed=1).pieces()
    }


def test_a_table_gives_what_can_be_read_and_says_what_not(folder):
    source = FolderTable(labels=folder / "labels.csv", folder=folder)

    first, second, broken = read(source)

    assert source.count() == 3
    assert (first.group, first.target, first.origin) == ("one", (1.0, 0.0, 0.0, 0.0), "measured")
    assert second.target == (0.25, 0.25, 0.25, 0.25)
    assert first.frame.geometry is None
    assert isinstance(broken, Rejected)
    assert str(folder) not in source.words


def test_another_label_or_another_file_is_another_piece(folder):
    table = folder / "labels.csv"

    def keys():
        return [piece.key for piece in FolderTable(labels=table, folder=folder).pieces()]

    before = keys()
    assert keys() == before
    table.write_text(table.read_text().replace("b.tif,none", "b.tif,SAXS"))
    assert [one == other for one, other in zip(keys(), before, strict=True)] == [True, False, True]
    os.utime(folder / "a.tif", ns=(1, 1))
    assert [one == other for one, other in zip(keys(), before, strict=True)] == [False, False, True]
    (folder / "a.tif").unlink()
    assert keys()[0] is None


def test_a_label_that_was_mended_is_learnt_from_without_computing_again(folder, tmp_path):
    chain, table = Chain(["histogram.statistics"]), folder / "labels.csv"
    with closing(FeatureCache(tmp_path / "features.sqlite")) as cache:
        gather([FolderTable(labels=table, folder=folder)], chain, cache=cache)
        table.write_text(table.read_text().replace("b.tif,none", "b.tif,GIWAXS"))
        again = gather([FolderTable(labels=table, folder=folder)], chain, cache=cache)

    assert again.dataset.targets[1].tolist() == [0, 0, 0, 1]
    assert again.known == 2


@pytest.fixture
def archive(catalogue, begin_raw_run):
    """A site that writes its labels into the start document, and one person who has labelled a run."""
    images = [np.stack([simulate.draw(k, seed=3, index=i, shape=SHAPE).image for i in range(4)]) for k in ("SAXS",) * 2]
    begin_raw_run(frames=images[0].astype(np.int32), technique="saxs", sample="A", beamline_id="B")
    begin_raw_run(frames=images[1].astype(np.int32), technique="USAXS", sample="A", beamline_id="B")
    dark = np.zeros((4, *SHAPE), np.int32)
    person = begin_raw_run(frames=dark, technique="WAXS", sample="C", beamline_id="B")
    catalogue.raw[person].patch_metadata(
        {"camsortxs": {"human": {"technique": "none"}}}, content_type="application/merge-patch+json"
    )
    begin_raw_run(frames=dark, technique="WAXS", sample="D", beamline_id="B")
    begin_raw_run(frames=dark)
    return Archive(catalogue=catalogue, label_key="technique", per_run=2)


def test_an_archive_gives_labelled_frames_and_leaves_darks_and_foreign_labels_out(archive):
    found = read(archive)

    labelled = [(one.group, one.target[0], one.origin) for one in found if isinstance(one, LabelledFrame)]
    assert labelled == [("B C", 0.25, "measured")] * 2 + [("B A", 1.0, "measured")] * 2
    assert [one.reason for one in found if isinstance(one, Rejected)] == ["bad_label", "no_signal", "no_signal"]


def test_archived_frames_are_fetched_once(archive, tmp_path, monkeypatch):
    chain = Chain(["histogram.statistics"])
    with closing(FeatureCache(tmp_path / "features.sqlite")) as cache:
        first = gather([archive], chain, cache=cache)
        fetched = []
        as_it_is = __import__("camsortxs.adapters.tiled", fromlist=["frames_of_run"]).frames_of_run
        monkeypatch.setattr(
            "camsortxs.adapters.tiled.frames_of_run",
            lambda catalogue, uid, **more: fetched.append(uid) or as_it_is(catalogue, uid, **more),
        )
        again = gather([archive], chain, cache=cache)

    assert again.dataset.digest == first.dataset.digest
    assert again.known == 4
    assert len(fetched) == 1  # the run of darks that it said were signal; what failed is tried again
