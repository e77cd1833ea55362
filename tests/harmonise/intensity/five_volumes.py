"""Five volumes of three tissues under random gain and offset, and how the referee answers on them.

Run with the referees' Python to make the frozen answer anew:
``.venv-referees/bin/python tests/harmonise/intensity/five_volumes.py > \
tests/harmonise/intensity/frozen/landmarks.json``
"""

from __future__ import annotations

import hashlib
import json
import sys
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["KEPT", "SHAPE", "digest", "five_volumes"]

SHAPE = (20, 20, 40)
TISSUES = ((100, 15, 6000), (220, 20, 8000), (400, 40, 2000))
"""Mean, spread and number of voxels."""

KEPT = 40
"""Every so many voxels of an output are kept in the frozen answer."""


def five_volumes() -> list[NDArray[np.float64]]:
    """Return the volumes, seed 7: tissues, then gain, then offset, then shuffled."""
    rng = np.random.default_rng(7)
    volumes = []
    for _ in range(5):
        tissue = np.concatenate([rng.normal(*one) for one in TISSUES])
        gain, offset = rng.uniform(0.6, 1.8), rng.uniform(5, 60)
        rng.shuffle(tissue)
        # rounded to float32, which is what volumes are made of here
        volumes.append((tissue * gain + offset).astype(np.float32).astype(float).reshape(SHAPE))
    return volumes


def digest(values: NDArray[np.float64]) -> str:
    """Return the SHA-256 of a volume as little-endian float64."""
    return hashlib.sha256(np.ascontiguousarray(values, "<f8").tobytes()).hexdigest()


def _referee() -> dict[str, Any]:
    """Return what intensity-normalization makes of the volumes, in double precision."""
    import nibabel as nib
    from intensity_normalization.adapters.images import NibabelImageAdapter
    from intensity_normalization.normalizers.population.nyul import NyulNormalizer

    volumes = five_volumes()
    images = [NibabelImageAdapter(nib.nifti1.Nifti1Image(v, np.eye(4))) for v in volumes]
    nyul = NyulNormalizer(output_min_value=0.0, output_max_value=100.0)
    nyul.fit_population(images)
    made = [nyul.transform(image).get_data() for image in images]
    return {
        "package": "intensity-normalization",
        "versions": {
            name: version(name) for name in ("intensity-normalization", "numpy", "scipy", "nibabel")
        },
        "inputs_sha256": [digest(v) for v in volumes],
        "ranks": nyul.percentiles.tolist(),
        "scale": nyul.standard_scale.tolist(),
        "outputs": [[round(float(x), 9) for x in m.reshape(-1)[::KEPT]] for m in made],
        "output_ends": [[float(m.min()), float(m.max())] for m in made],
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_referee(), indent=1) + "\n")
