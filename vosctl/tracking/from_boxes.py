"""Masks of one frame from boxes around its objects.

The box network gives a rough mask; a target model is fitted to it, and its scores, refined, are a better one.
A tracker does just this when the clip stands still.
"""

from collections.abc import Mapping

import numpy as np
import torch

from vosctl.arrays import Image, Labels
from vosctl.boxes import Box
from vosctl.systems.box.network import BoxNetwork, cut_square, put_back
from vosctl.systems.model import Model
from vosctl.systems.settings import TrackerSettings
from vosctl.tracking.tracker import Tracker

_GROWTH = 0.05  # of the box's sides: by this much an object may reach out of a box that was drawn too tight
_LONGEST = 1280  # pixels that the target model sees; more takes long and finds nothing else
# A refined mask that agrees less than this with the rough one (intersection over union) has gone astray.
_LEAST_AGREEMENT = 0.4


def segment_boxes(model: Model, network: BoxNetwork, image: Image, boxes: Mapping[int, Box]) -> Labels:
    """The objects in boxes.

    Args:
        model: refines; one without a refinement network leaves the rough masks as they are.
        network: gives the rough masks.
        image: (H, W, 3) uint8.
        boxes: by object id, each inside the frame.

    Returns:
        (H, W) uint8, ids on the objects and 0 elsewhere. Where objects overlap the likelier one wins.
    """
    labels = rough_masks(network, image, boxes)
    if not model.refined or not labels.any():
        return labels
    # Once: with earlier weights, more rounds were slightly worse on nine sequences of DAVIS 2016 val.
    tracker = Tracker(model, TrackerSettings(max_size=_LONGEST))
    _, refined = tracker.run([image, image], {0: labels})
    return _accepted(refined.labels, labels, boxes)


@torch.inference_mode()
def rough_masks(network: BoxNetwork, image: Image, boxes: Mapping[int, Box]) -> Labels:
    """What the box network alone finds: (H, W) uint8, as of `segment_boxes`."""
    height, width = image.shape[:2]
    pixels = torch.from_numpy(image).permute(2, 0, 1).to(network.box.places.device).float() / 255
    best = torch.full((height, width), 0.5, device=pixels.device)
    labels = torch.zeros(height, width, dtype=torch.uint8, device=pixels.device)
    for object_id, box in boxes.items():
        logits = network(cut_square(pixels, box)[None])[0]
        found = put_back(torch.sigmoid(logits), box, height, width)
        found = found * torch.from_numpy(_grown(box, height, width)).to(found)
        labels[found > best] = object_id
        best = torch.maximum(best, found)
    result: Labels = labels.cpu().numpy()
    return result


def _accepted(found: Labels, before: Labels, boxes: Mapping[int, Box]) -> Labels:
    """The new masks inside their boxes; of objects that have gone astray, the masks as they were."""
    labels = np.zeros_like(before)
    for object_id, box in boxes.items():
        old = before == object_id
        new = (found == object_id) & _grown(box, *found.shape)
        either = int((new | old).sum())
        agree = either > 0 and int((new & old).sum()) >= _LEAST_AGREEMENT * either
        labels[new if agree else old] = object_id
    return labels


def _grown(box: Box, height: int, width: int) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """(H, W) bool: the box with its play."""
    dx, dy = round(_GROWTH * (box.right - box.left)), round(_GROWTH * (box.bottom - box.top))
    inside = np.zeros((height, width), bool)
    inside[max(0, box.top - dy) : box.bottom + dy, max(0, box.left - dx) : box.right + dx] = True
    return inside
