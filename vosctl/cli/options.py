"""Options that several commands share, each defined once."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from vosctl.cli import completion
from vosctl.cli.reporting import ProgressMode, set_log, set_mode, set_verbose
from vosctl.systems.names import aliases, architecture_names
from vosctl.systems.presets import Preset

RESULTS, MODEL, TRACKING, MACHINE = "Results", "Model", "Tracking", "Machine"
MASKS = "Masks and names"
TIDY = "Tidy masks, in this order"
PART = "Part of the clip"
TELLING = "What is told"
RUNS, SEVERAL = "Earlier runs", "Several clips"
"""Panels of `--help`."""


class PrecisionName(StrEnum):
    """Dtypes of `--precision`."""

    AUTO = "auto"
    FP32 = "fp32"
    BF16 = "bf16"
    FP16 = "fp16"


ClipArgument = Annotated[  # for `clip_path`: as a Path it would lose slashes of addresses
    str, typer.Argument(metavar="CLIP", help="A video file, or a folder of images.", show_default=False)
]
MaskOption = Annotated[
    list[str],
    typer.Option(
        "--mask",
        "-m",
        metavar="[FRAME=]FILE",
        help="A mask of the objects, an image or annotations (vosctl help masks), of the first frame or of "
        "frame FRAME (counted from 0). May be repeated: new objects join at their frame, objects that "
        "already run are corrected from there on.",
        show_default=False,
    ),
]
StartOption = Annotated[
    str | None,
    typer.Option(
        "--start",
        metavar="POS",
        help="First frame: its number or name, or a time: 12.5s, 0:01:02.5.",
        show_default=False,
        rich_help_panel=PART,
    ),
]
EndOption = Annotated[
    str | None,
    typer.Option(
        "--end",
        metavar="POS",
        help="Last frame, likewise; of a time the last frame before it.",
        show_default=False,
        rich_help_panel=PART,
    ),
]
EveryOption = Annotated[
    int,
    typer.Option(
        "--every",
        min=1,
        metavar="N",
        help="Take every Nth frame; those between are left out.",
        show_default=False,
        rich_help_panel=PART,
    ),
]
FirstNumberOption = Annotated[
    int | None,
    typer.Option(
        "--first-number",
        min=0,
        metavar="N",
        help="Count the clip's frames from N, such as 1001, whatever they are called.",
        show_default=False,
        rich_help_panel=PART,
    ),
]
FpsOption = Annotated[
    str | None,
    typer.Option(
        "--fps",
        metavar="RATE",
        help="Frames per second of a folder of images: 24, 23.976, 24000/1001.",
        show_default="25 where a video is written",
        rich_help_panel=PART,
    ),
]
OnlyOption = Annotated[
    str | None,
    typer.Option(
        "--only", metavar="ID,ID", help="Keep these objects alone.", show_default=False, rich_help_panel=TIDY
    ),
]
MergeOption = Annotated[
    list[str],
    typer.Option(
        "--merge",
        metavar="ID,ID=ID",
        help="Make one object of several. May be repeated.",
        show_default=False,
        rich_help_panel=TIDY,
    ),
]
RenameOption = Annotated[
    list[str],
    typer.Option(
        "--rename",
        metavar="OLD=NEW",
        help="Give an object another id. May be repeated.",
        show_default=False,
        rich_help_panel=TIDY,
    ),
]
SmoothTimeOption = Annotated[
    int,
    typer.Option(
        "--smooth-time",
        min=0,
        metavar="N",
        help="Each pixel gets what it is in most of N frames around, an odd number.",
        show_default=False,
        rich_help_panel=TIDY,
    ),
]
DropSmallOption = Annotated[
    int,
    typer.Option(
        "--drop-small",
        min=0,
        metavar="N",
        help="Drop parts of objects of fewer pixels.",
        show_default=False,
        rich_help_panel=TIDY,
    ),
]
FillHolesOption = Annotated[
    bool, typer.Option("--fill-holes", help="Fill holes within an object.", rich_help_panel=TIDY)
]
ShrinkOption = Annotated[
    int,
    typer.Option(
        "--shrink",
        min=0,
        max=500,
        metavar="PX",
        help="Take pixels off the objects' edges.",
        show_default=False,
        rich_help_panel=TIDY,
    ),
]
GrowOption = Annotated[
    int,
    typer.Option(
        "--grow",
        min=0,
        max=500,
        metavar="PX",
        help="Add pixels to the objects' edges, where there is background.",
        show_default=False,
        rich_help_panel=TIDY,
    ),
]
FeatherOption = Annotated[
    int,
    typer.Option(
        "--feather",
        min=0,
        max=500,
        metavar="PX",
        help="Soft edges where a format has them: matte, exr, rgba, alpha-*, cutout. Ids do not change.",
        show_default=False,
        rich_help_panel=TIDY,
    ),
]
InvertOption = Annotated[
    bool,
    typer.Option(
        "--invert",
        help="Exchange object and background in the masks: for a black object on white.",
        rich_help_panel=MASKS,
    ),
]
NameOption = Annotated[
    list[str],
    typer.Option(
        "--name",
        metavar="ID=NAME",
        help="What an object is called in formats that keep names; else as the mask's file calls it. May be "
        "repeated.",
        show_default=False,
        rich_help_panel=MASKS,
    ),
]
BoxOption = Annotated[
    list[str],
    typer.Option(
        "--box",
        metavar="[ID=]X,Y,W,H",
        help="A box around an object, in pixels: left, top, width, height. The object in it is found. May be "
        "repeated: one object each.",
        show_default=False,
    ),
]
ModelOption = Annotated[
    str | None,
    typer.Option(
        "--model",
        metavar="NAME",
        help=f"{', '.join(architecture_names())}, the paper's {' or '.join(aliases())}, an imported model, "
        "or a model file.",
        show_default="the shipped one",
        envvar="VOSCTL_MODEL",
        autocompletion=completion.models,
    ),
]
BackboneOption = Annotated[
    Path | None,
    typer.Option(
        "--backbone-weights",
        metavar="FILE",
        help="ImageNet weights of a torchvision ResNet, in place of the model's own backbone.",
        show_default=False,
        rich_help_panel=MODEL,
        envvar="VOSCTL_BACKBONE_WEIGHTS",
    ),
]
RefinementOption = Annotated[
    Path | None,
    typer.Option(
        "--refinement",
        metavar="FILE",
        help="A model file whose refinement network to use.",
        show_default=False,
        rich_help_panel=MODEL,
        envvar="VOSCTL_REFINEMENT",
    ),
]
DownloadOption = Annotated[
    bool,
    typer.Option(
        "--download",
        help="Fetch torchvision's backbone where the model has none of its own.",
        rich_help_panel=MODEL,
        envvar="VOSCTL_DOWNLOAD",
    ),
]
DeviceOption = Annotated[
    str,
    typer.Option(
        "--device",
        metavar="NAME",
        help="auto, cpu or cuda:N.",
        envvar="VOSCTL_DEVICE",
        autocompletion=completion.devices,
    ),
]
DevicesOption = Annotated[
    str,
    typer.Option(
        "--device",
        metavar="NAME",
        help="auto, cpu or cuda:N; for several clips auto is all GPUs, or some with commas: cuda:0,cuda:1.",
        envvar="VOSCTL_DEVICE",
        autocompletion=completion.devices,
    ),
]
JobsAtOnceOption = Annotated[
    int | None,
    typer.Option(
        "--jobs-at-once",
        min=1,
        metavar="N",
        help="How many clips run at a time.",
        show_default="one on each device",
        rich_help_panel=SEVERAL,
        envvar="VOSCTL_JOBS_AT_ONCE",
    ),
]
PrecisionOption = Annotated[
    PrecisionName,
    typer.Option(
        "--precision",
        help="Dtype of the networks; auto takes the fastest that is accurate.",
        rich_help_panel=MACHINE,
        envvar="VOSCTL_PRECISION",
    ),
]
VariantOption = Annotated[
    list[str],
    typer.Option(
        "--variant",
        metavar="NAME",
        help="An ablation of the paper: d-only (no refinement network) or no-update (target model fixed "
        "after the first frame). May be repeated.",
        show_default=False,
        rich_help_panel=TRACKING,
        autocompletion=completion.variants,
        envvar="VOSCTL_VARIANT",
    ),
]
PresetOption = Annotated[
    Preset | None,
    typer.Option(
        "--preset",
        "--quality",
        help="best: follow three views of each frame and take their mean, for three times the time. paper: "
        "FRTM with the numbers that its paper prints, and without what is new here.",
        show_default="default, or paper for a checkpoint of FRTM's authors",
        rich_help_panel=TRACKING,
        envvar="VOSCTL_PRESET",
    ),
]
MaxSizeOption = Annotated[
    int | None,
    typer.Option(
        "--max-size",
        min=32,
        metavar="PIXELS",
        help="Reduce larger frames to this longest side for the networks; masks are full size.",
        show_default="1280 for larger frames",
        envvar="VOSCTL_MAX_SIZE",
    ),
]
WindowOption = Annotated[
    str,
    typer.Option(
        "--window",
        metavar="N|low-latency",
        help="Frames per batch. Larger numbers than the update interval count as that; low-latency is 1, "
        "which gives each mask at once.",
        show_default="the update interval, 4",
        rich_help_panel=MACHINE,
        envvar="VOSCTL_WINDOW",
        autocompletion=completion.windows,
    ),
]
ReportOption = Annotated[
    Path | None,
    typer.Option(
        "--report",
        metavar="FILE.json",
        help="Write the summary as JSON.",
        show_default=False,
        rich_help_panel=RESULTS,
    ),
]
LiveOption = Annotated[
    bool | None,
    typer.Option(
        "--live/--no-live",
        help="Drop frames of a stream that comes faster than it can be tracked, or make it wait.",
        show_default="drop those of cameras, RTSP and the like",
        rich_help_panel=MACHINE,
    ),
]
StreamOption = Annotated[
    int | None,
    typer.Option(
        "--stream",
        min=0,
        metavar="N",
        help="The clip's video stream, counted from 0, where it has several.",
        show_default="the largest default one",
        rich_help_panel=MACHINE,
        envvar="VOSCTL_STREAM",
    ),
]
MaxPixelsOption = Annotated[
    int | None,
    typer.Option(
        "--max-pixels",
        min=1,
        metavar="N",
        help="Take clips with frames of up to so many pixels.",
        show_default="67108864",
        rich_help_panel=MACHINE,
        envvar="VOSCTL_MAX_PIXELS",
    ),
]
OverwriteOption = Annotated[
    bool,
    typer.Option(
        "--overwrite",
        help="Write over results that exist.",
    ),
]
ProgressOption = Annotated[
    ProgressMode,
    typer.Option(
        "--progress",
        callback=set_mode,
        help="auto is a bar or, without a terminal, a line every 10 s or 5 %; json is a line for programs.",
        rich_help_panel=TELLING,
        envvar="VOSCTL_PROGRESS",
    ),
]
VerboseOption = Annotated[
    bool,
    typer.Option(
        "--verbose", "-v", callback=set_verbose, help="Say more of what is done.", rich_help_panel=TELLING
    ),
]
LogFileOption = Annotated[
    Path | None,
    typer.Option(
        "--log-file",
        metavar="FILE",
        callback=set_log,
        help="Also write all that is said, with times, to the end of FILE.",
        show_default=False,
        rich_help_panel=TELLING,
    ),
]
QuietOption = Annotated[
    bool,
    typer.Option(
        "--quiet", "-q", help="Say nothing but errors.", rich_help_panel=TELLING, envvar="VOSCTL_QUIET"
    ),
]
OpacityOption = Annotated[
    float,
    typer.Option(
        "--opacity",
        min=0.0,
        max=1.0,
        help="How much the colours cover, from 0 to 1.",
        rich_help_panel=RESULTS,
        envvar="VOSCTL_OPACITY",
    ),
]
ContourOption = Annotated[
    bool,
    typer.Option(
        "--contour/--no-contour",
        help="Draw a line around each object.",
        rich_help_panel=RESULTS,
        envvar="VOSCTL_CONTOUR",
    ),
]
JsonOption = Annotated[
    bool,
    typer.Option(
        "--json",
        help="Also print what was done as one JSON object, on standard output.",
        rich_help_panel=TELLING,
    ),
]
