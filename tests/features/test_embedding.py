import numpy as np
import pytest

from camsortxs.errors import ModelError
from camsortxs.features.catalogue import CATALOGUE, HANDMADE
from camsortxs.features.chain import Chain
from camsortxs.features.embedding import PICTURE_SIDE, Seen, picture_of
from camsortxs.features.lenet import MAP_COLUMNS


class Counting:
    """An embedding that tells how often it looked, and whose map is the picture."""

    name, version, sha256 = "lenet", "0.0.0", "f" * 64

    def __init__(self) -> None:
        self.looked = 0

    def look(self, picture):
        self.looked += 1
        channels = np.repeat(picture[..., None], 16, axis=2) * np.arange(16, dtype=np.float32)
        return Seen(
            probabilities=np.full(4, 0.25, np.float32),
            numbers=np.arange(84, dtype=np.float32),
            map=channels,
            weights=np.zeros((4, 16), np.float32),
        )


def test_the_catalogue_lists_25_and_says_which_need_a_network():
    assert len(CATALOGUE) == 25
    assert len(HANDMADE) == 17
    assert {item.embedding for item in CATALOGUE.values()} - {None} == {
        *("lenet", "mobilenet_025", "mobilenet_v2_035", "mobilenet_v3_small_075"),
        *("efficientnet_v2_b0_025", "densenet21", "resnet50_v2_025"),
    }


def test_one_look_serves_all_the_representations_of_a_network(make_frame):
    embedding = Counting()
    features = Chain(["lenet.dense", "lenet.map"], {"lenet": embedding}).featurize([make_frame(0), make_frame(1)])

    assert embedding.looked == 2
    assert features.values[0, :84].tolist() == list(range(84))


def test_the_map_is_told_by_quarters(make_frame):
    image = np.zeros((256, 256))
    image[:128, 128:] = 1000.0
    chain = Chain(["lenet.map"], {"lenet": Counting()})
    values = dict(zip(MAP_COLUMNS, chain.featurize([make_frame(image=image, mask=image < 0)]).values[0], strict=True))

    assert values["r0c1.k15"] == pytest.approx(15.0, abs=0.2)
    assert max(abs(values[f"{part}.k15"]) for part in ("r0c0", "r1c0", "r1c1")) < 0.2
    assert values["r0c1.k00"] == 0.0


def test_a_missing_network_is_an_error_that_says_what_to_do():
    with pytest.raises(ModelError, match=r"deep\.densenet21 cannot be computed .* `camsortxs train-embedding`"):
        Chain(["glcm.d1", "deep.densenet21"])


def test_the_digest_follows_the_weights():
    first, second = Counting(), Counting()
    second.sha256 = "e" * 64
    digests = {Chain(["lenet.dense"], {"lenet": embedding}).digest for embedding in (first, second)}

    assert len(digests) == 2


def test_a_picture_has_no_edges_where_pixels_are_bad(standard_from):
    """A bright plane with a gap: what fills the gap is as bright as what is beside it."""
    rows, columns = np.mgrid[:256, :256]
    mask = (rows > 100) & (rows < 110)
    image = np.where(mask, 4e9, np.exp(5 + (rows + columns) / 256))
    picture = picture_of(standard_from(image, mask))

    assert picture.shape == (PICTURE_SIDE, PICTURE_SIDE)
    assert picture.dtype == np.float32
    assert np.abs(np.diff(picture[:, 20:-20], axis=0)).max() < 0.05
