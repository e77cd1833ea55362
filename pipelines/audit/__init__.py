"""Proof: an audit that shares no code with the de-identifier, a planted twin, and its scorer."""
