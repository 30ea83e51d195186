"""Whether a GPU that is there computes: a small try in the dtype that is wanted, before any work."""

import warnings

import torch
import torch.nn.functional as F  # noqa: N812

_ADVICE = (
    ("no kernel image", "install a torch that is built for this GPU"),
    ("out of memory", "end the other programs that use its memory"),
    ("busy or unavailable", "end the program that holds it"),
    ("driver", "update the driver, or install a torch that is built for it"),
)
NOT_FINITE = "its results are not numbers"
"""What `fault_of` says of a GPU whose convolutions run, but give NaN."""


def fault_of(device: torch.device, dtype: torch.dtype = torch.float32) -> str | None:
    """Why a device cannot be used for a dtype, in words without a line break; None where it works.

    One convolution and one matrix product are computed, fetched and looked at.
    """
    try:
        with torch.inference_mode():
            images = torch.full((1, 8, 16, 16), 0.5, device=device, dtype=dtype)
            weights = torch.full((8, 8, 3, 3), 0.01, device=device, dtype=dtype)
            features = F.conv2d(images, weights, padding=1).flatten(1)
            product = features @ features.T
            finite = bool(torch.isfinite(product.float().cpu()).all())
    except RuntimeError as error:  # AcceleratorError and OutOfMemoryError are among these
        return in_one_line(error)
    return None if finite else NOT_FINITE


def advice_for(fault: str) -> str | None:
    """What a person can do about a fault; None where nothing is known."""
    return next((advice for words, advice in _ADVICE if words in fault.lower()), None)


def cuda_count() -> tuple[int, str | None]:
    """How many CUDA devices there are, and why there is none though a driver was found."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    return count, in_one_line(caught[0].message) if caught and not count else None


def in_one_line(error: Warning | Exception | str) -> str:
    """The first line of what PyTorch says, without the dot at its end and what it says of itself."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0].removeprefix("CUDA initialization: ").partition(" (Triggered internally")[0].rstrip(".")
