"""Fetch every real object by C-GET, C-MOVE and WADO-RS from Orthanc, and import it: equal bytes.

``make methods`` says what the archive took, what each method could not carry, and ends with an
error when two methods brought different bytes or an import other values.
"""

from __future__ import annotations

import os
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from config.site import Receiver
from pipelines.acquire.pacs import StoreReceiver
from pipelines.quiet import hush
from tests.support.methods import compare
from tests.support.orthanc import OrthancServer


def main() -> None:
    hush()
    warnings.simplefilter("ignore")
    data = Path(os.environ["ACCORDAGE_REALDATA"])
    paths = sorted(path for path in data.rglob("*") if path.is_file())
    with tempfile.TemporaryDirectory() as scratch, StoreReceiver(Receiver()) as receiver:
        folder = Path(scratch)

        def start(modalities: Mapping[str, tuple[str, int]]) -> OrthancServer:
            place = Path(tempfile.mkdtemp(dir=folder))
            return OrthancServer(place, modalities).start()

        done = compare(paths, start, receiver, folder)
    print(f"{done.files} files, {done.accepted} accepted by the archive")
    print(f"{done.equal} with equal dataset bytes by C-GET, C-MOVE and WADO-RS")
    for method, kinds in sorted(done.not_carried.items()):
        for kind, count in sorted(Counter(kinds).items()):
            print(f"not carried by {method}: {count} x {kind}")
    for kind, count in sorted(Counter(done.differing).items()):
        print(f"differing: {count} x {kind}")
    print(f"not imported: {done.not_imported}; imported with other values: {done.import_unequal}")
    if done.differing or done.import_unequal:
        sys.exit(1)


if __name__ == "__main__":
    main()
