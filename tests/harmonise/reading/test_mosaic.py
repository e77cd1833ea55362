"""Slices tiled in one frame: Siemens by its CSA header, UIH by its own frame sequence."""

from __future__ import annotations

import importlib
import warnings

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items

from config.recipe import Recipe
from harmonise.geometry import judge
from harmonise.stacks import read_stacks
from harmonise.study import apply_study, plan_study
from harmonise.vendor.csa import csa_values
from harmonise.vendor.harvest import harvest, passport_from_json, passport_to_json
from harmonise.vendor.pixels import load_volume
from tests.harmonise import builders

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # nibabel calls its DICOM readers experimental at import
    csareader = importlib.import_module("nibabel.nicom.csareader")

NAMES = frozenset({"NumberOfImagesInMosaic", "SliceNormalVector", "B_value"})
TILE = (4, 6)
COUNT = 5


TAGS = {
    "NumberOfImagesInMosaic": [str(COUNT)],
    "Empty": [],
    "SliceNormalVector": ["0.0", "0.0", "1.0"],
    "B_value": ["1000"],
}


@pytest.mark.parametrize("magic", [True, False], ids=["SV10", "older"])
def test_both_forms_of_the_csa_header_are_read(magic):
    found = csa_values(builders.csa_bytes(TAGS, magic=magic), NAMES)

    assert found == {name: tuple(TAGS[name]) for name in NAMES}


def test_a_csa_header_is_read_as_nibabel_reads_it():
    raw = builders.csa_bytes(TAGS)

    found = csa_values(raw, NAMES)

    theirs = csareader.read(raw)["tags"]
    for name in NAMES:
        assert [float(i) for i in theirs[name]["items"]] == [float(v) for v in found[name]]


@pytest.mark.realdata
def test_a_real_csa_header_is_read_as_nibabel_reads_it(realdata):
    for path in sorted((realdata / "MR/dcm_qa_nih-siemens-mosaic").glob("*.dcm")):
        raw = pydicom.dcmread(path, stop_before_pixels=True)[0x0029, 0x1010].value
        wanted = frozenset({"NumberOfImagesInMosaic", "SliceNormalVector", "ImaAbsTablePosition"})

        found = csa_values(raw, wanted)

        tags = csareader.read(raw)["tags"]
        for name in wanted:
            assert [float(v) for v in found[name]] == [float(v) for v in tags[name]["items"]]


@pytest.mark.parametrize(
    "raw", [b"", b"SV10", b"SV10" + b"\xff" * 300, b"\0" * 64, builders.csa_bytes(TAGS)[:120]]
)
def test_bytes_that_are_no_csa_header_give_nothing_and_raise_nothing(raw):
    assert csa_values(raw, NAMES) == {} or raw.startswith(b"SV10\4")


def siemens(normal=(0.0, 0.0, 1.0), count=COUNT, **changes) -> Dataset:
    """Return a mosaic of 3 x 3 tiles whose values are 1000 x slice + 10 x row + column."""
    side = int(np.ceil(np.sqrt(count)))
    values = np.zeros((side * TILE[0], side * TILE[1]))
    for index, image in enumerate(builders.ramp(count, *TILE)):
        row, column = index // side * TILE[0], index % side * TILE[1]
        values[row : row + TILE[0], column : column + TILE[1]] = image
    corner = [-100.0 - (side - 1) * TILE[1] * 1.5 / 2, -80.0 - (side - 1) * TILE[0] * 2.0 / 2, 20.0]
    said = {
        "ImageType": ["ORIGINAL", "PRIMARY", "M", "ND", "MOSAIC"],
        "ImagePositionPatient": corner,
        "ImageOrientationPatient": list(builders.AXIAL),
        "PixelSpacing": [2.0, 1.5],
        "SpacingBetweenSlices": 3.3,
        "SliceThickness": 3.0,
        "SeriesDescription": "ep2d_bold",
        "ScanningSequence": "EP",
        "EchoTime": 30.0,
        "RepetitionTime": 2000.0,
    }
    ds = builders.image(values, **{**said, **changes})
    tags = {**TAGS, "NumberOfImagesInMosaic": [str(count)]}
    tags["SliceNormalVector"] = [str(part) for part in normal]
    builders.add_private(ds, 0x0029, "SIEMENS CSA HEADER", 0x10, "OB", builders.csa_bytes(tags))
    return ds


def uih(positions) -> Dataset:
    """Return a UIH frame of 3 x 2 tiles: columns ceil(sqrt(n)), rows ceil(n / columns)."""
    ds = siemens(ImageType=["ORIGINAL", "PRIMARY", "M", "VFRAME"], ImagePositionPatient=None)
    ds.remove_private_tags()
    ds.Manufacturer = "UIH"
    data = np.frombuffer(ds.PixelData, "<u2").reshape(ds.Rows, ds.Columns)[: 2 * TILE[0]]
    ds.Rows, ds.PixelData = 2 * TILE[0], data.tobytes()
    items = []
    for place in positions:
        item = Dataset()
        item.ImagePositionPatient = list(place)
        items.append(item)
    builders.add_private(ds, 0x0065, "Image Private Header", 0x51, "SQ", Items(items))
    return ds


def loaded(ds, folder, passports=None):
    (stack,), refusals = read_stacks([builders.write(ds, folder / "m.dcm")], passports)
    assert refusals == []
    return load_volume(stack, judge(stack))


def test_the_tiles_of_a_mosaic_are_slices_at_their_own_places(tmp_path):
    volume = loaded(siemens(), tmp_path)

    assert volume.values == pytest.approx(builders.ramp(COUNT, *TILE))
    assert volume.grid.origin_mm == pytest.approx((-100.0, -80.0, 20.0))
    assert volume.grid.spacing_mm == pytest.approx((3.3, 2.0, 1.5))


def test_a_slice_normal_against_rows_x_columns_reverses_the_order(tmp_path):
    """Slices run from 20 mm downwards; the volume ascends, so its first plane is the last tile."""
    volume = loaded(siemens(normal=(0.0, 0.0, -1.0)), tmp_path)

    assert volume.grid.origin_mm == pytest.approx((-100.0, -80.0, 20.0 - 4 * 3.3))
    assert volume.values == pytest.approx(builders.ramp(COUNT, *TILE)[::-1])


def test_the_places_of_uih_tiles_are_those_of_its_sequence(tmp_path):
    volume = loaded(uih([(-100.0, -80.0, 20.0 + 4.2 * n) for n in range(COUNT)]), tmp_path)

    assert volume.values == pytest.approx(builders.ramp(COUNT, *TILE))
    assert volume.grid.origin_mm == pytest.approx((-100.0, -80.0, 20.0))
    assert volume.grid.spacing_mm[0] == pytest.approx(4.2)


def test_the_passport_places_the_tiles_once_private_elements_are_gone(tmp_path):
    ds = siemens()
    passport = passport_from_json(passport_to_json(harvest([ds])))
    ds.remove_private_tags()

    volume = loaded(ds, tmp_path, {passport.series_uid: passport})

    assert volume.values == pytest.approx(builders.ramp(COUNT, *TILE))
    (finding,) = [f for f in passport.findings if f.field == "tiles"]
    assert (finding.value, finding.where) == (COUNT, '(0029,"SIEMENS CSA HEADER",10)')


@pytest.mark.parametrize(
    "change",
    [
        lambda ds: ds.remove_private_tags(),
        lambda ds: delattr(ds, "SpacingBetweenSlices"),
        lambda ds: setattr(ds, "Rows", ds.Rows - 1),
    ],
    ids=["no private element", "no spacing", "tiles that do not fit"],
)
def test_tiles_that_nothing_places_are_refused(tmp_path, change):
    ds = siemens()
    change(ds)

    stacks, (refusal,) = read_stacks([builders.write(ds, tmp_path / "m.dcm")])

    assert (stacks, refusal.code) == ([], "MR_MOSAIC_UNSUPPORTED")


def test_every_mosaic_of_a_time_series_is_a_volume_in_the_order_taken(tmp_path):
    series = [
        siemens(SOPInstanceUID=builders.uid(900 - n), InstanceNumber=n, AcquisitionNumber=n)
        for n in (1, 2, 3)
    ]

    stacks, refusals = read_stacks(builders.write_all(series, tmp_path))

    assert refusals == []
    assert [stack.frames[0].instance_number for stack in stacks] == [1, 2, 3]
    assert {judge(stack).verdict for stack in stacks} == {"REGULAR"}


def test_a_mosaic_is_delivered_as_single_slices_that_name_their_one_source(tmp_path):
    path = builders.write(siemens(), tmp_path / "in/m.dcm")

    (row,) = apply_study(plan_study([path], Recipe(name="native")), tmp_path / "out")

    derived = [pydicom.dcmread(p) for p in sorted((tmp_path / "out" / row.dicom_path).iterdir())]
    assert len(derived) == COUNT
    assert {(ds.Rows, ds.Columns) for ds in derived} == {TILE}
    assert all("MOSAIC" not in ds.ImageType for ds in derived)
    assert all(len(ds.SourceImageSequence) == 1 for ds in derived)
    places = [float(ds.ImagePositionPatient[2]) for ds in derived]
    assert places == pytest.approx([20.0 + 3.3 * n for n in range(COUNT)])
