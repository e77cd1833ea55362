"""How an archive shows itself: its index under its faults, study by study."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping, Sequence

from pipelines.acquire.archive.faults import Faults
from pipelines.acquire.archive.index import Entry

__all__ = ["View"]

_HONEST = Faults()


class View:
    """Faults by study, and how often each study was retrieved so far.

    Parameters
    ----------
    faults : Faults
        Of the archive.
    by_study : Mapping[str, Faults]
        Study Instance UID to faults of its own, which then are its only ones.
    """

    def __init__(self, faults: Faults, by_study: Mapping[str, Faults]) -> None:
        self.faults = faults
        self._by_study = dict(by_study)
        self._lock = threading.Lock()
        self._retrieved: Counter[str] = Counter()
        self._retrievals = 0

    def of(self, study_uid: str) -> Faults:
        """Return the faults of a study."""
        return self._by_study.get(study_uid, self.faults)

    def retrieving(self, study_uid: str) -> Faults:
        """Count a retrieval of a study, and return the faults that trouble it."""
        with self._lock:
            before = self._retrieved[study_uid]
            self._retrieved[study_uid] += 1
            self._retrievals += 1
        faults = self.of(study_uid)
        return _HONEST if faults.times is not None and before >= faults.times else faults

    def slowness(self) -> float:
        """Return how many times as long as usual everything takes now."""
        first = self.faults.slow_after_n
        with self._lock:
            slow = first is not None and self._retrievals > first
        return self.faults.slow_factor if slow else 1.0

    def holds(self, entry: Entry) -> bool:
        """Tell whether an instance is there yet."""
        study_uid = entry.key("STUDY")
        if entry.key("IMAGE") not in self.of(study_uid).late_instances:
            return True
        with self._lock:
            return self._retrieved[study_uid] > 0

    def ignored(self) -> frozenset[str]:
        """Return the keywords of which no notice is taken."""
        keys = self.faults.ignored_keys
        return keys | {"ModalitiesInStudy"} if self.faults.ignore_modality else keys

    def told(self, keyword: str, group: Sequence[Entry], values: Sequence[str]) -> Sequence[str]:
        """Return what is said of an attribute of a group, true or not."""
        study_uid = group[0].key("STUDY")
        faults = self.of(study_uid)
        if keyword == "NumberOfStudyRelatedInstances" and faults.count_error:
            return [str(max(0, int(values[0]) + faults.count_error))]
        if keyword == "InstanceAvailability" and study_uid in faults.offline_study_uids:
            return ["OFFLINE"]
        return values
