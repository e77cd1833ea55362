"""Read-only DICOMweb (PS3.18) over what the research zone holds, for roles that are not blinded."""
