"""Display names of models and metrics, and their explanations for readers new to them."""

from __future__ import annotations

METRICS = {
    "ndcg": ("Order (NDCG)", "how high the list puts what people choose later; 1 is a perfect order"),
    "recall": ("Share found (recall)", "how much of what people choose later is in the list"),
    "hr": ("Lists with a hit (hit rate)", "share of lists that hold something that is chosen later"),
    "precision": ("Precision", "share of the list that is chosen later"),
    "f1": ("F1", "share found and precision in one figure"),
    "map": ("Mean average precision", "precision, counted at each item found"),
    "mrr": ("First hit (MRR)", "1 over the rank of the first item found"),
    "coverage": (
        "Items in use that are shown",
        "share of the items with a history that somebody is shown",
    ),
    "coverage_catalog": ("All items that are shown", "share of the whole catalogue; new items count"),
    "novelty": ("Novelty", "how little known the shown items are, in bits; one bit more is half as well known"),
    "serendipity": ("Serendipity", "share of the list that is chosen later and that mere popularity would not show"),
    "ild": (
        "Variety within a list",
        "how different the items of one list are, by their tags; 0: alike",
    ),
    "miscalibration": ("Distance from the user's mix", "categories of the list against those of the history; 0 alike"),
    "pop_lift": ("Popularity against the user's own", "1: as popular as what the user chose before; above 1: more so"),
    "arp": ("Popularity of what is shown", "mean number of users who had chosen a shown item"),
    "head_share": ("Share of hits", "share of the list among the tenth of the items that is most popular"),
    "gini": ("Concentration (Gini)", "0: every item is shown as often; near 1: a few items take all places"),
}
VARIETY = ("coverage", "novelty", "serendipity", "ild", "miscalibration", "pop_lift", "gini")


def metric_name(metric: str) -> str:
    """The plain name of a metric such as `ndcg@10`."""
    name, _, k = metric.partition("@")
    plain = METRICS.get(name, (name, ""))[0]
    return f"{plain}, first {k}" if k else plain


def model_name(model: str, champion: str) -> str:
    """What a model is called on the page; champion: its name in sentences."""
    names = {"challenger": "judged now", "champion": champion, "popular": "most popular", "oracle": "all-knowing"}
    return names.get(model, model.removeprefix("retriever:"))


def kind(model: str) -> str:
    """The color class of a model."""
    return {"challenger": "ours", "champion": "theirs"}.get(model, "plain")
