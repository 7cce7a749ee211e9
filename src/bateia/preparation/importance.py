"""What a feature is worth: to a model on rows it has not seen, or by itself, told from the training rows."""

from __future__ import annotations

from typing import Literal

import numpy as np

from bateia.core import Spans, SplitError
from bateia.core.events import Floats, Ints
from bateia.models import AnyModel, Dataset
from bateia.preparation.base import gram
from bateia.splits import inner_tail, purge, quiet_time

Measure = Literal["likelihood", "accuracy"]

_TAIL = 0.15
"""Share of an inner fold's training rows that early stopping watches."""
_SURE = 1.0 - 1e-6
"""No direction is more certain than this: one wrong answer must not cost an infinite likelihood."""
_MOST_BINS = 32


def mean_decrease(
    data: Dataset,
    span: Spans,
    model: AnyModel,
    folds: int = 3,
    measure: Measure = "likelihood",
    seed: int = 0,
) -> Floats:
    """How much worse `model` answers unseen rows when a feature is shuffled among them (columns,).

    Each of `folds` contiguous parts is tested once, by a model fitted on the rest, purged of it and with an
    embargo of the median label span. MDA of Lopez de Prado, "Advances in Financial Machine Learning"
    (2018), section 8.3.2; here the plain mean over folds.
    """
    rows = np.arange(len(data))
    if len(rows) < folds:
        raise SplitError(f"{len(rows)} training rows for {folds} inner folds", hint="fewer folds, more bars")
    quiet = quiet_time(None, rows, span)
    decrease = np.zeros(len(data.names))
    for number, test in enumerate(np.array_split(rows, folds)):
        train = purge(np.setdiff1d(rows, test, assume_unique=True), test, span, quiet, quiet)
        fit, valid = inner_tail(train, span, _TAIL)
        fitted, asked = model.fit(_part(data, fit), _part(data, valid)), _part(data, test)
        base, X = goodness(fitted.predict(asked.X), asked, measure), asked.X.copy()
        # A feature that the model does not use makes no difference; a model may not say which it uses.
        used = fitted.importance()
        for column, name in enumerate(data.names):
            if not used.get(name, 1.0):
                continue
            # A generator for each: a feature's shuffle depends on no other feature's.
            order = np.random.default_rng([seed, number, column]).permutation(len(X))
            X[:, column] = asked.X[order, column]
            decrease[column] += base - goodness(fitted.predict(X), asked, measure)
            X[:, column] = asked.X[:, column]
    return decrease / folds


def goodness(score: Floats, data: Dataset, measure: Measure) -> float:
    """How well scores answer `data`, by weight; the larger the better.

    Accuracy: the share of directions that are right. Likelihood, for classes: the mean log-likelihood of
    the direction, P(up) = (1 + score) / 2 (rows of class 0 have none and do not count); for returns, minus
    the mean squared error, the normal likelihood but for constants.
    """
    if data.task == "return" and measure == "likelihood":
        return -float(np.average((data.y - score) ** 2, weights=data.weight))
    weight = data.weight * (data.y != 0)
    if not weight.sum() > 0:
        return 0.0
    side = np.sign(data.y) * score
    if measure == "accuracy":
        return float(np.average(side > 0, weights=weight))
    return float(np.average(np.log((1.0 + np.clip(side, -_SURE, _SURE)) / 2), weights=weight))


def mutual_information(data: Dataset) -> Floats:
    """Information that each column alone has on the answer (columns,), nats, about 0 for noise.

    Binned: a column into bins of equal counts, as many as the cube root of the rows (2 to 32), missing
    values in a bin of their own; classes as they are, returns binned alike; weighted; less the bias of
    Miller, "Note on the Bias of Information Estimates" (1955): (bins_x - 1)(bins_y - 1) / 2n where all
    bins are met. Plug-in estimate: Cover & Thomas, "Elements of Information Theory" (2006), chapter 2.
    """
    bins = int(np.clip(round(np.cbrt(len(data))), 2, _MOST_BINS))
    answer = np.unique(data.y, return_inverse=True)[1] if data.task == "class" else _bins(data.y, bins)
    weight = data.weight / data.weight.sum()
    return np.array([_information(_bins(x, bins), answer, weight) for x in data.X.T])


def clusters(X: Floats, count: int) -> Ints:
    """The cluster, 0 to count - 1, of each column: columns with a like rank order lie together.

    Average linkage of 1 - |Spearman's correlation|; a missing value has the middle rank. Source: Lopez de
    Prado, "Machine Learning for Asset Managers" (2020), chapter 6; Kaufman & Rousseeuw, "Finding Groups
    in Data" (1990), chapter 5.
    """
    from scipy.cluster.hierarchy import cut_tree, linkage
    from scipy.spatial.distance import squareform

    if X.shape[1] <= count:
        return np.arange(X.shape[1])
    ranks = np.column_stack([_ranks(x) for x in X.T])
    length = np.sqrt((ranks**2).sum(axis=0))
    ranks /= np.where(length > 0, length, 1.0)
    # Rounded, or the last bit of a product would break the ties between equal columns.
    distance = np.round(1.0 - np.minimum(np.abs(gram(ranks)), 1.0), 12)
    np.fill_diagonal(distance, 0.0)
    tree = linkage(squareform(distance, checks=False), method="average")
    found: Ints = cut_tree(tree, n_clusters=count)[:, 0].astype(np.int64)
    return found


def _part(data: Dataset, rows: Ints) -> Dataset:
    return Dataset(data.X[rows], data.y[rows], data.weight[rows], data.names, data.task)


def _bins(x: Floats, count: int) -> Ints:
    """Bin number of each value: equal counts but for ties, unknown values in the last."""
    known = x[~np.isnan(x)]
    inner = np.quantile(known, np.linspace(0, 1, count + 1)[1:-1]) if len(known) else np.empty(0)
    number = np.searchsorted(np.unique(inner), x, side="right")
    return np.where(np.isnan(x), count, number)


def _information(x: Ints, y: Ints, weight: Floats) -> float:
    joint = np.zeros((int(x.max()) + 1, int(y.max()) + 1))
    np.add.at(joint, (x, y), weight)
    px, py = joint.sum(axis=1), joint.sum(axis=0)
    met = joint > 0
    plain = float((joint[met] * np.log(joint[met] / np.outer(px, py)[met])).sum())
    cells = int((px > 0).sum()) + int((py > 0).sum()) - int(met.sum()) - 1
    return plain + cells * float((weight**2).sum()) / 2


def _ranks(x: Floats) -> Floats:
    """Mean ranks about their middle; 0 for unknown values."""
    from scipy.stats import rankdata

    known, centred = ~np.isnan(x), np.zeros(len(x))
    if known.any():
        centred[known] = rankdata(x[known]) - (int(known.sum()) + 1) / 2
    return centred
