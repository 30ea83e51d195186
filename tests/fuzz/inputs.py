"""Damaged masks and job lists: `python -m tests.fuzz.inputs --seconds 3600 --folder FOLDER`."""

import io
import json
import random
import tempfile
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from tests.fuzz.harness import Target, run
from tests.fuzz.mutations import damage, damage_json, damage_png, damage_text, damage_xml, damage_zip
from vosctl.job.job_list import read_jobs
from vosctl.masks.formats import FORMATS
from vosctl.masks.given import read_given
from vosctl.masks.reading import read_mask
from vosctl.masks.sources import MaskSource
from vosctl.masks.writer import LabelledFrame
from vosctl.media.frame import ClipInfo
from vosctl.media.palette import PALETTE

_SIZE = (24, 16)  # (width, height)


def _labels(shift: int = 0) -> np.ndarray:
    labels = np.zeros(_SIZE[::-1], np.uint8)
    labels[2:9, 2 + shift : 10 + shift] = 1
    labels[8:14, 12:20] = 2
    return labels


def _encoded(image: Image.Image, form: str, **options: object) -> bytes:
    written = io.BytesIO()
    image.save(written, form, **options)
    return written.getvalue()


def _images() -> dict[str, Image.Image]:
    labels = _labels()
    palette = Image.fromarray(labels)
    palette.putpalette(PALETTE.tobytes())
    colours = PALETTE[labels]
    alpha = np.where(labels > 0, 255, 0).astype(np.uint8)
    return {
        "palette": palette,
        "ids": Image.fromarray(labels),
        "binary": Image.fromarray((labels > 0).astype(np.uint8) * 255),
        "bits": Image.fromarray(labels > 0),
        "deep": Image.fromarray(labels.astype(np.uint16)),
        "colours": Image.fromarray(colours),
        "alpha": Image.fromarray(np.dstack([colours, alpha])),
    }


def _export(name: str) -> bytes:
    """A file of three frames in one of the formats that are read back; of a folder, its first file."""
    form = FORMATS[name]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"masks{'' if form.is_folder else form.suffixes[0]}"
        info = ClipInfo(path, *_SIZE, 3, None, has_audio=False, is_folder=False)
        with form.open(path, info) as writer:
            for index in range(3):
                writer.write(LabelledFrame(_labels(index), f"{index:05d}"))
        return (min(path.iterdir()) if form.is_folder else path).read_bytes()


def _found_by_sam() -> bytes:
    code = {"size": [16, 24], "counts": [40, 8, 8, 8, 320]}
    masks = [{"segmentation": code, "area": 16, "bbox": [2, 8, 2, 16]}] * 2
    return json.dumps({"image": {"file_name": "a.jpg"}, "annotations": masks}).encode()


def _zipped(*members: tuple[str, bytes]) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        for name, body in members:
            archive.writestr(name, body)
    return written.getvalue()


def _arrays() -> list[bytes]:
    written = []
    for array in (_labels(), _labels() > 0, _labels().astype(">i4"), np.asfortranarray(_labels())[None]):
        file = io.BytesIO()
        np.save(file, array)
        written.append(file.getvalue())
    return written


def _read_one(path: Path, generator: random.Random) -> None:
    read_mask(path, _SIZE if generator.random() < 0.5 else None)


def _read_all(path: Path, _: random.Random) -> None:
    for frame in MaskSource(path):
        assert frame.labels.max() < 255


def _read_document(path: Path, generator: random.Random) -> None:
    """Reads annotations as `convert` does, or as `segment` takes them for first masks."""
    if generator.random() < 0.5:
        _read_all(path, generator)
    else:
        read_given(path, _SIZE)


def _read_in_folder(path: Path, generator: random.Random) -> None:
    """Reads a file of those of which there is one a frame."""
    folder = path.with_name(f"{path.name}-folder")
    folder.mkdir(exist_ok=True)
    (folder / f"00000{path.suffix}").write_bytes(path.read_bytes())
    _read_document(folder, generator)


_JOBS_CSV = (
    b"clip,mask,output,model,max-size\n"
    b"a.mp4,a.png,out/a,frtm-rn18,640\n"
    b"b.mp4,first.png;60=later.png,out/b,models/own.pt,\n"
)
_JOBS_JSON = (
    b'[{"clip": "a.mp4", "mask": ["a.png", "60=b.png"], "output": "out/a", "model": "frtm-rn18"},'
    b' {"clip": "b.mp4", "mask": "b.png;7=c.png", "max-size": 640}]'
)


def _read_jobs(path: Path, _: random.Random) -> None:
    for job in read_jobs(path):
        places = [job.clip, *(mask.path for mask in job.masks), job.output or path.parent]
        assert all(place.resolve().is_relative_to(path.parent.resolve()) for place in places)


def targets() -> list[Target]:
    """All kinds of mask files, and job lists."""
    images = _images()
    plain = partial(damage, other=_encoded(images["colours"], "PNG"))
    one: Callable[[Path, random.Random], object] = _read_one
    found = [Target("png", ".png", [_encoded(i, "PNG") for i in images.values()], one, [plain, damage_png])]
    others = {"tiff": ".tif", "bmp": ".bmp", "gif": ".gif", "webp": ".webp", "tga": ".tga", "jpeg": ".jpg"}
    for form, suffix in others.items():
        kinds = ("colours",) if form == "jpeg" else ("palette", "binary", "alpha")
        options = {"lossless": True} if form == "webp" else {}
        kept = [k for k in kinds if not (form == "bmp" and k == "alpha")]
        seeds = [_encoded(images[kind], form, **options) for kind in kept]
        if form == "tiff":
            seeds += [_encoded(images[kind], form, compression="tiff_lzw") for kind in kept]
        found.append(Target(form, suffix, seeds, one, [plain]))
    found.append(Target("npy", ".npy", _arrays(), one, [plain]))
    found.append(Target("npz", ".npz", [_export("numpy")], _read_all, [plain, damage_zip, damage_zip]))
    found.append(
        Target("coco", ".json", [_export("coco")], _read_document, [plain, damage_text, *[damage_json] * 3])
    )
    within = {".json": damage_json, ".xml": damage_xml, ".txt": damage_text}
    for name in ("youtube-vis", "cvat", "label-studio", "datumaro", "mots"):
        suffix = FORMATS[name].suffixes[0]
        ways = [plain, damage_text, *[within[suffix]] * 3]
        found.append(Target(name, suffix, [_export(name)], _read_document, ways))
    found.append(Target("sam", ".json", [_found_by_sam()], _read_document, [plain, *[damage_json] * 3]))
    zips = [_zipped(("annotations.xml", _export("cvat"))), _zipped(("instances.json", _export("coco")))]
    found.append(Target("zip", ".zip", zips, _read_document, [plain, damage_zip]))
    found.append(
        Target("labelme", ".json", [_export("labelme")], _read_in_folder, [plain, *[damage_json] * 3])
    )
    found.append(Target("exr", ".exr", [_export("exr")], _read_in_folder, [plain]))
    found.append(Target("label-video", ".mkv", [_export("label-video")], _read_all, [plain]))
    found.append(Target("jobs-csv", ".csv", [_JOBS_CSV], _read_jobs, [plain, damage_text]))
    found.append(Target("jobs-json", ".json", [_JOBS_JSON], _read_jobs, [plain, damage_text, damage_json]))
    return found


if __name__ == "__main__":
    run(targets())
