"""How many operations A-GAME needs, stage by stage."""

import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from vosctl.compute.operation_counter import count_operations_of
from vosctl.systems.agame.model import AGAMEModel
from vosctl.systems.agame.network import AGAME
from vosctl.systems.backbone import STRIDE, Features, ResNet


def count_operations(model: AGAMEModel, size: tuple[int, int], objects: int) -> dict[str, float]:
    """Operations by stage: see `vosctl.evaluation.operations.count_operations`."""
    width, height = size
    with FakeTensorMode():  # shapes alone, as "meta"; but of a device, which autocast has to know
        backbone = ResNet(model.backbone.name, dilated_layer4=True)
        network = AGAME(backbone.channels, model.network.options)
        image = torch.empty(1, 3, height, width)
        features: Features = backbone(image)
        masks = torch.empty(1, objects, height // STRIDE, width // STRIDE)
        state = network.start(features.layer4, masks)
        encoding = network(features.layer4, state).encoding
        each_frame = count_operations_of(lambda: backbone(image), convolutions=True)
        start = count_operations_of(lambda: network.start(features.layer4, masks), convolutions=True)
        coarse = count_operations_of(lambda: network(features.layer4, state), convolutions=True)
        refine = count_operations_of(
            lambda: network.upsampling(encoding, features, (height, width)), convolutions=True
        )
    return {
        "first frame": each_frame + start,
        "features": each_frame,
        "coarse masks": coarse,
        "upsampling": refine,
    }
