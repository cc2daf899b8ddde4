import hashlib

import numpy as np
import pytest

from camsortxs.signal import no_signal
from camsortxs.simulate import KINDS, draw, draw_many
from camsortxs.techniques import TECHNIQUES, regime


def digest(drawn) -> str:
    return hashlib.sha256(drawn.image.tobytes() + drawn.mask.tobytes() + repr(drawn.geometry).encode()).hexdigest()


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_arguments_draw_the_same_frame_bit_by_bit(kind):
    assert digest(draw(kind, seed=3, index=2)) == digest(draw(kind, seed=3, index=2))
    assert digest(draw(kind, seed=3, index=2)) != digest(draw(kind, seed=4, index=2))


def test_processes_change_nothing():
    options = {"count": 6, "seed": 5, "shape": (90, 80)}

    alone = [digest(one) for one in draw_many(("SAXS", "GIWAXS"), **options)]
    together = [digest(one) for one in draw_many(("SAXS", "GIWAXS"), processes=2, **options)]

    assert alone == together


@pytest.mark.parametrize("technique", TECHNIQUES)
def test_the_label_policy_holds_for_every_frame(technique):
    for index in range(12):
        drawn = draw(str(technique), seed=11, index=index)
        # The mask may move q90 a little over the border that the set-up was drawn for.
        assert regime(drawn.q90) in ("wide" if technique.wide else "small", "mid")
        assert drawn.technique is technique
        assert (drawn.geometry.incidence_angle is not None) == technique.grazing


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_passes_the_checks_of_a_frame_and_of_its_shape(kind):
    frame = draw(kind, seed=2, shape=(200, 150)).frame(with_geometry=True)

    assert frame.image.shape == (200, 150)
    assert frame.geometry.distance > 0


def test_geometry_is_withheld_unless_asked_for():
    assert draw("SAXS", seed=1, shape=(90, 80)).frame().geometry is None


@pytest.mark.parametrize(("kind", "share"), [("dark", 0.95), ("shutter_closed", 0.95), ("direct_beam", 0.8)])
def test_frames_with_nothing_in_them_are_caught_before_the_classifier(kind, share):
    caught = [no_signal(draw(kind, seed=8, index=index).frame()) is not None for index in range(24)]

    assert np.mean(caught) >= share


def test_a_dark_has_few_counts_in_few_pixels():
    drawn = draw("dark", seed=3, shape=(1043, 981))
    lit = drawn.image[~drawn.mask & (drawn.image > 0)]

    assert np.median(lit) <= 3
    assert lit.size < 0.01 * drawn.image.size


def test_a_sideways_sample_leaves_the_detector_as_it_is():
    shapes = {draw("GISAXS", seed=4, index=index, shape=(120, 100)).image.shape for index in range(30)}

    assert shapes == {(120, 100)}


def test_scattering_is_hardly_ever_taken_for_nothing():
    lost = [no_signal(draw(str(t), seed=9, index=index).frame()) for t in TECHNIQUES for index in range(15)]

    assert sum(reason is not None for reason in lost) <= 3
