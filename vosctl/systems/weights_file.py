"""Model files: what `vosctl train` exports and `vosctl weights import` makes.

A model file is torch's zip format, read with `weights_only`, so that loading runs no code from it:
`{"format": 1, "architecture": NAME, "options": {}, "state": {name: tensor}}`, names under `backbone.` and
`refinement.` (FRTM), `agame.` (A-GAME) or `box.` (the box network); `options` are A-GAME's sizes and
ablations. Beside it may lie its card, `NAME.json`, whose `sha256` the file must then have.
"""

import hashlib
import io
import json
import pickle
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from vosctl.errors import WeightsError
from vosctl.files import atomic_path, make_folder, write_json
from vosctl.systems.weights_archive import check_archive, not_readable, regular_size
from vosctl.systems.weights_state import checked_state, show

FORMAT = 1
_MAX_CARD_BYTES = 1 << 20


@dataclass(frozen=True)
class WeightsFile:
    """The content of a model file."""

    architecture: str
    """frtm-rn18, agame-rn18, ..."""
    state: dict[str, Tensor]
    """Parameters under `backbone.`, and `refinement.`, `agame.` or `box.`; either may be missing."""
    sha256: str
    """The hash of the whole file."""
    path: Path
    options: dict[str, Any]
    """The options of the network, where its architecture leaves any open."""

    def part(self, prefix: str) -> dict[str, Tensor]:
        """The parameters under `prefix.`, without it, in float32."""
        start = len(prefix) + 1
        return {
            name[start:]: value.float() if value.is_floating_point() else value
            for name, value in self.state.items()
            if name.startswith(f"{prefix}.")
        }


def read_weights(path: Path) -> WeightsFile:
    """Read and verify a model file.

    Raises:
        WeightsError: it is missing, damaged, not a model file, not the file that its card describes, or has
            numbers that are not finite.
    """
    sha256 = file_sha256(path)
    expected = card_of(path).get("sha256")
    if expected is not None and expected != sha256:
        raise WeightsError(
            f"{path}: damaged: its SHA-256 is {sha256[:12]}..., its card says {show(expected)}; "
            f"fetch or export the file again"
        )
    content = read_tensors(path)
    architecture, state = content.get("architecture"), content.get("state")
    version, options = content.get("format"), content.get("options", {})
    is_model = type(version) is int and version == FORMAT and isinstance(options, dict)
    if not (is_model and isinstance(architecture, str) and isinstance(state, dict)):
        raise WeightsError(
            f"{path}: not a vosctl model file; for weights of the FRTM authors use 'vosctl weights import', "
            f"for a torchvision ResNet use --backbone-weights"
        )
    return WeightsFile(architecture, checked_state(state, path), sha256, path, options)


def write_weights(
    path: Path,
    architecture: str,
    state: Mapping[str, Tensor],
    card: Mapping[str, Any],
    options: Mapping[str, Any] | None = None,
) -> str:
    """Write a model file in half precision and its card, each whole or not at all.

    Args:
        path: of the model file, *.pt.
        architecture: frtm-rn18, ...
        state: parameters under `backbone.`, and `refinement.`, `agame.` or `box.`.
        card: what people must know of the model; `sha256` is added.
        options: of the network, plain values; what `WeightsFile.options` will be.

    Returns:
        The SHA-256 of the file.

    Raises:
        OutputError: it cannot be written.
    """
    half = {name: _halved(value).detach().cpu().contiguous().clone() for name, value in state.items()}
    make_folder(path.parent)
    content = {"format": FORMAT, "architecture": architecture, "options": dict(options or {}), "state": half}
    write_tensors(path, content)
    sha256 = file_sha256(path)
    write_json(path.with_suffix(".json"), {**card, "sha256": sha256})
    return sha256


def _halved(value: Tensor) -> Tensor:
    """In half precision, but for what this would make infinite, such as variances of pixels in 0 to 255."""
    if not value.is_floating_point() or bool((value.abs() > torch.finfo(torch.float16).max).any()):
        return value
    return value.half()


def card_of(path: Path) -> dict[str, Any]:
    """The card beside a model file; empty where there is none.

    Raises:
        WeightsError: the card is not JSON.
    """
    card = path.with_suffix(".json")
    if not card.is_file():
        return {}
    try:
        with card.open("rb") as file:
            content = json.loads(file.read(_MAX_CARD_BYTES))
    except (OSError, ValueError, RecursionError) as error:
        reason = error.strerror if isinstance(error, OSError) else f"not JSON ({error})"
        raise WeightsError(f"{card}: unreadable card: {reason}; fetch the model's two files again") from None
    if not isinstance(content, dict):
        raise WeightsError(
            f"{card}: found {show(content)}, expected a card; fetch the model's two files again"
        )
    return content


def read_tensors(path: Path) -> dict[str, Any]:
    """Read what torch.save put into a file, without running code from it.

    Raises:
        WeightsError: it is missing, damaged, or holds more than tensors and plain data.
    """
    check_archive(path)
    try:
        with warnings.catch_warnings(action="ignore"):  # they tell of torch's inside, not of the file
            content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:  # whose text advises to read the file unsafely
        raise WeightsError(
            f"{path}: not a weights file that can be loaded safely (damaged, or it holds more than tensors); "
            "fetch or export it again"
        ) from None
    except Exception:  # noqa: BLE001  (what is damaged, torch's reader meets with any kind)
        raise not_readable(path) from None
    if not isinstance(content, dict):
        raise WeightsError(f"{path}: found a {type(content).__name__}, expected a dictionary of tensors")
    return content


def load_state(network: nn.Module, state: Mapping[str, Tensor], source: str) -> None:
    """Give a network its parameters.

    Args:
        network: in place.
        state: its parameters by name, all of them.
        source: the file that they are from, for the message.

    Raises:
        WeightsError: they do not fit.
    """
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        reason = " ".join(str(error).split())
        raise WeightsError(f"{source}: does not fit {type(network).__name__}: {reason[:200]}") from None


def write_tensors(path: Path, content: Mapping[str, Any]) -> None:
    """Write what `read_tensors` reads, whole or not at all.

    Raises:
        OutputError: it cannot be written.
    """
    buffer = io.BytesIO()  # torch.save on a full disk raises what is no OSError
    torch.save(dict(content), buffer)
    with atomic_path(path) as temporary:
        temporary.write_bytes(buffer.getbuffer())


def file_sha256(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal.

    Raises:
        WeightsError: it cannot be read.
    """
    regular_size(path)
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise WeightsError(f"{path}: unreadable: {error.strerror}") from None
