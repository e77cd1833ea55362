"""The review sheet: everything blanked and everything read but kept, for a person to sign.

The only place where text read in pixels is ever written; see docs/decisions/0014.
"""

from pipelines.prepare.review_sheet.records import SheetHead, SheetRecord, sheet_record
from pipelines.prepare.review_sheet.sealing import open_sheet
from pipelines.prepare.review_sheet.write import SheetMade, sheet_path, verify_sheet, write_sheet

__all__ = [
    "SheetHead",
    "SheetMade",
    "SheetRecord",
    "open_sheet",
    "sheet_path",
    "sheet_record",
    "verify_sheet",
    "write_sheet",
]
