"""Blanking rectangles of an image without touching any other sample."""
