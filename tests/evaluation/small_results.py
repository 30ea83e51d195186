"""A small benchmark's result, made by hand."""

from vosctl.evaluation.results import (
    BenchmarkResult,
    ObjectScore,
    RunDescription,
    SequenceResult,
    SequenceSpeed,
)


def small_result(*, scored=True, run=True, shift=0.0, names=("bear", "camel")):
    """Two sequences of two objects, two frames that count; `shift` is added to each first object's J."""

    def objects(second_id, first_j):
        return (
            ObjectScore(1, ("00001", "00002"), (first_j + 0.05 + shift, first_j - 0.05 + shift), (0.7, 0.5)),
            ObjectScore(second_id, ("00001", "00002"), (0.5, 0.5), (0.5, 0.5)),
        )

    speeds = (
        SequenceSpeed(4, 2, 64, 48, 2.0, 0.5, 4.0),
        SequenceSpeed(4, 2, 64, 48, 1.0, 0.3, 2.0),
    )
    return BenchmarkResult(
        dataset="davis17",
        split="val",
        root="/data/DAVIS",
        masks="/runs/one",
        made_at="2026-01-02T03:04:05+00:00",
        versions={"vosctl": "0.1.0", "python": "3.11.0"},
        run=RunDescription("r18", {"r18.vosctl": "ab" * 32}, "ours", {"window": 8}, "cpu", "float32")
        if run
        else None,
        sequences=tuple(
            SequenceResult(name, objects(second_id, first_j) if scored else (), speed if run else None)
            for name, second_id, first_j, speed in zip(names, (2, 3), (0.8, 0.85), speeds, strict=True)
        ),
    )
