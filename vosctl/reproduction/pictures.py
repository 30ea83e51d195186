"""Targets that are pictures: FRTM's Figures 1, 4, 5 and 6, A-GAME's Figure 3."""

from itertools import islice
from pathlib import Path

import numpy as np
from PIL import Image as Pictures
from PIL import ImageDraw, ImageFont

from vosctl.arrays import Image, Labels
from vosctl.errors import VosctlError
from vosctl.evaluation.datasets import Sequence
from vosctl.evaluation.ground_truth import GroundTruth, read_ground_truth
from vosctl.evaluation.label_maps import read_label_map
from vosctl.masks.sample_pictures import write_sample_picture
from vosctl.masks.score_pictures import score_picture
from vosctl.media.clip import open_clip
from vosctl.media.drawing import draw_overlay
from vosctl.reproduction.chart import save
from vosctl.reproduction.outcome import RowOutcome
from vosctl.reproduction.plan import Measured, Models, Plan, measured_rows
from vosctl.reproduction.scores import row_folder, run_row
from vosctl.reproduction.target import Target
from vosctl.systems.settings import TrackerSettings
from vosctl.tracking.tracker import Tracker

MOST_SEQUENCES = 5
_EARLY, _LATE = 0.15, 0.9  # of a sequence
_PANEL = 360  # pixels, the width of a picture
_CAPTION = 22

Found = tuple[tuple[RowOutcome, ...], tuple[str, ...]]
"""The rows, and the files of the pictures in the target's folder."""


def draw_masks(target: Target, plan: Plan) -> Found:
    """Figure 4: an early and a late frame of each sequence, with the annotation and every row's masks."""
    ran, outcomes = _run_rows(target, plan)
    files = []
    for sequence in plan.dataset.sequences[:MOST_SEQUENCES]:
        truth = read_ground_truth(sequence)
        frames = _images(sequence)
        lines = []
        for share in (_EARLY, _LATE):
            at = round(share * (len(frames) - 1))
            stem = sequence.frames[at].stem
            panels = [("ground truth", draw_overlay(frames[at], _annotation(truth, stem)))]
            for one in ran:
                masks = plan.dataset.mask_folder(row_folder(target, one, plan), sequence.name)
                panels.append((one.label, draw_overlay(frames[at], read_label_map(masks / f"{stem}.png"))))
            lines.append(panels)
        files.append(_save(lines, plan.folder / target.name, sequence.name))
    return outcomes, tuple(files)


def draw_scores(target: Target, plan: Plan, models: Models) -> Found:
    """Figures 1 and 5, A-GAME's Figure 3: what the objects' own models see, and the masks."""
    outcomes, files = [], []
    for row in target.rows:
        for one in measured_rows(row, plan):
            try:
                model = models.get(one.choice)
            except VosctlError as error:
                outcomes.append(RowOutcome(one.label, {}, {}, one.made_by, f"not measured: {error}"))
                continue
            outcomes.append(RowOutcome(one.label, {}, {}, one.made_by, row.reason))
            for sequence in plan.dataset.sequences[:MOST_SEQUENCES]:
                frames, truth = _images(sequence), read_ground_truth(sequence)
                at = round(_LATE * (len(frames) - 1))
                tracked = Tracker(model, one.settings).run(
                    frames[: at + 1], _until(truth.first_masks(), at), scores=True
                )
                last = list(tracked)[-1]
                assert last.scores is not None
                scores = dict(zip(truth.object_ids, last.scores, strict=False))
                stem = sequence.frames[at].stem
                annotation = _annotation(truth, stem)
                picture = score_picture(frames[at], last.labels, scores, annotation)
                name = f"{sequence.name}-{one.key}.png"
                save(Pictures.fromarray(picture), plan.folder / target.name / name)
                files.append(name)
    return tuple(outcomes), tuple(files)


def draw_samples(target: Target, plan: Plan) -> Found:
    """Figure 6: the first frame and its variations, images above and labels below."""
    files = []
    for sequence in plan.dataset.sequences[:MOST_SEQUENCES]:
        masks = read_ground_truth(sequence).first_masks()
        start = min(masks)
        frame = _images(sequence, start + 1)[start]
        count = TrackerSettings.paper().initial_samples
        path = write_sample_picture(plan.folder / target.name, sequence.name, frame, masks[start], count)
        files.append(path.name)
    row = RowOutcome("first frame and 4 variations", {}, {}, "the samples of vosctl.systems.frtm", "")
    return (row,), tuple(files)


def _run_rows(target: Target, plan: Plan) -> tuple[list[Measured], tuple[RowOutcome, ...]]:
    ran, outcomes = [], []
    for row in target.rows:
        for one in measured_rows(row, plan):
            reason = row.reason
            try:
                run_row(one, plan, row_folder(target, one, plan))
                ran.append(one)
            except VosctlError as error:
                reason = f"not measured: {error}"
            outcomes.append(RowOutcome(one.label, {}, {}, one.made_by, reason))
    return ran, tuple(outcomes)


def _images(sequence: Sequence, count: int | None = None) -> list[Image]:
    with open_clip(sequence.frames[0].parent) as clip:
        return [frame.rgb for frame in islice(clip, count)]


def _annotation(truth: GroundTruth, stem: str) -> Labels:
    """The annotation of a frame; empty where it has none."""
    by_stem = {path.stem: path for path in truth.sequence.annotations}
    if stem in by_stem:
        return truth.labels(by_stem[stem])
    return np.zeros_like(next(iter(truth.first_masks().values())))


def _until(masks: dict[int, Labels], last: int) -> dict[int, Labels]:
    return {index: labels for index, labels in masks.items() if index <= last}


def _save(lines: list[list[tuple[str, Image]]], folder: Path, name: str) -> str:
    """Write rows of captioned pictures as NAME.png."""
    sample = lines[0][0][1]
    height = max(1, round(sample.shape[0] * _PANEL / sample.shape[1]))
    sheet = Pictures.new(
        "RGB", (max(map(len, lines)) * (_PANEL + 6), len(lines) * (height + _CAPTION + 6)), "white"
    )
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(14)
    for row, panels in enumerate(lines):
        for column, (caption, picture) in enumerate(panels):
            x, y = column * (_PANEL + 6), row * (height + _CAPTION + 6)
            draw.text((x + 2, y + 2), caption, fill=(26, 32, 44), font=font)
            tile = Pictures.fromarray(picture).resize((_PANEL, height), Pictures.Resampling.BILINEAR)
            sheet.paste(tile, (x, y + _CAPTION))
    save(sheet, folder / f"{name}.png")
    return f"{name}.png"
