"""Import: files, folders, zips and DICOMDIRs into the same store and rows as the network's."""

from pipelines.acquire.bring.stage import Imported, bring

__all__ = ["Imported", "bring"]
