"""Finding and removing the face in head CT and MR volumes, and proving that it is gone."""
