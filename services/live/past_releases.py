"""Releases that answered earlier, loaded to explain what they answered."""

from __future__ import annotations

import threading

from features.errors import UserError
from services.errors import ApiError
from services.live.release import Live
from services.live.serving import Serving


class PastReleases:
    """Holds the one that was needed last, beside the live one."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._kept: Serving | None = None
        self._lock = threading.Lock()

    def serving(self, release: str) -> Serving:
        """The release, loaded where it is not live; that takes seconds.

        Raises:
            ApiError: 409, it is gone or cannot be loaded by this code.
        """
        current = self._live.current
        if current is not None and current.release.release == release:
            return current
        with self._lock:
            if self._kept is None or self._kept.release.release != release:
                left, self._kept = self._kept, None
                if left is not None:
                    left.sessions.close()
                try:
                    self._kept = self._live.load(release)
                except UserError as error:
                    raise ApiError(
                        409,
                        f"the answer came from release {release}, which cannot be loaded: {error}",
                        code="release_not_possible",
                    ) from None
            return self._kept
