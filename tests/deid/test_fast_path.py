"""What is released by the header alone is, to the byte, what the whole object would give."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path

import pydicom
import pytest

from config.errors import AccordageError, IdentityLeak, RejectedError
from config.policy import ClearedPixels, Policy
from deid.asides import check_asides
from deid.engine import Deidentifier, ReleasedDataset
from deid.fast_runs import RunScanner
from deid.fast_scan import Scanned
from deid.hunt import Hunter
from deid.identity import Identity, harvest_identity
from deid.keys import Keys
from deid.span import Span
from pipelines.prepare.part10 import read_part10
from pipelines.prepare.read import read_header, read_object

TOKEN = b"t" * 32
PER_FOLDER = 3


def whole(released: ReleasedDataset, data: bytes) -> bytes:
    """The file that the pieces of a release make, its pixels taken from the source."""
    return b"".join(
        data[piece.offset : piece.offset + piece.length] if isinstance(piece, Span) else piece
        for piece in released.pieces
    )


@pytest.fixture(scope="module")
def studies(realdata: Path) -> list[list[Path]]:
    """The first files of every folder of the collection that can be read, by study."""
    found: dict[str, list[Path]] = defaultdict(list)
    for place in sorted({path.parent for path in realdata.rglob("*") if path.is_file()}):
        for path in sorted(p for p in place.iterdir() if p.is_file())[:PER_FOLDER]:
            try:
                if path.open("rb").read(132)[128:] == b"DICM":
                    found[str(read_header(path).get("StudyInstanceUID"))].append(path)
            except AccordageError:
                continue
    return list(found.values())


@pytest.mark.realdata
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["basic", "research"])
def test_a_release_by_header_equals_the_release_of_the_whole_object(
    name: str, studies: list[list[Path]], keys: Keys, request: pytest.FixtureRequest
) -> None:
    rule = ClearedPixels(even_if_marked=True, reason="published test data")
    policy: Policy = request.getfixturevalue(name).model_copy(update={"cleared_pixels": (rule,)})
    engine = Deidentifier(policy, keys)
    seen: Counter[str] = Counter()
    for paths in studies:
        identity = harvest_identity(read_header(path) for path in paths)
        fast = engine.fast(TOKEN, identity)
        scanner = RunScanner()
        for path in [*paths, *paths]:  # the second time in runs
            header = read_part10(path, scanner)
            if header is None:
                continue
            seen["in runs"] += bool(isinstance(header.index, Scanned) and header.index.runs)
            try:
                made = engine.patch(fast, header)
            except RejectedError as error:
                with pytest.raises(RejectedError) as other:
                    engine.release(read_object(path), token=TOKEN, identity=identity)
                seen["other"] += other.value.args != error.args
                continue
            if made is None:
                seen["left to the other way"] += 1
                continue
            by_whole = engine.release(read_object(path), token=TOKEN, identity=identity)
            seen["same"] += whole(made, path.read_bytes()) == by_whole.to_bytes()
            seen["other"] += whole(made, path.read_bytes()) != by_whole.to_bytes()
            assert dict(made.actions) == dict(by_whole.actions)
            assert made.steps == by_whole.steps
    assert seen["other"] == 0
    assert seen["in runs"] > seen["same"] / 4
    assert seen["same"] > 10 * seen["left to the other way"]


def test_a_header_alone_gives_no_file(realdata: Path, keys: Keys, research: Policy) -> None:
    path = next(p for p in sorted((realdata / "CT").rglob("1-*.dcm")))
    identity = harvest_identity([read_header(path)])
    engine = Deidentifier(research, keys)
    header = read_part10(path)
    assert header is not None
    made = engine.patch(engine.fast(TOKEN, identity), header)
    assert made is not None
    with pytest.raises(TypeError):
        made.to_bytes()
    data = whole(made, path.read_bytes())
    assert data[128:132] == b"DICM"
    assert pydicom.dcmread(path).PixelData in data


@pytest.fixture
def hunter() -> Hunter:
    identity = Identity(
        names=frozenset({"LEFEVRE^Elodie"}),
        ids=frozenset({"8001234567"}),
        dates=frozenset({"20180405"}),
    )
    return Hunter(identity, institutions=True)


@pytest.mark.parametrize(
    "aside",
    [b"patient Lef\xc3\xa8vre Elodie", b"8001234567", b"scanned 2018-04-05", b"born 12/03/1957"],
)
def test_a_comment_of_a_codec_that_names_somebody_costs_the_release(
    aside: bytes, hunter: Hunter
) -> None:
    with pytest.raises(IdentityLeak, match="7FE0,0010"):
        check_asides([aside], hunter)


def test_what_a_codec_says_of_itself_is_no_finding(hunter: Hunter) -> None:
    check_asides([b"LEAD Technologies Inc. V1.01\0", b"\0" * 400, b"Kakadu-v6.4"], hunter)
