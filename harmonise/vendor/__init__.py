"""Reading: what each vendor wrote, where, and what is believed."""
