"""Three synthetic hospitals with planted identities, and the key of what was planted."""
