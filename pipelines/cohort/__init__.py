"""From harmonised volumes to a release: assembly, review, gate, delivery."""
