"""The reading room: pages for review."""
