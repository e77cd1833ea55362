"""The report of a release, in one HTML file."""

from pipelines.cohort.report.context import AskedRow, PackRef, ReportContext, Stage, VolumeRow
from pipelines.cohort.report.page import write_report

__all__ = ["AskedRow", "PackRef", "ReportContext", "Stage", "VolumeRow", "write_report"]
