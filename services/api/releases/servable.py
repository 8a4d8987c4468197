"""Whether a release can be served, before the pointer names it."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from features.errors import UserError
from models.release.code import bento_folder, running_code
from models.release.running import SUPERVISOR, running_services
from models.release.store import ReleaseError
from services.errors import ApiError
from services.runtime import Runtime

logger = logging.getLogger(__name__)


def check_servable(runtime: Runtime, release: str) -> None:
    """Loads a release before the pointer names it; one of other code is loaded by workers of its own Bento.

    Raises:
        ApiError: 409 with the reason why it cannot be served.
    """
    try:
        bento_tag = runtime.live.store.read(release).bento_tag
        if not running_code().can_load(bento_tag):
            _check_other_code(runtime.settings.home, release, str(bento_tag))
            return
        runtime.live.prepare(release)
    except UserError as error:
        raise ApiError(409, f"release {release} cannot be served: {error}", code="release_not_possible") from error
    except Exception as error:
        logger.exception("release=%s cannot be served", release)
        message = (
            f"release {release} cannot be served ({type(error).__name__}: {error}); release anew (`recops release`)"
        )
        raise ApiError(409, message, code="release_not_possible") from error


def _check_other_code(home: Path, release: str, bento_tag: str) -> None:
    """The supervisor can start another Bento for a release.

    Raises:
        ReleaseError: this service has no supervisor, or the Bento is gone.
    """
    supervisors = {service.pid for service in running_services(home) if service.role == SUPERVISOR}
    if os.getppid() not in supervisors:
        raise ReleaseError(
            f"it needs the code of Bento {bento_tag}, and this service was not started by `recops serve`"
        )
    if not (bento_folder(home, bento_tag) / "bento.yaml").is_file():
        raise ReleaseError(f"its Bento {bento_tag} is not there any more")
