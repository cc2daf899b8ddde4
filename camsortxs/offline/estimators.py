"""The five classifiers, as scikit-learn estimators: how they start, and the few settings that tuning tries."""

from dataclasses import dataclass
from typing import Any

CLASSIFIERS = ("et", "lightgbm", "xgboost", "rf", "catboost")
"""Extra Trees, LightGBM, XGBoost, Random Forest, CatBoost, by pycaret's names."""

RANDOM = "lightgbm_extra"
"""LightGBM whose trees split at random places: smoother, so that an instrument more or less matters less. Not in the
grid; what the shipped model is made of."""

KINDS = (*CLASSIFIERS, RANDOM)
"""Everything that can be trained."""

TITLES = {
    "et": "Extra Trees",
    "lightgbm": "LightGBM",
    "xgboost": "XGBoost",
    "rf": "Random Forest",
    "catboost": "CatBoost",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """An estimator that is not fitted yet, and the values of one setting that are tried: small grids, tuned often.

    Frames come by the thousand and features by the hundred: trees are kept shallow, their leaves wide, and each split
    sees few features. What is tried is the setting that moves each classifier most: how many features a split of a
    forest sees, how large a boosted tree is.
    """

    estimator: Any
    grid: dict[str, list[Any]]


def kind_of(name: str, *, trees: int, seed: int) -> Kind:
    """Return the classifier `name`; boosting takes as many rounds as a forest has trees.

    >>> sorted(kind_of("et", trees=10, seed=0).grid)
    ['max_features']

    Raises
    ------
    ValueError
        When it is none of `KINDS`.
    """
    if name == "et":
        from sklearn.ensemble import ExtraTreesClassifier

        return Kind(
            estimator=ExtraTreesClassifier(
                trees, min_samples_leaf=2, max_features=0.2, max_depth=16, n_jobs=1, random_state=seed
            ),
            grid={"max_features": ["sqrt", 0.1, 0.2]},
        )
    if name == "rf":
        from sklearn.ensemble import RandomForestClassifier

        return Kind(
            estimator=RandomForestClassifier(
                trees, min_samples_leaf=2, max_features="sqrt", max_depth=16, n_jobs=1, random_state=seed
            ),
            grid={"min_samples_leaf": [1, 2, 5]},
        )
    return Kind(estimator=_boosted(name, trees, seed), grid=_SIZES[name])


_SIZES: dict[str, dict[str, list[Any]]] = {
    "lightgbm": {"num_leaves": [7, 15, 31]},
    RANDOM: {"num_leaves": [15, 31]},
    "xgboost": {"max_depth": [3, 4, 6]},
    "catboost": {"depth": [4, 5, 6]},
}


def _boosted(name: str, trees: int, seed: int) -> Any:
    if name in ("lightgbm", RANDOM):
        from lightgbm import LGBMClassifier

        calm: dict[str, Any] = {"extra_trees": True, "learning_rate": 0.06, "min_child_samples": 20, "reg_lambda": 3.0}
        quick: dict[str, Any] = {"learning_rate": 0.1, "min_child_samples": 10}
        return LGBMClassifier(
            n_estimators=trees,
            num_leaves=15,
            colsample_bytree=0.3,
            subsample=0.7,
            subsample_freq=1,
            n_jobs=1,
            random_state=seed,
            verbose=-1,
            **(calm if name == RANDOM else quick),
        )
    if name == "xgboost":
        from xgboost import XGBClassifier

        return XGBClassifier(
            n_estimators=trees,
            max_depth=4,
            learning_rate=0.15,
            colsample_bynode=0.3,
            subsample=0.7,
            tree_method="hist",
            max_bin=64,
            n_jobs=1,
            random_state=seed,
        )
    if name == "catboost":
        from catboost import CatBoostClassifier

        return CatBoostClassifier(
            iterations=trees,
            depth=5,
            learning_rate=0.15,
            rsm=0.3,
            border_count=32,
            thread_count=1,
            random_seed=seed,
            verbose=False,
            allow_writing_files=False,
        )
    raise ValueError(f"no classifier {name}: there are {', '.join(KINDS)}")
