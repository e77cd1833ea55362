"""Volume in, new Volume out; DICOM is read in ``vendor/`` and written in ``encode/`` only."""
