"""Part 10 bytes of many like images: what a series shares is encoded once."""

from __future__ import annotations

from collections.abc import Sequence

from pydicom.charset import convert_encodings
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import correct_ambiguous_vr, write_data_element, write_file_meta_info
from pydicom.uid import UID, ExplicitVRLittleEndian

from pipelines.demo.uids import demo_uid

__all__ = ["SeriesEncoder"]


class SeriesEncoder:
    """Encodes the instances of one series in Explicit VR Little Endian.

    Parameters
    ----------
    shared : Dataset
        Every element that no instance changes.
    """

    def __init__(self, shared: Dataset) -> None:
        self._encodings = convert_encodings(shared.get("SpecificCharacterSet", "ISO_IR 6"))
        self._sop_class_uid = shared.SOPClassUID
        self._shared = self._encode(shared)

    def instance(self, own: Dataset, pixels: bytes) -> bytes:
        """Return the file of one instance: preamble, meta group, and shared plus own elements.

        Parameters
        ----------
        own : Dataset
            SOPInstanceUID and whatever differs; wins over the shared elements.
        pixels : bytes
            Native pixel data, little endian, even length (PS3.5 section 8.1.1).
        """
        own.add_new(0x7FE00010, "OW", pixels)
        elements = self._shared | self._encode(own)
        body = b"".join(elements[tag] for tag in sorted(elements))
        return self._meta(own.SOPInstanceUID) + body

    def _encode(self, ds: Dataset) -> dict[int, bytes]:
        corrected = correct_ambiguous_vr(ds, is_little_endian=True)
        return {int(elem.tag): _encode_element(elem, self._encodings) for elem in corrected}

    def _meta(self, sop_instance_uid: str) -> bytes:
        """Preamble, prefix and file meta information (PS3.10 section 7.1)."""
        meta = FileMetaDataset()
        meta.FileMetaInformationVersion = b"\x00\x01"
        meta.MediaStorageSOPClassUID = self._sop_class_uid
        meta.MediaStorageSOPInstanceUID = UID(sop_instance_uid)
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        meta.ImplementationClassUID = UID(demo_uid("accordage", "demo", "implementation"))
        meta.ImplementationVersionName = "ACCORDAGE_DEMO"
        fp = DicomBytesIO()
        fp.write(b"\x00" * 128 + b"DICM")
        write_file_meta_info(fp, meta)
        return fp.getvalue()


def _encode_element(elem: DataElement, encodings: Sequence[str]) -> bytes:
    fp = DicomBytesIO()
    fp.is_little_endian = True
    fp.is_implicit_VR = False
    write_data_element(fp, elem, list(encodings))
    return fp.getvalue()
