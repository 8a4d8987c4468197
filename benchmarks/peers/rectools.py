"""RecTools' models, run by an interpreter of their own: its libraries do not go beside this project's.

    PYTHON benchmarks/peers/rectools.py IN OUT MODEL SETTING

Needs nothing of recops. IN (.npz): users, items (n_rows,) codes of who chose what, of each user in the order in which
it happened; asked (n_asked,) codes of users, all with a row; k; live_users, live_items (n_live,), for a model of
sequences: the histories of those asked, who then are none of the others. OUT (.npz): items (n_asked, k) codes, best
first, -1 pads; seconds of the fit; memory, peak MiB. SETTING: the model's arguments in JSON. Networks use two
threads.
"""

from __future__ import annotations

import json
import resource
import sys
import time
import warnings
from typing import Any

import numpy as np

SEED, THREADS = 1, 2


def main() -> None:
    """One model, one setting."""
    import pandas as pd
    import rectools.models

    given, written, model, setting = sys.argv[1:]
    with np.load(given) as arrays:
        past = _dataset(arrays["users"], arrays["items"])
        live = _dataset(arrays["live_users"], arrays["live_items"]) if "live_users" in arrays else past
        asked, k = arrays["asked"], int(arrays["k"])
    if live is not past:
        _settle()
    fitted = getattr(rectools.models, model)(**json.loads(setting))
    started = time.perf_counter()
    fitted.fit(past)
    seconds = time.perf_counter() - started
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it tells of histories without an item that it knows
        found = fitted.recommend(asked, live, k, filter_viewed=True, on_unsupported_targets="ignore")
    lists = np.full((len(asked), k), -1, dtype=np.int64)
    place = pd.Series(np.arange(len(asked)), index=asked)
    lists[place[found["user_id"]].to_numpy(), found["rank"].to_numpy() - 1] = found["item_id"].to_numpy()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    np.savez(written, items=lists, seconds=seconds, memory=memory)


def _dataset(users: Any, items: Any) -> Any:
    """RecTools' own, with instants that keep the order of the rows."""
    import pandas as pd
    from rectools.dataset import Dataset

    instants = pd.Timestamp("2000-01-01") + pd.to_timedelta(np.arange(len(users)), unit="s")
    return Dataset.construct(pd.DataFrame({"user_id": users, "item_id": items, "weight": 1.0, "datetime": instants}))


def _settle() -> None:
    """The same network whenever it is trained again."""
    import torch
    from pytorch_lightning import seed_everything

    torch.set_num_threads(THREADS)
    seed_everything(SEED, workers=True)


if __name__ == "__main__":
    main()
