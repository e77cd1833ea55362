"""How long a stage took and what came of it: the same columns in both zones."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Double
from sqlalchemy.orm import Mapped, mapped_column

__all__ = ["StageRunColumns"]


class StageRunColumns:
    """Mixin of the ``stage_run`` table, for status, forecasts and the engineer."""

    __tablename__ = "stage_run"

    run_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    project: Mapped[str] = mapped_column(index=True)
    site: Mapped[str]
    stage: Mapped[str]
    started_at: Mapped[datetime]
    seconds: Mapped[float] = mapped_column(Double)
    done: Mapped[int]
    skipped: Mapped[int]
    refused: Mapped[int]
