"""How many operations FRTM needs, stage by stage."""

import torch

from vosctl.compute.operation_counter import count_operations_of
from vosctl.systems.backbone import Features, ResNet
from vosctl.systems.frtm.matching import CUES, KEYS, matching_cues
from vosctl.systems.frtm.model import FRTMModel
from vosctl.systems.frtm.refinement_fused import FusedRefinementNetwork
from vosctl.systems.frtm.target_memory import TAPS, refit_last_layer
from vosctl.systems.frtm.target_model import HIDDEN, TargetModel, fit_target_model
from vosctl.systems.settings import TrackerSettings


def count_operations(
    model: FRTMModel, settings: TrackerSettings, size: tuple[int, int], objects: int
) -> dict[str, float]:
    """Operations by stage: see `vosctl.evaluation.operations.count_operations`."""
    width, height = size
    schedule = model.schedule.adapted(settings)
    samples, refines = settings.initial_samples, model.refinement is not None and settings.refine
    with torch.device("meta"):
        backbone = ResNet(model.backbone.name, 4 if refines else 3)
        image = torch.empty(1, 3, height, width)
        features: Features = backbone(image)
        channels, h, w = features.layer3.shape[1:]
        target = TargetModel(torch.empty(objects, HIDDEN, channels), torch.empty(objects, 9, HIDDEN))
        label = torch.empty(1, 1, height, width)
        several = features.layer3.expand(1, samples, channels, h, w), label.expand(1, samples, height, width)
        weights = torch.empty(samples)
        seen = TAPS * HIDDEN  # what w2 sees at a cell
        normal, rhs = torch.empty(1, seen, seen), torch.empty(1, seen)

    def refit() -> None:
        refit_last_layer(target.w2[:1], normal, rhs, schedule.update)

    operations = {
        "features": count_operations_of(lambda: backbone(image), convolutions=True),
        "target model": count_operations_of(lambda: target.scores(features.layer3)),
    }
    fit = count_operations_of(lambda: fit_target_model(*several, weights, schedule, [0]))
    # w1 x, S X, two thirds of X' S X (it is symmetric) and X' t, S having nine entries a row: not as the
    # products that are made of them.
    remember = 2.0 * h * w * (channels * HIDDEN + TAPS * seen + seen**2 * 2 / 3 + seen)
    update = count_operations_of(refit)
    each_sample = count_operations_of(lambda: backbone(image, 3), convolutions=True)
    operations["first frame"] = (
        each_sample * (1 + objects * (samples - 1))
        + (fit + samples * remember + update * schedule.refit) * objects
    )
    if settings.update:
        operations["memory"] = remember * objects
        operations["update"] = update * objects
    if refines:
        assert model.refinement is not None
        options = model.refinement.prior, model.refinement.width, model.refinement.matching is not None
        with torch.device("meta"):
            refinement = FusedRefinementNetwork(backbone.channels, *options)
            maps = torch.empty(1, 1, h, w)
            cues = maps.expand(1, CUES, h, w)[None] if refinement.matching else None
        prior = maps if refinement.prior else None
        operations["refinement"] = objects * count_operations_of(
            lambda: refinement(features, maps, (height, width), prior, cues), convolutions=True
        )
        if refinement.matching:
            with torch.device("meta"):
                keys, masks = torch.empty(1, objects, KEYS, h, w), torch.empty(1, objects, h, w)
            matching = count_operations_of(lambda: matching_cues(keys[:, 0], keys, masks, keys, masks))
            operations["refinement"] += 2.0 * channels * KEYS * h * w + matching
    return operations
