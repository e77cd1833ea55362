"""Fetch every real object by every method from Orthanc and dcmqrscp, and import it: equal bytes.

Ours are C-GET, C-MOVE and WADO-RS; dcmtk's getscu and movescu fetch the same beside them.
``make methods`` says what the archives took, what each method could not carry, and ends with an
error when two methods brought different bytes or an import other values.
"""

from __future__ import annotations

import os
import sys
import tempfile
import warnings
from collections import Counter
from pathlib import Path

from config.site import Receiver
from pipelines.acquire.pacs import StoreReceiver
from pipelines.quiet import hush
from tests.support.dcmtk_peers import DcmqrscpServer
from tests.support.methods import compare
from tests.support.orthanc import OrthancServer


def main() -> None:
    hush()
    warnings.simplefilter("ignore")
    data = Path(os.environ["ACCORDAGE_REALDATA"])
    paths = sorted(path for path in data.rglob("*") if path.is_file())
    with tempfile.TemporaryDirectory() as scratch, StoreReceiver(Receiver()) as receiver:
        folder = Path(scratch)

        def place() -> Path:
            return Path(tempfile.mkdtemp(dir=folder))

        done = compare(
            paths,
            lambda callers: OrthancServer(place(), callers).start(),
            lambda callers, syntax: DcmqrscpServer(place(), callers, syntax).start(),
            receiver,
            folder,
        )
    print(f"{done.files} files, {done.accepted} accepted by Orthanc")
    for archive, count in sorted(done.equal.items()):
        print(f"{count} with equal dataset bytes by each of our methods from {archive}")
    for peer, count in sorted(done.equal_to_peers.items()):
        print(f"{count} with the same bytes by {peer}")
    for what, found in (("not carried", done.not_carried), ("rewritten", done.rewritten)):
        for method, kinds in sorted(found.items()):
            for kind, count in sorted(Counter(kinds).items()):
                print(f"{what} by {method}: {count} x {kind}")
    for kind, count in sorted(Counter(done.converted).items()):
        print(f"sent in two transfer syntaxes: {count} x {kind}")
    for kind, count in sorted(Counter(done.differing).items()):
        print(f"differing: {count} x {kind}")
    print(f"not imported: {done.not_imported}; imported with other values: {done.import_unequal}")
    if done.differing or done.import_unequal:
        sys.exit(1)


if __name__ == "__main__":
    main()
