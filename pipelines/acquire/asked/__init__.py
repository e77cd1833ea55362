"""Lists that are handed in: read line by line, asked for, repaired by proposal, answered."""
