"""The one error tree, branched by what the caller does next.

    AccordageError
    + TransientError        try again: association refused, time-out, out of resources
    + RejectedError         quarantine with a code; never retry, never deliver
      . IdentityLeak          something of the patient is still in the bytes
      . PixelsNotCleared      burned-in text may still be there
      . UnreadableObject      the bytes are not a DICOM object that can be trusted
      . UnsupportedObject     a kind of object this installation does not handle
      . InconsistentSeries    geometry or identity of a series contradicts itself
      . UnknownUnits          real values or their unit cannot be known
    + ConfigurationError    stop before the first study; names file and line
    + EnvironmentFault      stop; mend the machine (full disk, port taken, server gone)

Every error carries a ``code`` of the table in ``config/codes/`` and a ``detail``.
A detail is shown in logs and releases: it must never hold anything of a patient.
"""

from __future__ import annotations

from pathlib import Path

__all__ = [
    "AccordageError",
    "ConfigurationError",
    "EnvironmentFault",
    "IdentityLeak",
    "InconsistentSeries",
    "PixelsNotCleared",
    "RejectedError",
    "TransientError",
    "UnknownUnits",
    "UnreadableObject",
    "UnsupportedObject",
]


class AccordageError(Exception):
    """Base of every error this program raises on purpose.

    Parameters
    ----------
    code : str
        A code of the table in ``config/codes/``, for example ``MR_MISSING_SLICE``.
    detail : str
        Tag, value or number that explains this case; never anything of a patient.
    """

    def __init__(self, code: str, detail: str = "") -> None:
        self.code = code
        self.detail = detail
        super().__init__(f"{code}: {detail}" if detail else code)

    def __reduce__(self) -> tuple[type[AccordageError], tuple[str, str]]:
        """Keep code and detail when the error crosses a process boundary."""
        return (type(self), (self.code, self.detail))


class TransientError(AccordageError):
    """Worth another try: association refused, time-out, out of resources."""


class RejectedError(AccordageError):
    """Quarantine with the code; never retry, never deliver."""


class IdentityLeak(RejectedError):
    """Something of the patient is still in the bytes."""


class PixelsNotCleared(RejectedError):
    """Burned-in text may still be in the pixels."""


class UnreadableObject(RejectedError):
    """The bytes are not a DICOM object that can be trusted."""


class UnsupportedObject(RejectedError):
    """A kind of object this installation does not handle."""


class InconsistentSeries(RejectedError):
    """Geometry or identity of a series contradicts itself."""


class UnknownUnits(RejectedError):
    """Real values, or their unit, cannot be known."""


class ConfigurationError(AccordageError):
    """Stop before the first study; the message names file and line."""

    def __init__(
        self, code: str, detail: str = "", *, file: Path | None = None, line: int | None = None
    ) -> None:
        self.file = file
        self.line = line
        where = f"{file}:{line}: " if file and line else f"{file}: " if file else ""
        super().__init__(code, f"{where}{detail}")

    def __reduce__(self) -> tuple[type[AccordageError], tuple[str, str]]:
        """Cross a process boundary with the place already in the detail."""
        return (type(self), (self.code, self.detail))


class EnvironmentFault(AccordageError):
    """Stop; mend the machine: a full disk, a port in use, a server that is gone."""
