"""One model on one device runs sequence after sequence."""

import platform
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import torch

from vosctl.errors import TruncatedClipError, UsageError, WeightsError
from vosctl.evaluation.datasets import Sequence
from vosctl.evaluation.ground_truth import read_ground_truth
from vosctl.evaluation.results import RunDescription, SequenceSpeed
from vosctl.evaluation.variants import Variant
from vosctl.evaluation.warm_up import warm_up
from vosctl.job.outputs import Outputs
from vosctl.job.pipeline import Pipeline, PipelineOptions
from vosctl.media.clip import Frame, open_clip
from vosctl.systems.catalogue import open_system, system_named
from vosctl.systems.choice import ModelChoice
from vosctl.systems.model import Model
from vosctl.systems.settings import TrackerSettings
from vosctl.tracking.tracker import TrackedFrame

OnFrames = Callable[[int], None]


@dataclass(frozen=True)
class RunPlan:
    """How a data set is to be run."""

    model: ModelChoice
    settings: TrackerSettings
    variant: Variant | None = None
    """The row of the paper's Table 1; None stands for as much of the method as the model has."""
    devices: tuple[str, ...] = ("auto",)
    jobs: int = 1
    """How many sequences run at a time; they are dealt out to the devices in turn."""


class SequenceRunner:
    """Runs sequences on one device; its model is loaded when it is first needed.

    Args:
        plan: what to run.
        device: where, one of the plan's.
    """

    def __init__(self, plan: RunPlan, device: str) -> None:
        self._plan = plan
        self._device = device
        self._warm = False

    @cached_property
    def description(self) -> RunDescription:
        """What makes the masks.

        Raises:
            WeightsError: there is no such model, or the variant needs a network that it has not.
            UsageError: the variant is not for the model's system.
            DeviceError: there is no such device.
        """
        variant = self._variant
        settings = variant.apply(self._plan.settings)
        tracking = system_named(self._model.system).tracking
        ignored = tracking.ignores if tracking else frozenset()
        open_system(self._model, settings)  # which refuses what it cannot do, before anything is run
        return RunDescription(
            model=_name_of(self._model),
            weights=self._plan.model.weights_of(self._model),
            variant=variant.value,
            settings={name: value for name, value in asdict(settings).items() if name not in ignored},
            device=_device_name(self._model),
            precision=self._model.precision,
        )

    def run(self, sequence: Sequence, masks: Path, on_frames: OnFrames | None = None) -> SequenceSpeed:
        """Track a sequence and write a mask for each of its frames.

        Args:
            sequence: what to track.
            masks: the folder to write to.
            on_frames: called with 1 after each frame.

        Raises:
            VosctlError: a frame, an annotation or a mask cannot be read or written.
        """
        settings = self._variant.apply(self._plan.settings)
        first_masks = read_ground_truth(sequence).first_masks()
        with open_clip(sequence.frames[0].parent) as clip:
            if self._model.device.type == "cuda" and not self._warm:
                warm_up(self._model, settings, clip, first_masks)
                self._warm = True

            def on_frame(_frame: Frame, _tracked: TrackedFrame | None) -> None:
                if on_frames:
                    on_frames(1)

            options = PipelineOptions(on_frame=on_frame)
            summary = Pipeline(clip, first_masks, self._model, settings, Outputs(masks), options).run()
        if summary.broken:
            raise TruncatedClipError(summary.broken)
        width, height = summary.network_size
        return SequenceSpeed(
            frames=summary.frames,
            objects=len(summary.objects),
            width=width,
            height=height,
            model_seconds=summary.frames / summary.model_frames_per_second,
            first_mask_seconds=summary.seconds_to_first_mask,
            end_to_end_seconds=summary.frames / summary.frames_per_second,
            jobs=self._plan.jobs,
            threads=torch.get_num_threads(),
        )

    @cached_property
    def _model(self) -> Model:
        return self._plan.model.load(self._device)

    @property
    def _variant(self) -> Variant:
        refines = self._model.refined
        variant = self._plan.variant or variants_of(self._model)[-1]
        is_base_net = self._model.system == "base-net"
        if is_base_net != (variant is Variant.BASE_NET):
            wanted = "a model of FRTM" if is_base_net else "a model base-net-rn18 or base-net-rn101"
            raise UsageError(f"--variant {variant}: {self._model.name} cannot run it; it takes {wanted}")
        if variant.refine and not refines:
            raise WeightsError(
                f"{self._model.name}: has no refinement network, which --variant {variant} needs; "
                "add one with --refinement FILE, or use --variant d-only"
            )
        return variant


def variants_of(model: Model) -> list[Variant]:
    """The rows of Table 1 that a model can run: those with S need one, those without S are FRTM's.

    Of the two baselines Base net is a model of its own; F.-T. is left out, as it takes minutes a sequence.
    """
    if model.system == "base-net":
        return [Variant.BASE_NET]
    tracking = system_named(model.system).tracking
    d_only = tracking is not None and tracking.d_only
    own = [variant for variant in Variant if not variant.is_baseline]
    return [variant for variant in own if (model.refined if variant.refine else d_only)]


def _name_of(model: Model) -> str:
    """The model's name; of a path its last part, so that another folder does not make another model."""
    return Path(model.name).name


def _device_name(model: Model) -> str:
    return f"{model.device_name} ({_processor_name()})" if model.device.type == "cpu" else model.device_name


def _processor_name() -> str:
    """The processor's model where Linux says it, else what Python knows."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file() and (match := re.search(r"model name\s*:\s*(.+)", cpuinfo.read_text())):
        return match[1]
    return platform.processor() or platform.machine()
