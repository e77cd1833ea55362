"""Ask scikit-image where the breast of the real GE mammogram is; its answer is frozen as JSON.

Stored values above Li's threshold, the largest component, holes filled: nothing of ours. Run in the
referees' environment: ``python -m tests.referees.ask_breast [--check]``.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import os
import sys
import zlib
from importlib.metadata import version
from pathlib import Path

ANSWER = Path(__file__).parent / "answers" / "breast.json"
SOURCE = "MG/fo-dicom-ge-essential/GH133.dcm"


def asked(path: Path) -> dict[str, object]:
    """Return the mask, packed, with what it was made from."""
    import numpy as np
    import pydicom
    from scipy import ndimage
    from skimage import filters, measure

    stored = pydicom.dcmread(path).pixel_array
    threshold = float(filters.threshold_li(stored))
    labels = measure.label(stored > threshold)
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    mask = ndimage.binary_fill_holes(labels == sizes.argmax())
    packed = zlib.compress(np.packbits(mask).tobytes(), 9)
    return {
        "source": SOURCE,
        "source_sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "scikit-image": version("scikit-image"),
        "method": "threshold_li, largest component, binary_fill_holes",
        "threshold": round(threshold, 6),
        "shape": list(mask.shape),
        "pixels": int(mask.sum()),
        "mask": base64.b64encode(packed).decode("ascii"),
    }


def main() -> int:
    """Write the answer, or with ``--check`` compare it with the frozen one."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--check", action="store_true")
    given = parser.parse_args()
    root = Path(os.environ.get("ACCORDAGE_REALDATA", "../shared/realdata"))
    found = asked(root / SOURCE)
    if not given.check:
        ANSWER.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        return 0
    frozen = json.loads(ANSWER.read_text(encoding="utf-8"))
    same = {k: v for k, v in found.items() if k != "scikit-image"} == {
        k: v for k, v in frozen.items() if k != "scikit-image"
    }
    sys.stdout.write("breast: the same\n" if same else "breast: another answer\n")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
