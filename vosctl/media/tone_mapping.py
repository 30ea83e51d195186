"""HDR pictures made SDR, as a network that knows photographs and an 8-bit overlay need them.

The steps of ITU-R BT.2390: code values to light, wide gamut to BT.709, highlights rolled off towards white,
light to code values.
"""

from typing import Self

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, ColorTrc, Interpolation, VideoReformatter
from numpy.typing import NDArray

_WHITE = 203.0  # cd/m2 of diffuse white in HDR (ITU-R BT.2408): it becomes the white of SDR
_PEAK = 1000.0  # cd/m2 that most HDR is graded to; what is brighter is clipped
_GAMMA = 2.4  # of an SDR display (ITU-R BT.1886)
_TO_BT709 = np.array(  # linear BT.2020 to linear BT.709 (ITU-R BT.2087)
    [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]], np.float32
)
_CODES = 1 << 12  # steps of the tables; HDR has 10 or 12 bits
_ROWS = 32  # converted at a time, so that the intermediate values stay in the processor's caches

Table = NDArray[np.float32]


def _pq_to_light(code: NDArray[np.float64]) -> NDArray[np.float64]:
    """SMPTE ST 2084: code in [0, 1] to cd/m2."""
    power = code ** (1 / 78.84375)
    ratio = np.maximum(power - 0.8359375, 0) / (18.8515625 - 18.6875 * power)
    light: NDArray[np.float64] = 10000 * ratio ** (1 / 0.1593017578125)
    return light


def _light_to_pq(light: NDArray[np.float64]) -> NDArray[np.float64]:
    """SMPTE ST 2084: cd/m2 to code in [0, 1]."""
    power = (light / 10000) ** 0.1593017578125
    return ((0.8359375 + 18.8515625 * power) / (1 + 18.6875 * power)) ** 78.84375


def _hlg_to_light(code: NDArray[np.float64]) -> NDArray[np.float64]:
    """ITU-R BT.2100 HLG: code in [0, 1] to cd/m2 on a display of 1000; the system's gamma by channel."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    scene = np.where(code <= 0.5, code**2 / 3, (np.exp((code - c) / a) + b) / 12)
    return 1000 * scene**1.2


def _rolled_off(light: NDArray[np.float64]) -> NDArray[np.float64]:
    """ITU-R BT.2390's curve in PQ: dark light stays, from the knee on up to the peak is brought to white."""
    peak, white = _light_to_pq(np.array([_PEAK, _WHITE]))
    target = white / peak
    knee = 1.5 * target - 0.5
    value = np.minimum(_light_to_pq(light) / peak, 1)
    t = (value - knee) / (1 - knee)
    spline = (
        (2 * t**3 - 3 * t**2 + 1) * knee
        + (t**3 - 2 * t**2 + t) * (1 - knee)
        + (-2 * t**3 + 3 * t**2) * target
    )
    return _pq_to_light(np.where(value > knee, spline, value) * peak)


class ToneMapping:
    """Converts the pictures of a clip in PQ or HLG."""

    def __init__(self, name: str, light: Table) -> None:
        self.note = f"HDR ({name}) was tone-mapped to SDR"
        self._light = light  # of each code, white = 1
        brightest = np.linspace(0, 1, _CODES) ** 2 * _PEAK  # finer where it is dark
        gain = _rolled_off(brightest) / np.maximum(brightest, 1e-9)
        gain[0] = 1
        self._gain = gain.astype(np.float32)
        self._code = np.rint(255 * np.linspace(0, 1, _CODES) ** (2 / _GAMMA)).astype(np.uint8)

    @classmethod
    def of(cls, picture: av.VideoFrame) -> Self | None:
        """The tone mapping that the picture's transfer asks for; None for SDR."""
        codes = np.linspace(0, 1, _CODES)
        if picture.color_trc == ColorTrc.SMPTE2084:
            return cls("PQ", (_pq_to_light(codes) / _WHITE).astype(np.float32))
        if picture.color_trc == ColorTrc.ARIB_STD_B67:
            return cls("HLG", (_hlg_to_light(codes) / _WHITE).astype(np.float32))
        return None

    def to_sdr(self, picture: av.VideoFrame, reformatter: VideoReformatter) -> NDArray[np.uint8]:
        """The picture as (H, W, 3) uint8 in BT.709."""
        is_full = picture.color_range == ColorRange.JPEG
        deep = reformatter.reformat(
            picture,
            format="rgb48le",
            src_colorspace=Colorspace.BT2020,
            src_color_range=ColorRange.JPEG if is_full else ColorRange.MPEG,
            dst_color_range=ColorRange.JPEG,
            interpolation=Interpolation.BILINEAR | Interpolation.ACCURATE_RND,
            threads=1,
        )
        codes = np.asarray(deep.to_ndarray(), np.uint16)  # (H, W, 3)
        sdr = np.empty(codes.shape, np.uint8)
        for top in range(0, len(codes), _ROWS):
            sdr[top : top + _ROWS] = self._strip(codes[top : top + _ROWS])
        return sdr

    def _strip(self, codes: NDArray[np.uint16]) -> NDArray[np.uint8]:
        light = self._light[codes >> 4] @ _TO_BT709.T  # (h, W, 3), white = 1
        np.maximum(light, 0, out=light)  # colours that BT.709 does not have
        brightest = np.minimum(light.max(2), _PEAK / _WHITE)
        steps = np.sqrt(brightest * (_WHITE / _PEAK)) * (_CODES - 1)
        light *= self._gain[steps.astype(np.int32)][..., None]
        np.clip(light, 0, 1, out=light)
        sdr: NDArray[np.uint8] = self._code[(np.sqrt(light) * (_CODES - 1)).astype(np.int32)]
        return sdr
