"""Receiving: objects streamed to disk, hashed on the way, kept before the sender is answered."""
