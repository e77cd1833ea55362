"""Propose where a device writes text, from a site's own images, and keep what a person accepts."""
