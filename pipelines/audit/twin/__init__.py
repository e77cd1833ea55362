"""The planted twin: synthetic patients with identity in every hiding place, and its exact key."""
