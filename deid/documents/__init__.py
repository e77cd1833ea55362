"""Documents inside objects: read as text, cleaned and laid out anew, or replaced by a blank one."""
