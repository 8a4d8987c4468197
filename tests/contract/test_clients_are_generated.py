"""The clients under infra/clients are those that their generators make of the service's document."""

from __future__ import annotations

import json

from infra.clients import generate

REMEDY = "run `make clients` and commit what it writes"


def test_the_stored_document_is_the_services_own():
    assert generate.DOCUMENT.read_text(encoding="utf-8") == generate.document(), REMEDY


def test_what_was_generated_was_made_of_this_document_by_these_generators_and_not_changed_since():
    assert json.loads(generate.NOTE.read_text(encoding="utf-8")) == generate.note(), REMEDY
