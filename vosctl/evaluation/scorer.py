"""Scores folders of masks against annotations, a few frames at a time on every core."""

import multiprocessing
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from vosctl.compute.available_cores import available_cores
from vosctl.errors import MaskError
from vosctl.evaluation.datasets import Dataset
from vosctl.evaluation.ground_truth import GroundTruth, read_ground_truth
from vosctl.evaluation.metrics import score_objects
from vosctl.evaluation.progress import Progress
from vosctl.evaluation.results import ObjectScore

_CHUNK = 16  # frames of one task
_POOL_PAYS_FROM = 600  # frames; below, starting processes takes longer than scoring


@dataclass(frozen=True)
class _Task:
    truth: GroundTruth
    masks: Path
    stems: tuple[str, ...]


@dataclass(frozen=True)
class _FrameScore:
    object_id: int
    stem: str
    j: float
    f: float


def score_dataset(
    dataset: Dataset, results: Path, progress: Progress, *, skip: frozenset[str] = frozenset()
) -> dict[str, tuple[ObjectScore, ...]]:
    """Score every sequence of a data set, by the rules of `ground_truth`.

    Args:
        dataset: what to score.
        results: the folder that holds the masks in the data set's layout.
        progress: is told how far it is.
        skip: names of sequences that have no masks.

    Returns:
        The objects' scores by sequence; none for a sequence whose annotations are not public.

    Raises:
        MaskError: a mask that counts is missing, unreadable, of another size or has unknown ids.
        DatasetError: the annotations are not in their layout.
    """
    truths = [read_ground_truth(sequence) for sequence in dataset.sequences if sequence.name not in skip]
    tasks = []
    for truth in truths:
        masks = dataset.mask_folder(results, truth.sequence.name)
        _require_masks(truth, masks)
        stems = truth.scored_stems
        tasks += [_Task(truth, masks, stems[at : at + _CHUNK]) for at in range(0, len(stems), _CHUNK)]

    progress.phase("scoring", sum(len(task.stems) for task in tasks))
    found: dict[tuple[str, int], list[_FrameScore]] = defaultdict(list)
    for task, scores in zip(tasks, _computed(tasks), strict=True):
        for score in scores:
            found[task.truth.sequence.name, score.object_id].append(score)
        progress.advance(len(task.stems))
    return {
        truth.sequence.name: tuple(
            _object_score(
                object_id,
                found[truth.sequence.name, object_id],
                dict(truth.sequence.seen_objects).get(object_id),
            )
            for object_id in truth.scored
        )
        for truth in truths
    }


def _require_masks(truth: GroundTruth, masks: Path) -> None:
    """Check, before anything is computed, that every mask that counts is there."""
    if truth.scored and not masks.is_dir():
        raise MaskError(f"{masks}: no such folder; expected the masks of {truth.sequence.name} in it")
    missing = [path for stem in truth.scored_stems if not (path := masks / f"{stem}.png").is_file()]
    if missing:
        raise MaskError(
            f"{missing[0]}: no such file; {len(missing)} of the {len(truth.scored_stems)} masks of "
            f"{truth.sequence.name} that count are missing"
        )


def _computed(tasks: list[_Task]) -> Iterator[list[_FrameScore]]:
    """The tasks' scores, in order."""
    workers = min(available_cores(), len(tasks))
    if workers < 2 or sum(len(task.stems) for task in tasks) < _POOL_PAYS_FROM:
        yield from map(_score, tasks)
        return
    # Spawned, because a fork of a process that holds torch's threads may hang.
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
        yield from pool.map(_score, tasks)


def _score(task: _Task) -> list[_FrameScore]:
    by_stem = {path.stem: path for path in task.truth.sequence.annotations}
    scores = []
    for stem in task.stems:
        annotation = task.truth.labels(by_stem[stem])
        prediction = task.truth.prediction(task.masks / f"{stem}.png", annotation.shape)
        ids = tuple(object_id for object_id, stems in task.truth.scored.items() if stem in stems)
        region, contour = score_objects(prediction, annotation, ids)
        scores += [
            _FrameScore(*values) for values in zip(ids, [stem] * len(ids), region, contour, strict=True)
        ]
    return scores


def _object_score(object_id: int, scores: list[_FrameScore], seen: bool | None) -> ObjectScore:
    return ObjectScore(
        object_id=object_id,
        frames=tuple(score.stem for score in scores),
        j_values=tuple(score.j for score in scores),
        f_values=tuple(score.f for score in scores),
        seen=seen,
    )
