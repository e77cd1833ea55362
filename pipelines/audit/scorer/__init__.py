"""The scorer: a released cohort against an answer key in the form of MIDI-B, leaks first."""
