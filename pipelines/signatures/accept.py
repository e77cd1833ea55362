"""Keep a proposed signature that a person has judged: ``accordage pixels accept``."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import yaml
from pydantic import ValidationError

from config.errors import ConfigurationError
from config.files import write_whole
from config.loader import load_yaml
from config.signature import Proposal, Signature

__all__ = ["accept_signature"]


def accept_signature(
    proposal: Path, config_root: Path, *, by: str, reason: str, on: date, replace: bool = False
) -> Path:
    """Write the proposal as a signature of this installation, and return its file.

    Parameters
    ----------
    proposal : Path
        File of ``accordage pixels propose``, changed by hand or not: places may have been moved
        from ``blank`` to ``safe``, or taken out.
    config_root : Path
        The installation's own settings; the signature goes into ``signatures/`` there.
    by, reason, on
        Who accepted it, on what ground, and when.

    Raises
    ------
    ConfigurationError
        ``CONFIG_UNREADABLE`` or ``CONFIG_INVALID``; ``SIGNATURE_EXISTS`` when one of that name is
        there and ``replace`` is not given.
    """
    found = load_yaml(proposal, Proposal)
    path = config_root / "signatures" / f"{found.name}.yaml"
    if path.exists() and not replace:
        raise ConfigurationError("SIGNATURE_EXISTS", found.name, file=path)
    values = found.model_dump(exclude={"exams"})
    ground = f"{reason.strip()} ({found.exams} patients compared)" if reason.strip() else ""
    try:
        made = Signature(**values, reason=ground, accepted_by=by.strip(), accepted_on=on)
    except ValidationError as error:
        fields = ", ".join(str(row["loc"][0]) for row in error.errors() if row["loc"])
        raise ConfigurationError("CONFIG_INVALID", f"{fields}: too short", file=proposal) from None
    text = yaml.safe_dump(
        made.model_dump(mode="json"), sort_keys=False, allow_unicode=True, width=100
    )
    return write_whole(path, text.encode())
