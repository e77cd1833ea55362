"""Our side of a DICOMweb service (PS3.18): QIDO-RS and WADO-RS, bytes kept as they came."""
