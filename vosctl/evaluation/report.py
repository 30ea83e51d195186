"""`report.html`: one file that needs no other, to be read by a person."""

from collections.abc import Iterable, Mapping
from html import escape
from pathlib import Path

from vosctl.evaluation.charts import Line, bar_chart, line_chart
from vosctl.evaluation.datasets import Dataset, Sequence
from vosctl.evaluation.frame_pictures import extreme_frames
from vosctl.evaluation.results import BenchmarkResult, SequenceResult
from vosctl.evaluation.statistics import Statistics
from vosctl.masks.palette import PALETTE
from vosctl.media.files import atomic_path

_MOST_PICTURED = 60  # sequences; a page with pictures of hundreds is too large to open

_STYLE = """
:root { color-scheme: light; }
body { font: 15px/1.5 system-ui, sans-serif; color: #1a202c; background: #fff; max-width: 1060px;
       margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; margin-bottom: 0; } h2 { margin-top: 2.5rem; } h3 { margin: 2rem 0 .4rem; }
.sub { color: #4a5568; margin-top: .2rem; }
.cards { display: flex; flex-wrap: wrap; gap: .7rem; margin: 1.2rem 0; padding: 0; list-style: none; }
.cards li { border: 1px solid #cbd5e0; border-radius: 8px; padding: .5rem .9rem; min-width: 6.5rem; }
.cards b { display: block; font-size: 1.45rem; font-variant-numeric: tabular-nums; }
.cards span { color: #4a5568; font-size: .85rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .9rem; }
th, td { padding: .2rem .8rem .2rem 0; text-align: right; border-bottom: 1px solid #e2e8f0; }
th:first-child, td:first-child { text-align: left; }
table.facts td { text-align: left; overflow-wrap: anywhere; } table.facts th { white-space: nowrap; }
svg { max-width: 100%; height: auto; } svg text { font: 11px system-ui, sans-serif; fill: #4a5568; }
svg text.title { font-weight: 600; fill: #1a202c; } svg .grid { stroke: #e2e8f0; }
svg polyline { fill: none; stroke-width: 2; stroke-linejoin: round; }
.pair { display: flex; flex-wrap: wrap; gap: .6rem; } .pair > * { flex: 1 1 460px; margin: .4rem 0; }
figure img { width: 100%; display: block; } figcaption { font-size: .85rem; color: #4a5568; }
i { display: inline-block; width: .8rem; height: .8rem; border-radius: 2px; vertical-align: -1px;
    margin: 0 .3rem 0 .8rem; }
.legend { font-size: .85rem; color: #4a5568; margin: .3rem 0; }
.failed { border-left: 4px solid #c53030; padding-left: .8rem; }
"""


def write_report(result: BenchmarkResult, dataset: Dataset, path: Path) -> None:
    """Write the report: figures, bars, J and F over time, best and worst frames, speed, and what made them.

    Args:
        result: what was found.
        dataset: where the frames and annotations for the pictures are.
        path: the file to write.

    Raises:
        OutputError: the file cannot be written.
    """
    title = f"{result.dataset} {result.split}: {result.run.model if result.run else Path(result.masks).name}"
    sequences = {sequence.name: sequence for sequence in dataset.sequences}
    page = "\n".join(
        (
            '<!doctype html><html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>",
            f"<h1>{escape(title)}</h1>",
            f'<p class="sub">vosctl {escape(result.versions["vosctl"])}, {escape(result.made_at)}</p>',
            *_headline(result),
            *_failures(result),
            *_bars(result),
            *_speed(result),
            *_provenance(result),
            *_details(result, dataset, sequences),
            "</body></html>\n",
        )
    )
    with atomic_path(path) as temporary:
        temporary.write_text(page, encoding="utf-8")


def _headline(result: BenchmarkResult) -> Iterable[str]:
    cards = []
    if summary := result.summary:
        cards.append((f"{summary.j_and_f:.3f}", "J&F"))
        for name, statistics in (("J", summary.j), ("F", summary.f)):
            cards += [
                (f"{statistics.mean:.3f}", f"{name} mean"),
                (f"{statistics.recall:.3f}", f"{name} recall"),
                (f"{statistics.decay:.3f}", f"{name} decay"),
            ]
    if speed := result.speed:
        cards += [
            (f"{speed.model_fps:.2f}", "frames/s, model"),
            (f"{speed.end_to_end_fps:.2f}", "frames/s, files to files"),
            (f"{speed.first_mask_seconds:.2f} s", "to the first mask"),
        ]
    if cards:
        items = (f"<li><b>{value}</b><span>{escape(label)}</span></li>" for value, label in cards)
        yield f'<ul class="cards">{"".join(items)}</ul>'
    if not result.summary:
        yield "<p>Not scored: this split's annotations are not public, its server scores it.</p>"


def _failures(result: BenchmarkResult) -> Iterable[str]:
    if result.failures:
        yield f'<div class="failed"><h2>Failed: {len(result.failures)}</h2>'
        yield "<p>They are not in the figures.</p><ul>"
        for failure in result.failures:
            yield f"<li><b>{escape(failure.sequence)}</b>: {escape(failure.error)}</li>"
        yield "</ul></div>"


def _bars(result: BenchmarkResult) -> Iterable[str]:
    scored = [(one.name, one.summary) for one in result.sequences if one.summary]
    if scored:
        scored.sort(key=lambda pair: -pair[1].j_and_f)
        yield "<h2>Sequences</h2>"
        yield bar_chart([(name, summary.j.mean, summary.f.mean) for name, summary in scored])


def _speed(result: BenchmarkResult) -> Iterable[str]:
    run = result.run
    timed = [(one.name, one.speed) for one in result.sequences if one.speed]
    if not run or not timed:
        return
    yield "<h2>Speed</h2>"
    yield (
        f"<p>{escape(run.device)}, {escape(run.precision)}. Model frames/s: frames over computing time, with "
        "the first frame's work, without reading and writing. The figures above are means over sequences.</p>"
        "<table><tr><th>sequence</th><th>frames</th><th>objects</th><th>size</th><th>frames/s, model</th>"
        "<th>frames/s, files to files</th><th>first mask</th><th>threads</th><th>jobs</th></tr>"
    )
    for name, speed in timed:
        yield (
            f"<tr><td>{escape(name)}</td><td>{speed.frames}</td><td>{speed.objects}</td>"
            f"<td>{speed.width}x{speed.height}</td><td>{speed.model_fps:.2f}</td>"
            f"<td>{speed.end_to_end_fps:.2f}</td>"
            f"<td>{speed.first_mask_seconds:.2f} s</td><td>{speed.threads}</td><td>{speed.jobs}</td></tr>"
        )
    yield "</table>"


def _provenance(result: BenchmarkResult) -> Iterable[str]:
    facts: dict[str, object] = {
        "data set": f"{result.dataset} {result.split}, {result.root}",
        "masks": result.masks,
    }
    if run := result.run:
        facts |= {
            "model": run.model,
            "variant": run.variant,
            "device": run.device,
            "precision": run.precision,
        }
        facts |= {f"weights of {name}": value for name, value in run.weights.items()}
        facts |= dict(run.settings)
    facts |= result.versions
    yield '<h2>Made by</h2><table class="facts">'
    yield from (
        f"<tr><th>{escape(name)}</th><td>{escape(str(value))}</td></tr>" for name, value in facts.items()
    )
    yield "</table>"


def _details(result: BenchmarkResult, dataset: Dataset, sequences: Mapping[str, Sequence]) -> Iterable[str]:
    scored = [sequence for sequence in result.sequences if sequence.objects]
    if not scored:
        return
    by_score = [one.name for one in sorted(scored, key=_j_and_f)]
    half = _MOST_PICTURED // 2
    pictured = set(by_score if len(by_score) <= _MOST_PICTURED else by_score[:half] + by_score[-half:])
    yield "<h2>Over time</h2>"
    yield '<p class="legend">In the pictures: prediction on the left, annotation on the right.</p>'
    for one in scored:
        yield f"<h3>{escape(one.name)}</h3>"
        yield from _objects(one)
        if one.name in pictured and one.name in sequences:
            masks = dataset.mask_folder(Path(result.masks), one.name)
            yield '<div class="pair">'
            for picture in extreme_frames(sequences[one.name], masks, one):
                caption = f"{picture.title} frame: {picture.stem}, J {picture.j:.3f}, F {picture.f:.3f}"
                yield (
                    f'<figure><img src="{picture.data_uri}" alt="{escape(one.name)}, {escape(caption)}">'
                    f"<figcaption>{escape(caption)}</figcaption></figure>"
                )
            yield "</div>"


def _objects(sequence: SequenceResult) -> Iterable[str]:
    """The table of a sequence's objects, and their J and F over time."""
    header = "".join(f"<th>{name} {part}</th>" for name in "JF" for part in ("mean", "recall", "decay"))
    yield f"<table><tr><th>object</th>{header}</tr>"
    for one in sequence.objects:
        colour = f'<i style="background:{_colour(one.object_id)}"></i>'
        yield f"<tr><td>{colour}{one.object_id}</td>{_cells(one.j)}{_cells(one.f)}</tr>"
    yield '</table><div class="pair">'
    for title, of_f in (("J", False), ("F", True)):
        yield line_chart(
            title,
            [
                Line(
                    f"object {one.object_id}",
                    _colour(one.object_id),
                    one.frames,
                    one.f_values if of_f else one.j_values,
                )
                for one in sequence.objects
            ],
        )
    yield "</div>"


def _cells(statistics: Statistics) -> str:
    return "".join(
        f"<td>{value:.3f}</td>" for value in (statistics.mean, statistics.recall, statistics.decay)
    )


def _colour(object_id: int) -> str:
    """The object's colour in the pictures."""
    red, green, blue = PALETTE[object_id]
    return f"rgb({red},{green},{blue})"


def _j_and_f(sequence: SequenceResult) -> float:
    return sequence.summary.j_and_f if sequence.summary else 0.0
