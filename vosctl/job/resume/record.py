"""The record of a run: what was asked for, what its masks depend on, and how far it is."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vosctl.errors import OutputError, UsageError
from vosctl.files import read_json, write_json
from vosctl.job.plain_data import require_fields
from vosctl.job.request import MaskAt, Request
from vosctl.masks.positions import WHOLE, Part
from vosctl.masks.tidy import NO_TIDYING, Tidy
from vosctl.media.frame import ClipInfo
from vosctl.systems.choice import ModelChoice
from vosctl.systems.settings import TrackerSettings
from vosctl.version import __version__

if TYPE_CHECKING:
    from vosctl.compute.devices import Precision
    from vosctl.systems.model import Model

FORMAT = 3
_SAMPLE = 1 << 16  # bytes at either end of a clip by which it is known again
_MOST_FRAMES = 2**31
_SHOWN = 200  # letters of a value
_CLIP = "the clip"
_START_OVER = "start over with --overwrite"
_PRECISIONS: dict[str, "Precision"] = {"float32": "fp32", "bfloat16": "bf16", "float16": "fp16"}
# What people call the settings; the others go by their own names.
_OPTIONS = {"refine": "--variant d-only", "update": "--variant no-update", "max_size": "--max-size"}


@dataclass(frozen=True)
class _AskedModel:
    """A `ModelChoice` as plain data."""

    name: str | None
    precision: str
    backbone_weights: str | None = None
    refinement: str | None = None
    download: bool = False


@dataclass(frozen=True)
class _Asked:
    """What `describe_request` gives, with its types."""

    clip: str
    formats: tuple[str, ...]
    overlay: str | None
    model: _AskedModel
    settings: TrackerSettings
    both_ways: bool
    stream: int | None = None
    max_pixels: int | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    tidy: Tidy = NO_TIDYING
    part: Part = WHOLE


@dataclass(frozen=True)
class Record:
    """`run.json`. Everything in it is plain data."""

    request: Mapping[str, Any]
    """What was asked for, but for masks and output, which lie beside it."""
    conditions: Mapping[str, Any]
    """What the results depend on, by the name of the option that it comes from."""
    masks: Mapping[int, str]
    """SHA-256 of each given mask, by frame index."""
    keep: int = 0
    """Results of so many frames stay as they are: a correction does not concern them."""
    frames: int = 0
    """So many frames were done when the run last ended in order; 0 while it is at work."""
    complete: bool = False
    """The clip is done."""
    sound: int = 0
    """Of a folder of images that broke off: so many came before the fault."""
    sound_digest: str = ""
    """By which these are known again, when the one with the fault has been replaced."""

    def write(self, path: Path) -> None:
        """Writes the file, whole or not at all.

        Raises:
            OutputError: it cannot be written.
        """
        write_json(path, {"format": FORMAT, "version": __version__, **asdict(self)})

    @classmethod
    def read(cls, path: Path) -> "Record":
        """Reads what `write` wrote.

        Raises:
            OutputError: it cannot be read, or is of another version.
        """
        data = read_json(path, _START_OVER)
        try:
            form, version = data.pop("format"), data.pop("version", "unknown")
            if form != FORMAT or version != __version__:
                raise OutputError(
                    f"{path} was written by another version of vosctl ({str(version)[:20]}; this is "
                    f"{__version__}); {_START_OVER}, or go on with that version"
                )
            data = require_fields(data, cls)
            frames = {"masks": max(map(int, data["masks"]), default=0)}
            frames |= {name: data.get(name, 0) for name in ("keep", "frames", "sound")}
            for name, frame in frames.items():
                if not 0 <= frame <= _MOST_FRAMES:
                    raise ValueError(f"{name} has frame {frame}")
            masks = {int(frame): str(digest) for frame, digest in data.pop("masks").items()}
            return cls(**data, masks=masks)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise OutputError(f"{path} is damaged: {error}; {_START_OVER}") from error

    def check(self, conditions: Mapping[str, Any], output: Path) -> None:
        """Makes sure that a run goes on as it began.

        Raises:
            OutputError: something is different now; the message names it.
        """
        for name, now in conditions.items():
            before = self.conditions.get(name)
            if now != before:
                raise OutputError(
                    f"{output}: {name} is {_say(now)} now, but the run there began with {_say(before)}; "
                    "give the same to go on with --resume, or start over with --overwrite"
                )

    def check_masks(self, masks: Mapping[int, str], output: Path) -> None:
        """Makes sure that the same masks are given.

        Raises:
            OutputError: there is another mask, or one is missing.
        """
        for frame in sorted({*masks, *self.masks}):
            if masks.get(frame) != self.masks.get(frame):
                what = "missing" if frame not in masks else "new" if frame not in self.masks else "different"
                raise OutputError(
                    f"{output}: the mask of frame {frame} is {what}, compared with the run there; give "
                    "the same to go on with --resume, correct with --from-run, or start over with --overwrite"
                )

    def to_request(self, output: Path, masks: Mapping[int, Path]) -> Request:
        """What to do to make this run's results again.

        Raises:
            OutputError: the record is damaged.
        """
        try:
            data = require_fields(dict(self.request), _Asked)
            if "\0" in "".join(map(str, [data["clip"], data["overlay"], *data["model"].values()])):
                raise ValueError("a name holds a null byte")
            choice: dict[str, Any] = {name: _path(value) for name, value in data["model"].items()}
            choice["name"] = data["model"]["name"]
            choice["precision"] = _PRECISIONS[self.conditions["--precision"]]
            return Request(
                clip=Path(data["clip"]),
                masks=tuple(MaskAt(frame, path, True) for frame, path in sorted(masks.items())),
                output=output,
                formats=tuple(data["formats"]),
                overlay=_path(data["overlay"]),
                model=ModelChoice(**choice),
                settings=TrackerSettings(**data["settings"]),
                both_ways=bool(data["both_ways"]),
                stream=data.get("stream"),
                max_pixels=data.get("max_pixels"),
                names={int(key): str(name) for key, name in data.get("names", {}).items()},
                labels={int(key): str(name) for key, name in data.get("labels", {}).items()},
                tidy=Tidy.of(data.get("tidy", {})),
                part=Part(**data.get("part", {})),
            )
        except (KeyError, TypeError, AttributeError, ValueError, UsageError) as error:
            raise OutputError(f"{output}: the record of its run is damaged: {error}; segment anew") from error

    def with_precision(self, choice: ModelChoice) -> ModelChoice:
        """A choice that leaves the dtype open gets this run's, whatever auto would choose on this machine."""
        if choice.precision != "auto":
            return choice
        return replace(choice, precision=_PRECISIONS.get(str(self.conditions.get("--precision")), "auto"))

    def in_clip(self, info: ClipInfo) -> "Record":
        """The record as of this clip, if that is the run's own with the image replaced that broke it off."""
        if not (self.sound and info.is_folder):
            return self
        now = _clip_condition(info)
        if now == self.conditions.get(_CLIP) or digest_of_first(info, self.sound) != self.sound_digest:
            return self
        return replace(self, conditions={**self.conditions, _CLIP: now}, sound=0, sound_digest="")


def describe_request(request: Request) -> dict[str, Any]:
    """What `Record.to_request` needs."""
    model = request.model.absolute()
    return {
        "clip": str(request.clip.absolute()),
        "formats": list(request.formats),
        "overlay": str(request.overlay.absolute()) if request.overlay else None,
        "model": {name: str(one) if isinstance(one, Path) else one for name, one in vars(model).items()},
        "settings": asdict(request.settings),
        "both_ways": request.both_ways,
        "stream": request.stream,
        "max_pixels": request.max_pixels,
        "names": {str(key): name for key, name in request.names.items()},
        "labels": {str(key): name for key, name in request.labels.items()},
        "tidy": asdict(request.tidy),
        "part": asdict(request.part),
    }


def conditions_of(request: Request, info: ClipInfo) -> dict[str, Any]:
    """What a run's results depend on, as far as it is known without the model."""
    settings = {_OPTIONS.get(name, f"--{name}"): value for name, value in asdict(request.settings).items()}
    for name in ("--variant d-only", "--variant no-update"):
        settings[name] = not settings[name]
    return {
        _CLIP: _clip_condition(info),
        "--model": Path(request.model.name).name if request.model.name else None,
        **settings,
        "--both-ways": request.both_ways,
        "--stream": request.stream,
        "--format": ", ".join(request.formats),
        "--overlay": str(request.overlay.absolute()) if request.overlay else None,
        "--name": ", ".join(f"{key}={name}" for key, name in sorted(request.names.items())) or None,
        "tidying": request.tidy.text or None,
        "the part of the clip": request.part.text or None,
    }


def model_conditions(choice: ModelChoice, model: "Model") -> dict[str, Any]:
    """What a run's results depend on beside `conditions_of`: the model."""
    return {
        "the model's weights": ", ".join(choice.weights_of(model).values()),
        "--precision": model.precision,
        "--device": model.device.type,
    }


def digest_of_first(info: ClipInfo, count: int) -> str:
    """By which the first `count` images of a folder are known again, byte by byte; "" where there are fewer.

    Raises:
        OSError: one cannot be read.
    """
    from vosctl.media.frame_folder import list_images

    files = list_images(info.path)[:count]
    # What is to be told of the clip depends on all of its images: how many bits their values have.
    digest = hashlib.sha256(f"{info.width}x{info.height} {info.notes}".encode())
    for file in files:
        content = file.read_bytes()
        digest.update(f"{file.name}:{len(content)}\n".encode("utf-8", "surrogateescape"))
        digest.update(content)
    return digest.hexdigest() if len(files) == count else ""


def _clip_condition(info: ClipInfo) -> str:
    return f"{info.width}x{info.height}, {_fingerprint(info)}"


def _fingerprint(info: ClipInfo) -> str:
    """A digest by which a clip is known again, wherever it lies: sizes, and the bytes at its two ends."""
    from vosctl.media.frame_folder import list_images

    digest = hashlib.sha256()
    files = list_images(info.path) if info.is_folder else [info.path]
    for file in files:
        size = file.stat().st_size
        digest.update(f"{file.name if info.is_folder else ''}:{size}\n".encode())
    for file in (files[0], files[-1]):
        with file.open("rb") as content:
            digest.update(content.read(_SAMPLE))
            content.seek(max(0, file.stat().st_size - _SAMPLE))
            digest.update(content.read(_SAMPLE))
    return f"{len(files)} images, {digest.hexdigest()[:12]}" if info.is_folder else digest.hexdigest()[:12]


def _path(value: Any) -> Any:
    return Path(value) if isinstance(value, str) else value


def _say(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return "not set" if value is None else str(value)[:_SHOWN]
