"""Keep foreign loggers and warnings silent: they quote values, and a value may be a name."""

from __future__ import annotations

import logging

__all__ = ["hush"]

TALKERS = ("pydicom", "pynetdicom", "highdicom", "py.warnings")
"""Loggers of libraries that see identified bytes; ``py.warnings`` is where warnings go."""


def hush() -> None:
    """Drop what foreign libraries log or warn in this process; our own errors carry codes."""
    logging.captureWarnings(capture=True)
    for name in TALKERS:
        logger = logging.getLogger(name)
        logger.propagate = False
        if not logger.handlers:
            logger.addHandler(logging.NullHandler())
