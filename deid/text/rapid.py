"""The reader on rapidocr, whose models lie inside its wheel."""

from __future__ import annotations

import ctypes
import logging
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from config.errors import EnvironmentFault
from deid.text.line import Heat, Line, View
from deid.text.spots import Spotting, spots_of

__all__ = ["RapidReader"]

_CELL = 32
"""The detector halves its input five times."""
_MODELS = {"Det": "PP-OCRv6_det_small.onnx", "Rec": "PP-OCRv6_rec_small.onnx"}
_MMAP_THRESHOLD = -3
"""Of mallopt(3), as malloc.h numbers it."""
_LEAST_CROP_PX = 4
_LINE_PX, _LEAST_LINE_PX = 48, 160
"""Lines are read at this height, short ones filled up to this width; half the usual reads the
same."""


class RapidReader:
    """Detects and recognises text with the PP-OCR models of rapidocr, on the processor.

    Make one in each worker; it holds its models (30 MB) and is not for several threads at once.

    Parameters
    ----------
    threads : int
        Of the inference engine.
    spotting : Spotting
        When heat is a line of text, for :meth:`read`.

    Raises
    ------
    EnvironmentFault
        ``PIXEL_READER_MISSING`` when the package or a model is not there; nothing is downloaded.
    """

    def __init__(self, *, threads: int = 1, spotting: Spotting | None = None) -> None:
        self.spotting = spotting or Spotting()
        models = _models()
        _keep_large_apart()
        try:
            from rapidocr import RapidOCR
        except ImportError as err:
            raise EnvironmentFault("PIXEL_READER_MISSING", "rapidocr") from err
        engine = "EngineConfig.onnxruntime."
        made = RapidOCR(
            params={
                "Global.log_level": "critical",
                "Global.use_cls": False,
                "Rec.rec_img_shape": [3, _LINE_PX, _LEAST_LINE_PX],
                f"{engine}intra_op_num_threads": threads,
                f"{engine}inter_op_num_threads": threads,
                f"{engine}enable_cpu_mem_arena": True,  # without, a sixth of the time is paging
                **{f"{part}.model_path": str(path) for part, path in models.items()},
            }
        )
        # What it read could come into a record of its own.
        logging.getLogger("RapidOCR").disabled = True
        # Its public calls give neither the heat nor several crops in one batch.
        engine_of: Any = made
        self._detect = engine_of._load_det_model().session  # noqa: SLF001
        self._recognise = engine_of._load_rec_model()  # noqa: SLF001
        self._detect.session = _session(models["Det"], threads)
        _give_back()

    def heat(self, view: View) -> Heat:
        """Return the detector's heat, (row, column) as the view, 0 to 1.

        Parameters
        ----------
        view : View
            Best with 64 pixels around what is looked for.
        """
        rows, columns = view.shape[:2]
        below, right = -rows % _CELL, -columns % _CELL
        planes = _planes(view, below, right)
        found: Heat = self._detect(planes[None])[0, 0, :rows, :columns]
        return found

    def words(self, crops: Sequence[View]) -> tuple[tuple[str, float], ...]:
        """Return the text of each crop and the trust in it; empty and 0 where there is none."""
        if not crops:
            return ()
        from rapidocr.ch_ppocr_rec.typings import TextRecInput

        large = [crop for crop in crops if min(crop.shape[:2]) >= _LEAST_CROP_PX]
        read: Iterator[tuple[str, float]] = iter(())
        if large:
            made = self._recognise(
                TextRecInput(img=[_in_colour(crop) for crop in large], return_word_box=False)
            )
            read = iter(zip(made.txts, made.scores, strict=True))
        return tuple(
            _plain(*next(read)) if min(crop.shape[:2]) >= _LEAST_CROP_PX else ("", 0.0)
            for crop in crops
        )

    def rest(self) -> None:
        """Give back the memory that large images took: the arenas of the models never shrink."""
        from onnxruntime import RunOptions

        options = RunOptions()
        options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
        recogniser = self._recognise.session.session
        for model, high, wide in (
            (self._detect.session, _CELL, _CELL),
            (recogniser, _LINE_PX, _LEAST_LINE_PX),
        ):
            nothing = np.zeros((1, 3, high, wide), np.float32)
            model.run(None, {model.get_inputs()[0].name: nothing}, options)
        _give_back()

    def read(self, grey: View, **options: Any) -> tuple[Line, ...]:
        """Return the lines of a small frame, read in one piece, from the top left.

        Parameters
        ----------
        grey : View
            As shown.
        **options
            Fields of :class:`deid.text.spots.Spotting` to use instead.
        """
        spotting = replace(self.spotting, **options)
        places = [spot.rectangle for spot in spots_of(self.heat(grey), spotting)]
        crops = [grey[r.row_start : r.row_stop, r.column_start : r.column_stop] for r in places]
        read = self.words(crops)
        return tuple(Line(r, *said) for r, said in zip(places, read, strict=True))


def _models() -> dict[str, Path]:
    spec = find_spec("rapidocr")
    if spec is None or spec.origin is None:
        raise EnvironmentFault("PIXEL_READER_MISSING", "rapidocr")
    models = {part: Path(spec.origin).parent / "models" / name for part, name in _MODELS.items()}
    for path in models.values():
        if not path.is_file():
            raise EnvironmentFault("PIXEL_READER_MISSING", path.name)
    return models


def _session(model: Path, threads: int) -> Any:
    """Return what runs a model, as rapidocr makes it but for one plan of memory a size of image.

    Tiles are of many sizes, and each plan stays: 30 MB of a mammogram's.
    """
    from onnxruntime import InferenceSession, SessionOptions

    options = SessionOptions()
    options.log_severity_level = 4
    options.enable_mem_pattern = False
    options.intra_op_num_threads = options.inter_op_num_threads = threads
    return InferenceSession(str(model), options, providers=["CPUExecutionProvider"])


def _keep_large_apart() -> None:
    """Let arrays from a megabyte on have memory of their own, which goes back as they go.

    Left to itself GNU's C library takes a large array that went as a sign that more will come, and
    keeps its place: after two frames of a mammogram 25 MB lie between what is used (mallopt(3)).
    """
    with suppress(OSError, TypeError, AttributeError):
        ctypes.CDLL(None).mallopt(_MMAP_THRESHOLD, 1 << 20)


def _give_back() -> None:
    """Give the system what loading the models or a large frame left with the C library."""
    with suppress(OSError, TypeError, AttributeError):  # only GNU's can be asked to
        ctypes.CDLL(None).malloc_trim(0)


def _planes(view: View, below: int, right: int) -> NDArray[np.float32]:
    """Return what the detector takes, from -1 to 1: (colour, row, column), edges repeated."""
    whole = np.pad(_in_colour(view), ((0, below), (0, right), (0, 0)), mode="edge")
    planes = np.ascontiguousarray(whole.transpose(2, 0, 1), np.float32)
    planes *= 1 / 127.5
    planes -= 1
    return planes


def _in_colour(view: View) -> View:
    return view if view.ndim == 3 else np.repeat(view[..., None], 3, axis=2)


def _plain(text: str, score: float) -> tuple[str, float]:
    text = str(text).strip()
    return (text, float(score)) if text else ("", 0.0)
