"""What happens to the pictures of a clip after they have been put together: light, colour, blur, noise,
compression.
"""

import io
from dataclasses import dataclass
from fractions import Fraction

import av
import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 (the field's name for it)
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

# ITU-R BT.601 luma, what "grey" means to JPEG.
_LUMA = (0.299, 0.587, 0.114)


@dataclass(frozen=True)
class Augmentation:
    """How strong each change is; 0 is none. Belongs to the recipe."""

    brightness: float = 0.2
    """Largest relative change of the gain, for the clip; a quarter of it again from frame to frame."""
    contrast: float = 0.25
    """Largest relative change of the contrast."""
    saturation: float = 0.3
    """Largest relative change of the saturation."""
    hue: float = 0.06
    """Largest relative change of one channel's gain."""
    grey: float = 0.03
    """Probability of a clip in grey."""
    blur: float = 0.15
    """Probability, per frame, of a Gaussian blur of 0.5 to 2 pixels."""
    noise: float = 0.2
    """Probability, per clip, of sensor noise of up to 4 %."""
    jpeg: float = 0.15
    """Probability, per clip, of JPEG blocks."""
    video: float = 0.0
    """Probability, per clip, of what a video codec (H.264) leaves at a low rate, from frame to frame."""


def augment(images: Tensor, rng: np.random.Generator, strength: Augmentation) -> Tensor:
    """Change a clip's look; what the camera would do to all frames alike is done to all alike.

    Args:
        images: (T, 3, H, W) RGB in [0, 1].
        rng: the source of all random numbers.
        strength: how strong each change is.

    Returns:
        The same shape, in [0, 1].
    """
    luma = torch.tensor(_LUMA).view(1, 3, 1, 1)

    def spread(width: float, shape: tuple[int, ...] = ()) -> Tensor:
        return torch.from_numpy(np.asarray(rng.uniform(-width, width, size=shape))).float()

    count = images.shape[0]
    gain = torch.exp(spread(strength.brightness) + spread(strength.brightness / 4, (count, 1, 1, 1)))
    tint = 1 + spread(strength.hue, (1, 3, 1, 1)) + spread(strength.hue / 4, (count, 3, 1, 1))
    images = images * (gain * tint)
    grey = (images * luma).sum(1, keepdim=True)
    saturation = 0.0 if rng.random() < strength.grey else float(1 + spread(strength.saturation))
    images = grey + saturation * (images - grey)
    middle = grey.mean((1, 2, 3), keepdim=True)
    images = middle + (1 + spread(strength.contrast)) * (images - middle)
    frames = [gaussian_blur(f, rng.uniform(0.5, 2.0)) if rng.random() < strength.blur else f for f in images]
    images = torch.stack(frames)
    if rng.random() < strength.noise:
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        images = images + torch.randn(images.shape, generator=generator) * float(rng.uniform(0.005, 0.04))
    images = images.clamp(0, 1)
    if rng.random() < strength.jpeg:
        quality = int(rng.integers(25, 80))
        images = torch.stack([_jpeg(frame, quality) for frame in images])
    if strength.video and rng.random() < strength.video:
        images = video_compressed(images, int(rng.integers(26, 40)))
    return images


def video_compressed(images: Tensor, quality: int) -> Tensor:
    """Take frames through an H.264 encoder and back.

    Args:
        images: (T, 3, H, W) RGB in [0, 1], in the order in which they are coded.
        quality: the rate factor (CRF); 23 is usual, 40 is coarse.

    Returns:
        The same shape, in [0, 1].
    """
    height, width = images.shape[2:]
    even = F.pad(images, (0, width % 2, 0, height % 2), mode="replicate")  # colour has half the resolution
    encoder = av.CodecContext.create("libx264", "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = even.shape[3], even.shape[2], "yuv420p"
    encoder.time_base = Fraction(1, 25)
    # One thread, for with several the result may hang on how many the machine has.
    encoder.options = {"crf": str(quality), "preset": "veryfast", "tune": "zerolatency", "threads": "1"}
    packets = []
    for frame in even:
        picture = av.VideoFrame.from_ndarray(_bytes_of(frame), format="rgb24")
        packets += encoder.encode(picture)
    packets += encoder.encode(None)
    decoder = av.CodecContext.create("h264", "r")
    assert isinstance(decoder, av.VideoCodecContext)
    decoded = [frame for packet in [*packets, None] for frame in decoder.decode(packet)]
    pixels = np.stack([frame.to_ndarray(format="rgb24") for frame in decoded])
    return torch.from_numpy(pixels).permute(0, 3, 1, 2)[..., :height, :width].float() / 255


def gaussian_blur(picture: Tensor, sigma: float) -> Tensor:
    """Blur (C, H, W) with a standard deviation in pixels."""
    radius = max(1, round(2.5 * sigma))
    taps = torch.exp(-0.5 * (torch.arange(-radius, radius + 1) / sigma) ** 2)
    taps = taps / taps.sum()
    x = F.pad(picture[:, None], (radius,) * 4, mode="replicate")
    x = F.conv2d(F.conv2d(x, taps.view(1, 1, -1, 1)), taps.view(1, 1, 1, -1))
    return x[:, 0]


def _jpeg(frame: Tensor, quality: int) -> Tensor:
    buffer = io.BytesIO()
    Image.fromarray(_bytes_of(frame)).save(buffer, "JPEG", quality=quality)
    with Image.open(buffer) as picture:
        return torch.from_numpy(np.array(picture)).permute(2, 0, 1).float() / 255


def _bytes_of(frame: Tensor) -> NDArray[np.uint8]:
    """(3, H, W) in [0, 1] -> (H, W, 3) uint8."""
    pixels: NDArray[np.uint8] = (frame * 255).round().to(torch.uint8).permute(1, 2, 0).contiguous().numpy()
    return pixels
