"""Client of the recops service: `Recops` for the usual calls; `generated`, made from its OpenAPI document, has all."""

from recops_client.client import Recops, RecopsError

__all__ = ["Recops", "RecopsError"]
