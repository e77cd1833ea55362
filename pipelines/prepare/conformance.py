"""``deid --conformance``: what a run did to its files, seen by comparing them with the result."""

from __future__ import annotations

from pathlib import Path

from config.files import write_whole
from deid.conformance import Account, conformance_table
from pipelines.prepare.deid_folder import FolderReport
from pipelines.prepare.discover import discover
from pipelines.prepare.peek import number_of
from pipelines.prepare.read import read_header

__all__ = ["write_conformance"]


def write_conformance(source: Path, target: Path, report: FolderReport, path: Path) -> None:
    """Write PS3.2 Table N.11-6 for every SOP class that ``report`` says was released.

    Parameters
    ----------
    source, target : Path
        What was read and where it was written.
    report : FolderReport
        The run's own report, which says which file became which.
    path : Path
        Markdown file to write.
    """
    released = {str(row["file"]): row["path"] for row in report.files if row.get("path")}
    accounts: dict[str, Account] = {}
    with discover(source) as found:
        for files in found.studies.values():
            for file in files:
                relative = released.pop(number_of(file), None)
                if relative is None:
                    continue
                after = read_header(target / relative)
                sop_class = str(after.SOPClassUID)
                account = accounts.setdefault(sop_class, Account(sop_class))
                account.add(read_header(file), after)
    write_whole(path, conformance_table(accounts.values()).encode())
