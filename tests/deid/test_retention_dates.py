"""Every date of a real object moves by the patient's days, whatever it stands in."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path

import pydicom
import pytest
from pydicom.dataset import Dataset

from config.policy import ClearedPixels, Policy
from deid.engine import ReleasedDataset

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.realdata]


@pytest.fixture(scope="module")
def cleared(research: Policy) -> Policy:
    rule = ClearedPixels(even_if_marked=True, reason="published test data")
    return research.model_copy(update={"cleared_pixels": (rule,)})


def _some(folder: Path) -> list[Dataset]:
    files = sorted(path for path in folder.iterdir() if path.is_file())
    return [pydicom.dcmread(path) for path in [*files[::120], files[-1]]]


def _dates(ds: Dataset, path: str = "") -> Iterator[tuple[str, str]]:
    for element in ds:
        if element.VR == "SQ":
            for number, item in enumerate(element.value):
                yield from _dates(item, f"{path}/{element.tag}[{number}]")
        elif element.VR in {"DA", "DT"} and element.value:
            values = [element.value] if element.VM == 1 else element.value
            yield from ((f"{path}/{element.tag}/{i}", str(v)) for i, v in enumerate(values))


def test_every_date_of_a_real_object_moves_by_the_same_whole_days(
    realdata: Path, release: Callable[..., ReleasedDataset], cleared: Policy
) -> None:
    checked = 0
    for folder in ("PT/openrem-siemens-vision", "PT/sts_001-ge-discovery-st", "SR/openrem-rdsr",
                   "MR/dcm_qa_enh-siemens-xa10", "MR/dcm_qa_nih-siemens-mosaic", "DX/openrem",
                   "MR/dcm_qa_enh-philips", "US/deid-data-philips-epiq5"):  # fmt: skip
        for ds in _some(realdata / folder):
            released = release(ds, cleared)
            moved = dict(_dates(pydicom.dcmread(io.BytesIO(released.to_bytes()))))
            for path, old in _dates(ds):
                if path not in moved or moved[path].startswith("19000101"):
                    continue
                before, after = (date.fromisoformat(t[:8]) for t in (old, moved[path]))
                assert before - after == timedelta(days=released.shift_days), path
                assert moved[path][8:] == old[8:]
                checked += 1
    assert checked > 200
