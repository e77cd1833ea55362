"""GE: b as the first of four integers in GEMS_PARM_01, with a bias of one thousand million."""

from __future__ import annotations

from pydicom.dataset import Dataset

from pipelines.demo.dialects.frame import Frame

__all__ = ["write_frame"]

_CREATOR = "GEMS_PARM_01"
_B_BIAS = 1_000_000_000
_COMBINED_DIFFUSION_IMAGE = 14
"""(0043,xx30) of an image combined from the diffusion directions."""


def write_frame(own: Dataset, shared: Dataset, frame: Frame) -> None:  # noqa: ARG001 - one contract
    """Add InStackPositionNumber, (0043,xx30) kind of image and (0043,xx39) b plus bias."""
    own.InStackPositionNumber = frame.slice_index + 1
    block = own.private_block(0x0043, _CREATOR, create=True)
    block.add_new(0x2C, "SS", 388 if frame.role != "t2w" else 0)
    if frame.role == "dwi" and frame.b_value is not None:
        block.add_new(0x30, "SS", _COMBINED_DIFFUSION_IMAGE)
        block.add_new(0x39, "IS", [frame.b_value + _B_BIAS, 8, 0, 0])
