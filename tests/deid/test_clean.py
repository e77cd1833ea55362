"""What is blanked of what was found, and when blanking would be worse than refusing."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pydicom.dataset import Dataset

from config.errors import PixelsNotCleared
from deid.blank.region import Rectangle
from deid.blank.shape import PixelShape
from deid.clean import require_image_left

SHAPE = PixelShape(100, 200, 1, 1, 8, 8, 7, signed=False, photometric="MONOCHROME2", planar=False)
US, SC = "1.2.840.10008.5.1.4.1.1.6.1", "1.2.840.10008.5.1.4.1.1.7"


def test_what_would_take_more_than_a_quarter_of_an_image_is_refused(
    make: Callable[..., Dataset],
) -> None:
    """51 rows of 100 over half the columns are 25.5 %; the same twice counts once."""
    image = make(US, "US")
    require_image_left([Rectangle(0, 50, 0, 100)] * 2, SHAPE, image)
    with pytest.raises(PixelsNotCleared, match="PIXELS_MOSTLY_TEXT"):
        require_image_left([Rectangle(0, 51, 0, 100)], SHAPE, image)


def test_a_captured_page_may_be_all_text_and_no_other_image(make: Callable[..., Dataset]) -> None:
    page = [Rectangle(0, 100, 0, 200)]
    assert require_image_left(page, SHAPE, make(SC, "CT")) is None
    with pytest.raises(PixelsNotCleared, match="100%"):
        require_image_left(page, SHAPE, make(US, "US"))
