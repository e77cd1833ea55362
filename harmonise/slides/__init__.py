"""Whole slide images: pyramids of tiles, read and written tile by tile."""
