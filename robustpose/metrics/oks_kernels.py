"""Compiled loops of COCO's keypoint evaluation: OKS, matching, and AP of weighted images."""

from __future__ import annotations

import numpy as np
from numba import njit

from robustpose.pose.types import Floats

EPS = float(np.spacing(1))
RECALLS = np.linspace(0.0, 1.0, 101)


@njit(cache=True)
def compare_people(xy, true_xy, visible, boxes, areas, variances):  # type: ignore[no-untyped-def]
    """Return the OKS (D, G) of D poses with G annotated people, as COCO computes it.

    For a person without annotated joints, a joint's distance is that to the person's box with its own width and
    height added on every side. Shapes: xy (D, K, 2) px, true_xy (G, K, 2) px, visible (G, K) with 0 where not
    annotated, boxes (G, 4) xyxy px, areas (G,) px², variances (K,) = (2σ)².
    """
    n_found, n_joints = xy.shape[0], xy.shape[1]
    n_people = true_xy.shape[0]
    oks = np.zeros((n_found, n_people))
    for g in range(n_people):
        n_visible = 0
        for k in range(n_joints):
            n_visible += visible[g, k] > 0
        width, height = boxes[g, 2] - boxes[g, 0], boxes[g, 3] - boxes[g, 1]
        x0, x1 = boxes[g, 0] - width, boxes[g, 0] + width * 2
        y0, y1 = boxes[g, 1] - height, boxes[g, 1] + height * 2
        for d in range(n_found):
            total = 0.0
            for k in range(n_joints):
                if n_visible and visible[g, k] <= 0:
                    continue
                if n_visible:
                    dx, dy = xy[d, k, 0] - true_xy[g, k, 0], xy[d, k, 1] - true_xy[g, k, 1]
                else:
                    dx = max(0.0, x0 - xy[d, k, 0]) + max(0.0, xy[d, k, 0] - x1)
                    dy = max(0.0, y0 - xy[d, k, 1]) + max(0.0, xy[d, k, 1] - y1)
                total += np.exp(-((dx * dx + dy * dy) / variances[k] / (areas[g] + EPS) / 2))
            oks[d, g] = total / (n_visible if n_visible else n_joints)
    return oks


@njit(cache=True)
def match_people(oks, ignored, crowd, thresholds):  # type: ignore[no-untyped-def]
    """Return which person (T, D) each pose is matched with at each threshold (T,), -1 for none: COCO's greedy rule.

    The poses of `oks` (D, G) are in order of falling score. People in `ignored` (G,) do not count: a pose takes one of
    them only if no other is within the threshold. People in `crowd` (G,) may be matched with several poses.
    """
    n_found, n_people = oks.shape
    matches = np.full((len(thresholds), n_found), -1, np.int32)
    for t in range(len(thresholds)):
        taken = np.zeros(n_people, np.bool_)
        for d in range(n_found):
            chosen, best = -1, min(thresholds[t], 1 - 1e-10)
            for passing in range(2):  # those that count before those that do not
                if passing == 1 and chosen >= 0:
                    break
                for g in range(n_people):
                    if ignored[g] != (passing == 1) or (taken[g] and not crowd[g]) or oks[d, g] < best:
                        continue
                    chosen, best = g, oks[d, g]
            if chosen >= 0:
                taken[chosen] = True
                matches[t, d] = chosen
    return matches


@njit(cache=True)
def compare_images(xy, true_xy, visible, boxes, areas, variances, poses, people):  # type: ignore[no-untyped-def]
    """Return the OKS of the poses with the people of each image: (D, G) of one after the other, flat.

    Arrays are as `compare_people` takes them, of all images. Those of image i are from ``poses[i]`` and ``people[i]``
    on, up to the next.
    """
    n_pairs = 0
    for i in range(len(poses) - 1):
        n_pairs += (poses[i + 1] - poses[i]) * (people[i + 1] - people[i])
    oks = np.empty(n_pairs)
    place = 0
    for i in range(len(poses) - 1):
        d, g = slice(poses[i], poses[i + 1]), slice(people[i], people[i + 1])
        of_image = compare_people(xy[d], true_xy[g], visible[g], boxes[g], areas[g], variances)
        oks[place : place + of_image.size] = of_image.ravel()
        place += of_image.size
    return oks


@njit(cache=True)
def match_images(oks, ignored, crowd, thresholds, poses, people):  # type: ignore[no-untyped-def]
    """Return which person (T, D) each pose is matched with, image by image: see `compare_images`, `match_people`."""
    matches = np.full((len(thresholds), poses[-1]), -1, np.int32)
    place = 0
    for i in range(len(poses) - 1):
        n_found, n_people = poses[i + 1] - poses[i], people[i + 1] - people[i]
        if n_found == 0 or n_people == 0:
            continue
        of_image = oks[place : place + n_found * n_people].reshape(n_found, n_people)
        g = slice(people[i], people[i + 1])
        found = match_people(of_image, ignored[g], crowd[g], thresholds)
        for t in range(len(thresholds)):
            for d in range(n_found):
                if found[t, d] >= 0:
                    matches[t, poses[i] + d] = people[i] + found[t, d]
        place += n_found * n_people
    return matches


@njit(cache=True)
def average_precision(weights, image, verdict, positives, recalls):  # type: ignore[no-untyped-def]
    """Return AP (R,) of weighted images: what COCO's evaluation gives if every image is there `weight` times.

    Equal scores keep the order of the images, and copies of an image follow each other, so a run of right poses only
    raises the precision: its end is all that the envelope needs.

    `weights` (R, N) are whole numbers, `image` (D,) is that of each pose by falling score, `verdict` (T, D) is 1 right,
    0 wrong, -1 neither, and `positives` (N,) are the people to be found. There are 101 `recalls`.
    """
    n_thresholds, n_found = verdict.shape
    scores = np.empty(len(weights))
    n_recalls = len(recalls)
    needed = np.empty(n_recalls, np.int64)
    times = np.empty(n_found, np.int64)
    counted = np.empty(n_found, np.int64)  # poses that are right or wrong, up to and with this one
    is_new = np.ones(n_thresholds, np.bool_)  # whether other poses count than at the threshold before
    starts = np.zeros(n_thresholds + 1, np.int64)
    rights = np.empty((verdict == 1).sum(), np.int64)
    for t in range(n_thresholds):
        place = starts[t]
        is_new[t] = t == 0
        for d in range(n_found):
            if verdict[t, d] == 1:
                rights[place] = d
                place += 1
            is_new[t] |= t > 0 and (verdict[t, d] >= 0) != (verdict[t - 1, d] >= 0)
        starts[t + 1] = place
    for r in range(len(weights)):
        n_people = 0
        for i in range(len(positives)):
            n_people += weights[r, i] * positives[i]
        if n_people == 0:
            scores[r] = np.nan
            continue
        for k in range(n_recalls):  # the fewest right poses that reach each recall
            count = int(recalls[k] * n_people)
            while count / n_people < recalls[k]:
                count += 1
            while count > 0 and (count - 1) / n_people >= recalls[k]:
                count -= 1
            needed[k] = count
        for d in range(n_found):
            times[d] = weights[r, image[d]]
        total = 0.0
        for t in range(n_thresholds):
            if is_new[t]:
                count = 0
                for d in range(n_found):
                    count += times[d] if verdict[t, d] >= 0 else 0
                    counted[d] = count
            right = 0
            for place in range(starts[t], starts[t + 1]):
                right += times[rights[place]]
            k = n_recalls - 1
            while k >= 0 and needed[k] > right:
                k -= 1
            envelope = 0.0
            for place in range(starts[t + 1] - 1, starts[t] - 1, -1):  # from the last right pose to the first
                # A pose that is taken 0 times changes nothing: its precision is not above that of the one before.
                d = rights[place]
                envelope = max(envelope, right / (counted[d] + EPS))
                right -= times[d]
                while k >= 0 and needed[k] > right:
                    total += envelope
                    k -= 1
            total += envelope * (k + 1)  # recall 0
        scores[r] = total / (n_thresholds * n_recalls)
    return scores


def variances_of(sigmas: Floats) -> Floats:
    """Return (2σ)² (K,), what OKS divides by."""
    return (np.asarray(sigmas, float) * 2) ** 2
