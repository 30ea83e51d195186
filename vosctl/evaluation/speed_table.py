"""A measurement of speed as tables for the terminal."""

from rich.table import Table

from vosctl.evaluation.speed_measurement import BESIDE, ClipSpeed, SpeedResult

_ABSENT = "-"


def stage_table(clip: ClipSpeed) -> Table:
    """A table with a row for each stage: what it took, and how near it came to the machine's bound.

    `steady` is its share in the last frames up to an update, without the first frame's work.
    """
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("stage")
    for column in ("ms/frame", "share", "steady", "GFLOP/frame", "of bound"):
        table.add_column(column, justify="right", no_wrap=True)
    for stage in clip.stages:
        name = f"{stage.name} (beside the rest)" if stage.name in BESIDE else stage.name
        table.add_row(
            name,
            f"{1e3 * stage.seconds / clip.frames:.2f}",
            _percent(stage.share),
            _percent(stage.steady_share),
            _ABSENT if stage.operations is None else f"{stage.operations / clip.frames / 1e9:.2f}",
            _percent(stage.share_of_bound),
        )
    table.add_section()
    table.add_row(
        "all, the first frame's work included",
        f"{1e3 * clip.model_seconds / clip.frames:.2f}",
        _percent(1.0),
        _ABSENT,
        f"{clip.operations / clip.frames / 1e9:.2f}",
        _percent(clip.share_of_bound),
    )
    return table


def clip_table(result: SpeedResult) -> Table:
    """A table with a row for each clip."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("clip")
    columns = (
        "frames",
        "size",
        "objects",
        "model frames/s",
        "files to files",
        "first mask",
        "of bound",
        "memory",
    )
    for column in columns:
        table.add_column(column, justify="right", no_wrap=True)
    for clip in result.clips:
        device = clip.peak_device_memory_mb
        table.add_row(
            clip.name,
            str(clip.frames),
            "{}x{}".format(*clip.size),
            str(clip.objects),
            f"{clip.model_fps:.1f}",
            f"{clip.end_to_end_fps:.1f}",
            f"{clip.first_mask_seconds:.2f} s",
            _percent(clip.share_of_bound),
            f"{clip.peak_memory_mb:.0f} MB" + ("" if device is None else f", {device:.0f} MB device"),
        )
    return table


def machine_line(result: SpeedResult) -> str:
    """What computed, and how fast it multiplies matrices."""
    threads = f", {result.threads} threads" if result.device == "cpu" else ""
    return (
        f"{result.model} on {result.device}{threads}, {result.precision}: "
        f"matrix product {result.product_rate / 1e12:.2f} TFLOP/s (the bound)"
    )


def _percent(share: float | None) -> str:
    return _ABSENT if share is None else f"{100 * share:.0f} %"
