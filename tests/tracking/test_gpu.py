"""What only a GPU can tell. All skipped without one."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from tests.small import moving_discs, tiny_model
from vosctl.compute.transfer import Download, Timestamp, Uploader
from vosctl.systems.frtm.model import FRTMModel
from vosctl.systems.frtm.target_model import FitSchedule
from vosctl.tracking.tracker import Tracker

pytestmark = pytest.mark.skipif(
    not torch.cuda.is_available(), reason="no CUDA device: its streams and graphs cannot be tried"
)

FRAMES, LABELS = moving_discs(33, objects=3)


@pytest.fixture
def strict() -> Iterator[None]:
    yield
    torch.cuda.set_sync_debug_mode("default")


def model(device: str, dtype: torch.dtype = torch.float32) -> FRTMModel:
    made = tiny_model(refined=True, prior=True, matching=True).prepare(torch.device(device), dtype)
    made.schedule = FitSchedule((3, 3), 3)
    return made


def test_frames_and_results_travel_unchanged() -> None:
    device = torch.device("cuda")
    uploader = Uploader(device)
    for first in range(0, 32, 4):  # buffers are used again
        frames = FRAMES[first : first + 4]
        began = Timestamp(device)
        images = uploader(frames)
        assert images.shape == (4, 3, 96, 160)
        (found, nothing), seconds = Download([images.permute(0, 2, 3, 1), None], began).wait()
        assert np.array_equal(found, np.stack(frames))
        assert nothing is None
        assert 0 < seconds < 10


@pytest.mark.usefixtures("strict")
@pytest.mark.filterwarnings("ignore:Synchronization debug mode")  # is a prototype, PyTorch says
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_windows_never_wait(dtype: torch.dtype) -> None:
    """Once all is captured, no operation makes the host wait, from the frames to the label maps.

    The one wait, for a window's event, is not among what PyTorch complains of.
    """
    used = model("cuda", dtype)
    results = Tracker(used).run(FRAMES, {0: LABELS[0]}, soft=True, confidences=True)
    for result in results:
        if result.index == 16:  # windows of 4: four are over, the fifth is on its way
            torch.cuda.set_sync_debug_mode("error")
    assert result.index == 32
    assert {key[0] for key in used.captured} == {"window", "memory", "update", "first frame"}
    assert used.graphs.failure is None


def test_a_gpu_finds_what_a_cpu_finds() -> None:
    """Twice, so that all functions are captured as graphs and replayed; an object joins later."""
    masks = {0: np.where(LABELS[0] < 3, LABELS[0], 0).astype(np.uint8), 9: LABELS[9]}
    expected = list(Tracker(model("cpu")).run(FRAMES, masks, soft=True))
    used = model("cuda")
    for _ in range(2):
        found = list(Tracker(used).run(FRAMES, masks, soft=True))
        assert [result.index for result in found] == list(range(33))
        for one, other in zip(found, expected, strict=True):
            assert one.probabilities is not None
            np.testing.assert_allclose(one.probabilities, other.probabilities, atol=0.02)
            assert (one.labels == other.labels).mean() > 0.98
    assert all(any(captured._graphs.values()) for captured in used.captured.values())


def test_a_saved_state_goes_on_while_the_next_window_is_computed() -> None:
    used = model("cuda")
    whole = Tracker(used)
    expected, states = [], {}
    for result in whole.run(FRAMES, {0: LABELS[0]}):
        expected.append(result)
        if result.index + 1 == whole.position:
            states[whole.position] = whole.state_dict()
    again = Tracker(used)
    again.load_state_dict(states[17])
    for found, wanted in zip(again.run(FRAMES[17:], {0: LABELS[0]}), expected[17:], strict=True):
        assert (found.labels == wanted.labels).mean() > 0.98


def test_first_fits_run_as_graphs_on_any_device_of_the_machine() -> None:
    """The last device is not the current one where there are several."""
    device = f"cuda:{torch.cuda.device_count() - 1}"
    used = model(device)
    for _ in range(3):
        list(Tracker(used).run(FRAMES[:9], {0: LABELS[0]}))
    captured = used.captured["first frame", used.schedule]
    assert used.graphs.failure is None
    assert any(captured._graphs.values())
