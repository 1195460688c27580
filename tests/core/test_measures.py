"""Numbers computed by hand."""

from studio.core.measures import auc, histogram, tpr_at


def test_the_area_counts_pairs_and_half_of_ties() -> None:
    assert auc([1, 2, 3], [4, 5]) == 1.0
    assert auc([4, 5], [1, 2, 3]) == 0.0
    assert auc([1, 2], [2, 3]) == (1 + 1 + 0.5 + 1) / 4
    assert auc([], [1.0]) is auc([1.0], []) is None


def test_true_positives_at_a_share_of_false_alarms() -> None:
    real = [float(value) for value in range(100)]
    assert tpr_at(real, [97.5, 98.5, 99.5, 200.0]) == 0.75
    assert tpr_at(real, [97.5, 98.5, 99.5, 200.0], 0.02) == 1.0
    assert tpr_at([], [1.0]) is None


def test_a_histogram_keeps_every_value() -> None:
    assert histogram([0, 0.5, 1, 5, -3], 0, 1, bins=2) == [2, 3]
    assert histogram([2, 2], 2, 2, bins=4) == [2, 0, 0, 0]
