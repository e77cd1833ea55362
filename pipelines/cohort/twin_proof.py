"""The proof of a release: its planted twin, run through the same policy and the same program."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow.parquet as pq

from config.errors import IdentityLeak
from config.files import write_whole
from config.policy import ClearedPixels, Policy
from config.settings import load_settings
from config.version import code_version
from pipelines.audit.scorer.score import Score, score
from pipelines.audit.twin.cohort import TwinObject, make_twin
from pipelines.engine import Engine
from pipelines.prepare.clean_pixels import PixelPlace
from pipelines.prepare.deid_folder import deidentify_folder
from pipelines.prepare.peek import number_of
from pipelines.progress import Silent

__all__ = ["PROOF", "TwinProof", "prove", "release_twin", "seal_manifest"]

PROOF = "proof.json"
"""Name of the twin's score in a release."""

_CLEARED = ClearedPixels(
    modality="*", reason="The twin's pixels are numbers made by the program; no text is in them."
)


@dataclass(frozen=True)
class TwinProof:
    """What became of a twin; it holds no planted string."""

    seed: int
    policy: str
    version: str
    score: Score

    def as_json(self) -> dict[str, Any]:
        """Return the proof as plain values, for a manifest."""
        head = {"seed": self.seed, "policy": self.policy, "program": self.version}
        return head | self.score.as_json()

    def as_text(self) -> str:
        """Return the proof as JSON text; the same proof gives the same text."""
        return json.dumps(self.as_json(), indent=1, sort_keys=True) + "\n"

    def sentence(self) -> str:
        """Return one line for people."""
        made = self.score
        return (
            f"{made.leaked} of {made.planted} strings planted in a synthetic twin came through"
            f" policy {self.policy}; removal {made.removal:.2%}, retention {made.retention:.2%} of"
            f" checks; {len(made.refused)} of {made.objects} objects refused"
        )


def prove(policy: Policy, name: str, *, rounds: int = 1) -> TwinProof:
    """Run the twin named ``name`` through a policy; one name, one twin and one proof.

    Seed and keys come from the name alone, never from a project's secret: no subject of the twin
    is one of a project's.

    Raises
    ------
    IdentityLeak
        ``TWIN_LEAK`` with the number of planted strings that came through.
    """
    digest = hashlib.sha256(f"accordage twin {name}".encode()).digest()
    seed = int.from_bytes(digest[:4], "big")
    twin = make_twin(seed, rounds=rounds)
    after = release_twin(twin, policy, digest)
    key = {one.name: one.key for one in twin}
    made = score(key, {one.name: one.data for one in twin}, after, frozenset(policy.options))
    if made.leaks:
        raise IdentityLeak("TWIN_LEAK", f"{made.leaked} of {made.planted}")
    return TwinProof(seed, policy.name, code_version(), made)


def release_twin(twin: Sequence[TwinObject], policy: Policy, secret: bytes) -> Mapping[str, bytes]:
    """Return the released bytes by the objects' names; a refused object is not there.

    The twin's pixels count as cleared, but not those that say text was burned in.
    """
    cleared = policy.model_copy(update={"cleared_pixels": (*policy.cleared_pixels, _CLEARED)})
    with TemporaryDirectory(prefix="accordage-twin-") as scratch:
        source, target = Path(scratch) / "in", Path(scratch) / "out"
        source.mkdir()
        names = {}
        for one in twin:
            (source / one.name).write_bytes(one.data)
            names[number_of(source / one.name)] = one.name
        engine = Engine(load_settings(Path(scratch), {}).model_copy(update={"jobs": 1}))
        work = PixelPlace(str(Path(scratch) / "work"), str(Path(scratch) / "faces"))
        report = deidentify_folder(source, target, cleared, secret, engine, Silent(), work)
        released = (row for row in report.files if row["code"] is None)
        return {names[row["file"]]: (target / row["path"]).read_bytes() for row in released}


def seal_manifest(path: Path, proof: TwinProof) -> None:
    """Write the proof into the manifest's own metadata, under ``accordage.proof``."""
    table = pq.read_table(path)
    known = dict(table.schema.metadata or {})
    known[b"accordage.proof"] = json.dumps(proof.as_json(), sort_keys=True).encode()
    buffer = io.BytesIO()
    sealed = table.replace_schema_metadata(known)
    pq.write_table(sealed, buffer, compression="zstd", version="2.6", write_statistics=True)
    write_whole(path, buffer.getvalue())
