"""The verbs, as plain functions; the only package that touches network and data disk."""
