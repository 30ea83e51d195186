import torch

from tests.small import tiny_model
from vosctl.models.backbone import ResNet
from vosctl.models.model import FRTMModel
from vosctl.models.target_model import OURS


def test_the_memory_is_rounded_for_the_small_backbone_alone() -> None:
    cpu = torch.device("cpu")
    small = tiny_model().prepare(cpu, torch.bfloat16)
    large = FRTMModel("large", ResNet("resnet50", 3), None, OURS).prepare(cpu, torch.bfloat16)
    assert (small.memory_dtype, large.memory_dtype) == (torch.bfloat16, torch.float32)
    assert small.prepare(cpu, torch.float32).memory_dtype == torch.float32
