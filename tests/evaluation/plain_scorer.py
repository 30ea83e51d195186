"""The yardstick: J, F and decay in the plainest form, in float64 over the whole image."""

import numpy as np


def plain_boundary(mask):
    height, width = mask.shape
    edge = np.zeros((height, width))
    for y in range(height):
        for x in range(width):
            if y < height - 1 and x < width - 1:
                neighbours = [mask[y, x + 1], mask[y + 1, x], mask[y + 1, x + 1]]
            elif x < width - 1:
                neighbours = [mask[y, x + 1]]
            elif y < height - 1:
                neighbours = [mask[y + 1, x]]
            else:
                neighbours = []
            edge[y, x] = float(any(neighbour != mask[y, x] for neighbour in neighbours))
    return edge


def plain_dilation(edge, radius):
    height, width = edge.shape
    padded = np.zeros((height + 2 * radius, width + 2 * radius), edge.dtype)
    for dy in range(-radius, radius + 1):
        for dx in range(-radius, radius + 1):
            if dx * dx + dy * dy <= radius * radius:
                part = padded[radius + dy : radius + dy + height, radius + dx : radius + dx + width]
                np.maximum(part, edge, out=part)
    return padded[radius : radius + height, radius : radius + width]


def plain_j(prediction, annotation):
    intersection = np.sum(np.logical_and(prediction, annotation), dtype=np.float64)
    union = np.sum(np.logical_or(prediction, annotation), dtype=np.float64)
    return 1.0 if union == 0 else intersection / union


def plain_f(prediction, annotation, boundary=plain_boundary):
    radius = int(np.ceil(0.008 * np.linalg.norm(annotation.shape)))
    found, wanted = boundary(prediction), boundary(annotation)
    if found.sum() == 0 and wanted.sum() == 0:
        return 1.0
    if found.sum() == 0 or wanted.sum() == 0:
        return 0.0
    precision = (found * plain_dilation(wanted, radius)).sum() / found.sum()
    recall = (wanted * plain_dilation(found, radius)).sum() / wanted.sum()
    return 0.0 if precision + recall == 0 else 2 * precision * recall / (precision + recall)


def plain_decay(values):
    bounds = [round(1 + (len(values) - 1) * quarter / 4 + 1e-10) - 1 for quarter in range(5)]
    quarters = [values[bounds[i] : bounds[i + 1] + 1] for i in range(4)]
    return sum(quarters[0]) / len(quarters[0]) - sum(quarters[3]) / len(quarters[3])
