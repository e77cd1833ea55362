"""Kindness to a PACS: its hours, its budget, its associations, its pace."""

from pipelines.acquire.gentle.guard import Guard, Stop, Turn

__all__ = ["Guard", "Stop", "Turn"]
