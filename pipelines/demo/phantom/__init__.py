"""Anatomy and physics of the demo, in plain numpy."""
