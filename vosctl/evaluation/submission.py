"""The zip that a data set's server takes: its masks, in its layout, and nothing else."""

import zipfile
from pathlib import Path

from vosctl.errors import OutputError
from vosctl.evaluation.datasets import Dataset
from vosctl.files import atomic_path


def write_submission(dataset: Dataset, masks: Path, path: Path) -> int:
    """Zip every mask, as `<sequence>/00000.png` or, for YouTube-VOS, `Annotations/<video>/00000.png`.

    Returns:
        The number of masks.

    Raises:
        OutputError: a mask is missing, or the file cannot be written.
    """
    files = [
        dataset.mask_folder(masks, sequence.name) / f"{frame.stem}.png"
        for sequence in dataset.sequences
        for frame in sequence.frames
    ]
    for file in files:
        if not file.is_file():
            raise OutputError(f"{path}: not made, {file} is missing; a submission needs every frame's mask")
    # Stored, not deflated: a PNG is deflated already.
    with atomic_path(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for file in files:
            archive.write(file, file.relative_to(masks))
    return len(files)
