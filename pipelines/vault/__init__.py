"""The vault of the identified zone: who a subject is, sealed, and opened by two people."""
