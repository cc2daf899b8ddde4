from functools import partial

import pytest

from camsortxs import simulate
from camsortxs.cli.drawn_pictures import draw_pictures
from camsortxs.features.embedding import PICTURE_SIDE


def test_frames_are_drawn_once_and_not_those_of_the_classifier(tmp_path, monkeypatch):
    seeds = []

    def drawing(*arguments, seed, **options):
        seeds.append(seed)
        return simulate_as_it_is(*arguments, seed=seed, shape=(96, 96), **options)

    simulate_as_it_is = simulate.draw_many
    monkeypatch.setattr(simulate, "draw_many", drawing)
    first = draw_pictures(8, 5, work=tmp_path)
    again = draw_pictures(8, 5, work=tmp_path)

    assert len(seeds) == 1
    assert seeds[0] not in (5, 5 + 1_000_003)
    assert first.digest == again.digest
    assert first.images.shape == (8, PICTURE_SIDE, PICTURE_SIDE)
    assert first.labels.tolist() == [0, 1, 2, 3] * 2


def test_a_cut_off_draw_leaves_nothing_that_is_taken_for_it(tmp_path, monkeypatch):
    monkeypatch.setattr(simulate, "draw_many", partial(simulate.draw_many, shape=(96, 96)))

    def cut_off(drawn):
        yield next(iter(drawn))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        draw_pictures(8, 5, work=tmp_path, track=cut_off)
    assert len(draw_pictures(8, 5, work=tmp_path).labels) == 8
