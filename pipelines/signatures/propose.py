"""Propose device signatures from a site's own images: ``accordage pixels propose``."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml

from config.errors import UnreadableObject
from config.files import write_whole
from config.signature import Box, Proposal
from deid.fold import fold
from deid.text.line import Grey, Reader
from harmonise.encode.png import encode_png
from pipelines.prepare.discover import files_in
from pipelines.progress import Progress
from pipelines.signatures.cluster import Cluster, clusters
from pipelines.signatures.grey import first_frame
from pipelines.signatures.picture import picture
from pipelines.signatures.still import Place, find_places, measure

__all__ = ["FEWEST_EXAMS", "Proposed", "propose_signatures"]

FEWEST_EXAMS = 5
_MOST_EXAMS = 24
_MOST_BYTES = 96 << 20
"""Images of one kind held at once; large ones are compared in smaller numbers."""
_COMPRESSED = 6
_TOO_FEW = "SIGNATURE_TOO_FEW_EXAMS"


@dataclass(frozen=True)
class Proposed:
    """What became of one kind of images; holds nothing of a patient.

    ``code`` is ``SIGNATURE_TOO_FEW_EXAMS`` where nothing could be proposed; ``places`` counts
    places of text; ``unreadable`` images that no decoder understood.
    """

    name: str
    exams: int
    places: int
    unreadable: int
    code: str | None = None


def propose_signatures(
    source: Path,
    target: Path,
    progress: Progress,
    *,
    fewest_exams: int = FEWEST_EXAMS,
    reader: Reader | None = None,
) -> list[Proposed]:
    """Write ``target/<name>.yaml`` and ``.png`` for every kind of image of enough patients.

    Files have mode 0600. Proposals hold places and the device's own words, and the pictures what
    all patients' images have in common; a person judges them before they do anything.

    Parameters
    ----------
    source : Path
        File, folder, zip or DICOMDIR with images of many patients.
    fewest_exams : int
        Patients below which nothing is proposed; three at least.
    reader : Reader or None
        Also finds text that varies on ground that varies.
    """
    target.mkdir(parents=True, exist_ok=True, mode=0o700)
    with files_in(source) as paths:
        found = clusters(paths)
        progress.begin("propose", len(found))
        made = []
        for cluster in found:
            made.append(_propose(cluster, target, max(fewest_exams, 3), reader))
            progress.advance("propose")
    return made


def _propose(cluster: Cluster, target: Path, fewest: int, reader: Reader | None) -> Proposed:
    name = _name(cluster)
    images, unreadable = _images(cluster, fewest)
    if len(images) < fewest:
        return Proposed(name, len(images), 0, unreadable, _TOO_FEW)
    lines = [tuple(line.rectangle for line in reader.read(i)) for i in images] if reader else ()
    still = measure(np.stack(images), lines)
    places = find_places(still)
    proposal = _proposal(cluster, name, places, len(images))
    text = yaml.safe_dump(
        proposal.model_dump(mode="json"), sort_keys=False, allow_unicode=True, width=100
    )
    write_whole(target / f"{name}.yaml", text.encode(), mode=0o600)
    png = encode_png(picture(still, places), level=_COMPRESSED)
    write_whole(target / f"{name}.png", png, mode=0o600)
    return Proposed(name, len(images), len(places), unreadable)


def _images(cluster: Cluster, fewest: int) -> tuple[list[Grey], int]:
    """Return the first frames of as many patients as memory allows, and how many cannot be read."""
    size = cluster.key.rows * cluster.key.columns
    most = max(min(_MOST_EXAMS, _MOST_BYTES // size), fewest)
    images: list[Grey] = []
    unreadable = 0
    for path in cluster.paths:
        if len(images) == most:
            break
        try:
            image = first_frame(path)
        except UnreadableObject:
            unreadable += 1
            continue
        if image.shape == (cluster.key.rows, cluster.key.columns):
            images.append(image)
        else:
            unreadable += 1
    return images, unreadable


def _proposal(cluster: Cluster, name: str, places: Sequence[Place], exams: int) -> Proposal:
    manufacturer, model, software, image_type = cluster.shown
    return Proposal(
        name=name,
        manufacturer=_escaped(manufacturer),
        model=_escaped(model),
        software=_escaped(software),
        rows=cluster.key.rows,
        columns=cluster.key.columns,
        image_type=tuple(part for part in image_type if part.strip()),
        blank=tuple(_box(place) for place in places),
        exams=exams,
    )


def _box(place: Place) -> Box:
    r = place.rectangle
    note = "varies from patient to patient" if place.varies else "the same in all patients"
    return Box(rows=(r.row_start, r.row_stop), columns=(r.column_start, r.column_stop), note=note)


def _escaped(text: str) -> str:
    """Return a wildcard pattern that matches the text itself and nothing else."""
    return re.sub(r"([*?\[])", r"[\1]", text)


def _name(cluster: Cluster) -> str:
    """Return a name made of device and size; a few digits tell kinds of one device apart."""
    key = cluster.key
    words = re.sub(r"[^a-z0-9]+", "-", fold(f"{key.manufacturer} {key.model}")).strip("-")
    mark = hashlib.sha256(repr(key).encode()).hexdigest()[:6]
    return f"{words[:40].strip('-') or 'device'}-{key.rows}x{key.columns}-{mark}"
