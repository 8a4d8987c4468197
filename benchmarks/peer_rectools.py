"""RecTools' models, run by an interpreter of their own: its libraries do not go beside this project's.

    PYTHON benchmarks/peer_rectools.py IN OUT MODEL SETTING

Needs nothing of recops. IN (.npz): users, items (n_rows,) codes of who chose what; asked (n_asked,) codes of users, all
with a row; k. OUT (.npz): items (n_asked, k) codes, best first, -1 pads; seconds of the fit; memory, peak MiB.
SETTING: the model's arguments in JSON.
"""

from __future__ import annotations

import json
import resource
import sys
import time

import numpy as np


def main() -> None:
    """One model, one setting."""
    import pandas as pd
    import rectools.models
    from rectools.dataset import Dataset

    given, written, model, setting = sys.argv[1:]
    with np.load(given) as arrays:
        users, items, asked, k = arrays["users"], arrays["items"], arrays["asked"], int(arrays["k"])
    rows = pd.DataFrame({"user_id": users, "item_id": items, "weight": 1.0, "datetime": pd.Timestamp("2000-01-01")})
    dataset = Dataset.construct(rows)
    fitted = getattr(rectools.models, model)(**json.loads(setting))
    started = time.perf_counter()
    fitted.fit(dataset)
    seconds = time.perf_counter() - started
    found = fitted.recommend(users=asked, dataset=dataset, k=k, filter_viewed=True)
    lists = np.full((len(asked), k), -1, dtype=np.int64)
    place = pd.Series(np.arange(len(asked)), index=asked)
    lists[place[found["user_id"]].to_numpy(), found["rank"].to_numpy() - 1] = found["item_id"].to_numpy()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    np.savez(written, items=lists, seconds=seconds, memory=memory)


if __name__ == "__main__":
    main()
