"""Slides from their files to a release: read by people as volumes are, delivered as DICOM."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from config.errors import RejectedError
from config.settings import load_settings
from pipelines.acquire.bring import bring
from pipelines.cohort.assemble import assemble
from pipelines.cohort.packs import load_pack
from pipelines.cohort.release import release
from pipelines.cohort.review import record_decision, review_items
from pipelines.prepare.stage_deidentify import deidentify
from pipelines.prepare.stage_harmonise import harmonise
from pipelines.workspace import open_workspace
from tests.harmonise import slide_builder
from tests.support.installation import write_installation
from tests.support.twin import no_twin

pytestmark = pytest.mark.filterwarnings("ignore")

PROJECT = """\
name: tiny
sites: [chu-atlas]
select: {modality: SM, study_date: 2015-01-01..2030-12-31}
policy: research-longitudinal
recipe: pathology
review: {sample: 1, readers: 1}
delivery: {formats: [nifti], expires: 2030-12-31}
"""


def test_a_slide_is_released_once_its_pair_was_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.cohort.release.prove", no_twin)
    settings = load_settings(tmp_path / "home", {})
    write_installation(settings, 104)
    (settings.config_root / "projects" / "tiny.yaml").write_text(PROJECT)
    made = slide_builder.pyramid(slide_builder.section(600, 600), levels=2)
    slide_builder.write_all(made, tmp_path / "given")
    with open_workspace(settings) as ws:
        project, site = ws.project("tiny"), ws.site("chu-atlas")
        bring(ws, project, site, [tmp_path / "given"])
        deidentify(ws, project, site)
        harmonise(ws, project)
        assemble(ws, project)
        with pytest.raises(RejectedError, match="RELEASE_REFUSED"):
            release(ws, project)
        (item,) = review_items(ws.catalogue, project.name)
        assert load_pack(ws.research.packs, item.sha256).header.colours
        record_decision(
            ws.catalogue, project.name, item.sha256, reader="p.reader", verdict="accept"
        )
        folder = release(ws, project).folder
    (row,) = pq.read_table(folder / "manifest.parquet").to_pylist()
    # A slide has no NIfTI, so it goes as DICOM though NIfTI was asked for.
    assert row["nifti_path"] is None
    assert len(list((folder / row["dicom_path"]).glob("*.dcm"))) == 2
    assert "Whole slide image" in (folder / "report.html").read_text(encoding="utf-8")
