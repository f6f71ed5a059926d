# Copyright 2026 The unires-hf authors. Apache-2.0.
"""How each paper of the field turns masks into numbers, as data: threshold, size, IoU of degenerate masks, Pr@."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Protocol:
    """One paper's way to score.

    Args:
        name (`str`): what the command line and the result files call it.
        mask_threshold (`float`, *optional*): a pixel belongs to the mask when its probability is greater; `None`
            leaves it to the model's processor.
        score_size (`tuple[int, int]`, *optional*): (height, width) to which prediction and ground truth are squashed
            by nearest neighbor before they are compared; `None` compares at the original image size.
        epsilon (`float`): IoU is I / (U + epsilon).
        pr_thresholds (`tuple[float, ...]`): the X of Pr@X.
        pr_includes_equal (`bool`): an IoU of exactly X counts (`>=`), or does not (`>`).
        pr_targeted_only (`bool`): Pr@X is taken over the expressions that have a referent, not over all.
        no_target_rule (`bool`): IoU follows gRefCOCO: the model's word that there is no referent, not its mask,
            decides. See [`Protocol.score`].
        overlap (`str`): what becomes of pixels that several polygons of one ground truth cover. `"union"` keeps them,
            `"drop"` makes them background. Only matters where the ground truth is still polygons.
        rasterize_at_score_size (`bool`): polygons are scaled to `score_size` and then drawn, not drawn and then
            squashed. Only matters where the ground truth is still polygons.
        boxes (`bool`): a mask counts as its bounding box, filled, and a ground truth may be a box without a mask.
    """

    name: str
    mask_threshold: float | None
    score_size: tuple[int, int] | None = None
    epsilon: float = 0.0
    pr_thresholds: tuple[float, ...] = (0.5, 0.6, 0.7, 0.8, 0.9)
    pr_includes_equal: bool = False
    pr_targeted_only: bool = False
    no_target_rule: bool = False
    overlap: str = "union"
    rasterize_at_score_size: bool = False
    boxes: bool = False

    def resize(self, mask: np.ndarray) -> np.ndarray:
        """What this protocol compares of a bool mask (H, W), at its size, row-major (fast to compare)."""
        if self.boxes:
            mask = _span(mask.any(1))[:, None] & _span(mask.any(0))
        if self.score_size is None or mask.shape == self.score_size:
            return np.ascontiguousarray(mask)
        rows, columns = (_nearest(source, out) for source, out in zip(mask.shape, self.score_size, strict=True))
        return mask.take(rows, axis=0).take(columns, axis=1)

    def score(
        self, intersection: np.ndarray, union: np.ndarray, no_target: np.ndarray, predicted_no_target: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """IoU of each expression, and what it adds to ΣI and ΣU of the overall IoU.

        Without `no_target_rule`, IoU = I / (U + epsilon), and 0 where both masks are empty. With it (gRefCOCO's
        evaluation code): an expression without a referent has IoU 1 and adds nothing if the model said so, else IoU 0
        and its whole mask is added to ΣU; an expression with a referent that the model denies has IoU 0, adds nothing
        to ΣI, and to ΣU the union with the mask that the model drew all the same.

        Args:
            intersection, union (`np.ndarray`): int64 (expressions,), pixels.
            no_target, predicted_no_target (`np.ndarray`): bool (expressions,), the truth and the model's word.

        Returns:
            Three arrays (expressions,): IoU in [0, 1], intersection, union.
        """
        if not self.no_target_rule:
            return intersection / np.maximum(union + self.epsilon, 1e-6), intersection, union
        intersection = np.where(predicted_no_target, 0, intersection)
        union = np.where(no_target & predicted_no_target, 0, union)
        iou = intersection / np.maximum(union, 1)
        return np.where(no_target, predicted_no_target, iou).astype(float), intersection, union


def _span(hits: np.ndarray) -> np.ndarray:
    """True from the first hit to the last."""
    return np.maximum.accumulate(hits) & np.maximum.accumulate(hits[::-1])[::-1]


def _nearest(source: int, out: int) -> np.ndarray:
    """Source index of each of `out` pixels, as Pillow's NEAREST takes it: center to center, summed step by step."""
    step = source / out
    return np.cumsum(np.concatenate(([step / 2], np.full(out - 1, step)))).astype(np.int64)


# UniRES, supplementary A.3, whose threshold of 0.35 is the default of its processor. Pr@ is not defined there: CRIS's
# strict comparison, whose code base it builds on.
UNIRES = Protocol("unires", mask_threshold=None, epsilon=1e-6)
# CRIS compares with torch.arange(0.5, 1, 0.1) in float32, which lies a hair off 0.6, 0.7, 0.8, 0.9.
CRIS = Protocol(
    "cris",
    mask_threshold=0.35,
    epsilon=1e-6,
    pr_thresholds=tuple(float(np.float32(x)) for x in (0.5, 0.6, 0.7, 0.8, 0.9)),
)
# LAVT takes the argmax of two channels, which is a probability above 1/2, and keeps ground truth pixels == 1 only.
LAVT = Protocol("lavt", mask_threshold=0.5, score_size=(480, 480), pr_includes_equal=True, overlap="drop")
# gRefCOCO as ReLA's evaluation code has it. Its polygons are scaled to 480 x 480 before they are drawn.
GREFCOCO = Protocol(
    "grefcoco",
    mask_threshold=0.5,
    score_size=(480, 480),
    pr_thresholds=(0.7, 0.8, 0.9),
    pr_includes_equal=True,
    pr_targeted_only=True,
    no_target_rule=True,
    rasterize_at_score_size=True,
)
# Referring expression comprehension as Ref-Adv's evaluation code has it (Acc@0.5, 0.75, 0.9); the box of the mask
# stands for the answer, and boxes end at whole pixels (our choices).
BOXES = Protocol("boxes", mask_threshold=None, pr_thresholds=(0.5, 0.75, 0.9), pr_includes_equal=True, boxes=True)
PROTOCOLS = {protocol.name: protocol for protocol in (UNIRES, CRIS, LAVT, GREFCOCO, BOXES)}


def get_protocol(name: str) -> Protocol:
    """The preset of this name.

    Raises:
        ValueError: if there is none.
    """
    if name not in PROTOCOLS:
        raise ValueError(f"There is no protocol {name!r}; choose one of {', '.join(PROTOCOLS)}.")
    return PROTOCOLS[name]
