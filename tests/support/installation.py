"""The settings files of an installation with one project and one site."""

from __future__ import annotations

import yaml

from config.settings import Settings

PROJECT = """\
name: tiny
sites: [chu-atlas]
select: {modality: MR, study_description: "*PROST*", study_date: 2015-01-01..2030-12-31}
policy: research-longitudinal
recipe: prostate-mpmri
review: {sample: 1}
delivery: {expires: 2030-12-31}
"""


def write_installation(settings: Settings, port: int, **node: object) -> None:
    (settings.config_root / "sites").mkdir(parents=True, exist_ok=True)
    (settings.config_root / "projects").mkdir(parents=True, exist_ok=True)
    pacs = {"ae_title": "ATLAS", "host": "127.0.0.1", "port": port, "retry_wait_s": 0, **node}
    site = {"name": "chu-atlas", "patient_id_issuer": "IPP-ATLAS", "pacs": pacs}
    (settings.config_root / "sites" / "chu-atlas.yaml").write_text(yaml.safe_dump(site))
    (settings.config_root / "projects" / "tiny.yaml").write_text(PROJECT)
