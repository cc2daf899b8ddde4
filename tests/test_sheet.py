import numpy as np
import pytest
from PIL import Image

# matplotlib 3.7, which pycaret holds us to, calls pyparsing by names that pyparsing has since renamed.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:matplotlib")


@pytest.fixture
def sheet():
    from camsortxs import sheet  # here, where the filter holds

    return sheet


def test_a_thumbnail_is_small_bright_where_the_light_is_and_grey_where_pixels_are_bad(sheet):
    rows, columns = np.mgrid[:1000, :400]
    image = 1e4 / (1 + np.hypot(rows - 500, columns - 200))
    mask = np.zeros(image.shape, dtype=bool)
    mask[:100] = True
    small = sheet.thumbnail(image, mask)
    assert small.shape[0] <= sheet.SIZE
    assert small.shape[0] / small.shape[1] == pytest.approx(2.5, rel=0.02)
    assert small[small.shape[0] // 2, small.shape[1] // 2].sum() > small[-1, -1].sum()
    assert np.allclose(small[0, 0], (0.23, 0.25, 0.28))


def test_a_dark_frame_and_one_without_a_valid_pixel_have_thumbnails(sheet):
    assert sheet.thumbnail(np.zeros((50, 60))).max() <= 0.1
    assert np.allclose(sheet.thumbnail(np.full((50, 60), np.nan), np.ones((50, 60), dtype=bool)), (0.23, 0.25, 0.28))


def test_the_border_says_right_or_wrong(sheet, tmp_path):
    image = sheet.thumbnail(np.ones((64, 64)))
    right = sheet.Picture(image=image, name="a", truth="SAXS", label="SAXS", probability=0.9, correct=True)
    wrong = sheet.Picture(image=image, name="b", truth="SAXS", label="WAXS", probability=0.6, correct=False)
    for picture, green in ((right, True), (wrong, False)):
        path = tmp_path / "out" / f"{picture.name}.png"
        sheet.draw_sheet([picture], path, title="one")
        pixels = np.asarray(Image.open(path).convert("RGB")) / 255.0
        red_minus_green = (pixels[..., 0] - pixels[..., 1]).reshape(-1)
        assert (np.percentile(red_minus_green, 0.1) < -0.3) is np.bool_(green)


def test_a_sheet_of_nothing_is_still_a_sheet(sheet, tmp_path):
    sheet.draw_sheet([], tmp_path / "empty.png", title="nothing")
    assert (tmp_path / "empty.png").stat().st_size > 0
