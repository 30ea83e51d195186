"""The training loop: batches in, checkpoints and a log out.

What a step does depends on the recipe, the step's number and the state in the checkpoint alone. So a run that
is interrupted and resumed gives, on one machine, the same weights as one that is not.
"""

import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, Sampler

from vosctl.errors import UsageError, VosctlError
from vosctl.files import make_folder
from vosctl.training.batches import Batches, check_data
from vosctl.training.checkpoint import Checkpoint, random_state, read_checkpoint, restore_random_state
from vosctl.training.frtm_network import StepPlan
from vosctl.training.log import TrainingLog, read_log
from vosctl.training.meter import Meter
from vosctl.training.networks import Scorer, make_network, make_validation, training_of
from vosctl.training.normalization import insert_statistics, lacks_statistics, measure_statistics
from vosctl.training.optimization import MovingAverage, make_optimizer, rate_at, set_rate, weight_decay_at
from vosctl.training.plot import plot_log
from vosctl.training.recipe import Recipe
from vosctl.training.sample import Batch
from vosctl.training.start import load_refinement, start_network
from vosctl.version import __version__

CHECKPOINT = "checkpoint.pt"
BEST = "best.pt"
LOG = "log.jsonl"
PLOT = "plot.svg"

# A folded backbone's statistics are measured on the references of so many batches.
_STATISTICS_BATCHES = 8
# So many steps in a row without a finite gradient, and the run has failed.
_MOST_BAD_STEPS = 10


@dataclass(frozen=True)
class Progress:
    """What is reported while training."""

    step: int
    total: int
    loss: float
    seconds_per_step: float
    warning: str = ""


class Trainer:
    """One run.

    Args:
        recipe: what to do.
        data: where the data is, by name.
        output: the run's folder: checkpoint, log, plot.
        device: where to compute. Under torchrun each process gives its own.
        resume: go on from the checkpoint in `output`.
        report: called after each log line, and with each warning, in the main process.

    Raises:
        UsageError: data is not named, or `output` holds a run and `resume` was not asked for, or the other
            way round. DatasetError: data is missing or broken. WeightsError: the start or the checkpoint does
            not fit.
    """

    def __init__(
        self,
        recipe: Recipe,
        data: Mapping[str, Path],
        output: Path,
        device: torch.device,
        *,
        resume: bool = False,
        report: Callable[[Progress], None] = lambda progress: None,
    ) -> None:
        self.recipe, self.output, self.device, self.report = recipe, output, device, report
        self.rank = dist.get_rank() if dist.is_initialized() else 0
        path = output / CHECKPOINT
        if path.exists() and not resume:
            raise UsageError(
                f"{output} holds a run already: continue it with --resume, or choose another folder"
            )
        if resume and not path.exists():
            raise UsageError(f"{path} does not exist: there is nothing to resume")
        check_data(data, recipe.data_names(resume))
        torch.manual_seed(recipe.seed)
        self.network = make_network(recipe)
        self.batches = Batches(recipe, data, self.rank)
        self.validation = make_validation(recipe, data, device) if self.is_main else None
        if recipe.model.start and not resume:
            start_network(self.network, recipe.model, data)
            if lacks_statistics(self.network.backbone):
                self._insert_statistics()
        if recipe.model.refinement_start and not resume:
            load_refinement(self.network, data[recipe.model.refinement_start])
        self.network.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.optimizer = make_optimizer(self.network, recipe.optimizer)
        self.average = MovingAverage(self.network, recipe.optimizer.ema)
        self.step = 0
        self.history: list[dict[str, Any]] = []
        self.data_names = {name: p.name for name, p in data.items()}
        if resume:
            self._restore(read_checkpoint(path))
        if self.is_main:
            make_folder(output)
            self.log = TrainingLog(output / LOG, self.step)
        self.module: nn.Module = self.network
        if dist.is_initialized():
            devices = [device.index] if device.type == "cuda" else None
            self.module = DistributedDataParallel(self.network, devices, find_unused_parameters=True)

    @property
    def is_main(self) -> bool:
        """Whether this process is the one that writes and reports."""
        return self.rank == 0

    @property
    def checkpoint_path(self) -> Path:
        """Where the checkpoint is."""
        return self.output / CHECKPOINT

    def run(self, until: int | None = None) -> None:
        """Train to the end of the recipe, or until so many steps are done, and write a checkpoint.

        Raises:
            VosctlError: the loss is not finite any more.
            OutputError: the disk is full, for one.
        """
        recipe = self.recipe
        last = min(recipe.total_steps, until or recipe.total_steps)
        self.network.train()
        meter, bad = Meter(), 0
        for batch in meter.waiting_for(self._loader(last)):
            values = self._train_step(batch)
            if math.isfinite(values["loss"] + values["gradient"]):
                bad = 0
                meter.add(values)
            else:
                bad += 1
                self._warn(f"step {self.step}: the loss or its gradient is not finite; the step was left out")
                if bad >= _MOST_BAD_STEPS:
                    raise VosctlError(
                        f"{self.output}: {bad} steps in a row without a finite loss: lower learning_rate or "
                        f'use precision = "float32", and resume from the last checkpoint'
                    )
            self.step += 1
            if self.step % recipe.log_every == 0 and self.is_main:
                self._log(meter.means())
            if self._is_due(recipe.validation.every, recipe.total_steps) and self.validation is not None:
                with meter.paused():
                    self._validate(self.validation)
            ends = self._is_due(recipe.validation.every, recipe.total_steps) and self._is_over()
            if (ends or self._is_due(recipe.checkpoint_every, last)) and self.is_main:
                with meter.paused():
                    self._save()
            if ends:
                break

    def time_step(self, step: int) -> float:
        """Train one step of the recipe, whichever; nothing is written. Gives its seconds."""
        self.network.train()
        self.step = step
        batch = self.batches[step]
        start = time.perf_counter()
        self._train_step(batch)
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        return time.perf_counter() - start

    def _is_over(self) -> bool:
        """Whether so many scores have not been better that the training ends, in all processes alike."""
        patience = self.recipe.validation.patience
        if not patience:
            return False
        means = [one["mean"] for one in self.history]
        stalled = bool(means) and len(means) - 1 - means.index(max(means)) >= patience
        if dist.is_initialized():  # the main process alone has the scores
            told = [stalled]
            dist.broadcast_object_list(told)
            stalled = told[0]
        return stalled

    def _is_due(self, every: int, last: int) -> bool:
        return self.step % every == 0 or self.step == last

    def _log(self, means: dict[str, float]) -> None:
        if "loss" not in means:  # all steps since the last line were left out
            return
        rate = rate_at(self.recipe, self.step - 1)
        self.log.write(step=self.step, **means, rate=rate)
        self.report(Progress(self.step, self.recipe.total_steps, means["loss"], means["seconds"]))

    def _train_step(self, batch: Batch) -> dict[str, float]:
        recipe = self.recipe
        set_rate(self.optimizer, rate_at(recipe, self.step), weight_decay_at(recipe, self.step))
        images = batch.images.to(self.device, non_blocking=True).float() / 255
        masks = batch.masks.to(self.device, non_blocking=True)
        present = batch.present.to(self.device, non_blocking=True)
        self.optimizer.zero_grad(set_to_none=True)
        terms: dict[str, Tensor] = self.module(images, masks, present, StepPlan.of(recipe, self.step))
        terms["loss"].backward()
        norm = nn.utils.clip_grad_norm_(self.network.parameters(), recipe.optimizer.clip_norm)
        values = {name: float(value.detach()) for name, value in terms.items()}
        values["gradient"] = float(norm)
        # All processes see the same gradients, so they agree on this.
        if math.isfinite(values["gradient"]):
            self.optimizer.step()
            self.average.update(self.network, self.step)
        return values

    def _loader(self, last: int) -> Iterator[Batch]:
        loader: DataLoader[Batch] = DataLoader(
            self.batches,
            batch_size=None,
            sampler=_Steps(self.step, last),
            num_workers=self.recipe.workers,
            prefetch_factor=3 if self.recipe.workers else None,
            pin_memory=self.device.type == "cuda",
        )
        return iter(loader)

    def _validate(self, validation: Scorer) -> None:
        scores = validation.score(self.average.values)
        mean = sum(scores.values()) / len(scores)
        self.history.append({"step": self.step, "mean": mean, "sequences": scores})
        self.log.write(step=self.step, validation=mean, sequences=scores)
        if self.recipe.validation.patience and mean >= max(one["mean"] for one in self.history):
            self._write_checkpoint(BEST)
        plot_log(read_log(self.output / LOG), self.output / PLOT)

    def _save(self) -> None:
        self._write_checkpoint(CHECKPOINT)
        plot_log(read_log(self.output / LOG), self.output / PLOT)

    def _write_checkpoint(self, name: str) -> None:
        recipe = self.recipe
        options = training_of(recipe.model.system).options
        checkpoint = Checkpoint(
            step=self.step,
            network=self.network.state_dict(),
            average=self.average.values,
            optimizer=self.optimizer.state_dict(),
            random=random_state(),
            recipe=recipe.text,
            run={
                "system": recipe.model.system,
                "options": asdict(getattr(recipe, options)) if options else {},
                "backbone": recipe.model.backbone,
                "seed": recipe.seed,
                "total_steps": recipe.total_steps,
                "version": __version__,
                "torch": str(torch.__version__),
                "data": self.data_names,
                "validation_recipe": asdict(recipe.validation),
                "validation": self.history,
            },
        )
        checkpoint.write(self.output / name)

    def _insert_statistics(self) -> None:
        """Measured on the main process's first batches, by every process alike."""
        batches = Batches(self.recipe, self.batches.data)
        images = (batches[step].images[:, 0].float() / 255 for step in range(_STATISTICS_BATCHES))
        statistics = measure_statistics(self.network.backbone.eval(), images)
        insert_statistics(self.network.backbone.state_dict(), statistics)

    def _restore(self, checkpoint: Checkpoint) -> None:
        if checkpoint.recipe != self.recipe.text:
            self._warn("the recipe is not the one that the run began with; going on by the new one")
        self.network.load_state_dict(checkpoint.network)
        self.optimizer.load_state_dict(checkpoint.optimizer)
        self.average.values = {name: v.to(self.device) for name, v in checkpoint.average.items()}
        self.step = checkpoint.step
        self.history = checkpoint.run["validation"]
        restore_random_state(checkpoint.random)

    def _warn(self, text: str) -> None:
        if self.is_main:
            self.report(Progress(self.step, self.recipe.total_steps, math.nan, 0.0, warning=text))


class _Steps(Sampler[int]):
    """The steps that are still to be done, in order."""

    def __init__(self, first: int, last: int) -> None:
        self.steps = range(first, last)

    def __iter__(self) -> Iterator[int]:
        return iter(self.steps)

    def __len__(self) -> int:
        return len(self.steps)
