"""What is live and what is served, how old the data are, what is stale, and what the gate said last."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime

from features.settings import Settings
from flows.health.findings import Finding
from flows.project.dataset import Project
from flows.project.running.freshness import Params
from flows.project.running.run_lock import holder_of
from models.release.bundle import MANIFEST
from models.release.running import SUPERVISOR, following, running_services
from models.release.store import ReleaseStore

SHOWN = 6  # stages that are named
HEADLINES = ("ndcg@10", "recall@10")


def check_live(settings: Settings) -> Iterator[Finding]:
    """The live release and whether its files can be read."""
    store = ReleaseStore(settings.home)
    for name, fault in store.faults().items():
        yield Finding("live", "wrong", f"{name}: {fault}")
    if store.pointer.name in store.faults():
        return
    live = store.live()
    if live is None:
        yield Finding("live", "note", "nothing was released yet", "`recops run`, then `recops release`.")
        return
    span = store.history()[-1]
    what = f"{live} since {span.live_from[:16].replace('T', ' ')} UTC, by {span.who}: {span.why}"
    if not store.has(live) or not (store.bundle(live) / MANIFEST).is_file():
        remedy = f"restore it (`recops releases pull {live}`), or bring back another (`recops rollback`)."
        yield Finding("live", "wrong", f"{live} is live, but its folder is not whole", remedy)
        return
    recorded = store.read(live).metrics
    metrics = ", ".join(f"{name} {recorded[name]:.4f}" for name in HEADLINES if name in recorded)
    yield Finding("live", "ok", f"{what}{f' ({metrics})' if metrics else ''}")


def check_services(settings: Settings) -> Iterator[Finding]:
    """The running services of this home, and whether they serve what is live."""
    services = running_services(settings.home)
    workers = [service for service in services if service.role != SUPERVISOR]
    if not workers:
        yield Finding("service", "note", "no service runs on this RECOPS_HOME", "`recops serve` starts one.")
        return
    live = ReleaseStore(settings.home).live()
    state = following(services, live or "")
    for service in workers:
        if service.name in state.loaded:
            yield Finding("service", "ok", f"{service.name} serves {live}")
    for name, reason in sorted(state.refused.items()):
        remedy = "put another release live (`recops rollback`), or see the service's log."
        yield Finding("service", "wrong", f"{name} refused {live}: {reason}", remedy)
    for name in sorted(set(state.waiting)):
        yield Finding("service", "note", f"{name} does not serve {live} yet", "ask again in a minute, or see its log.")


def check_data(project: Project, now: datetime | None = None) -> Iterator[Finding]:
    """Where the data come from, and the age of the newest row."""
    tables = project.paths.tables / "source.json"
    source = project.source().get("name", "simulator")
    if not tables.is_file() or not (project.paths.split / "split.json").is_file():
        yield Finding("data", "note", f"source {source}: not processed yet", "`recops run`.")
        return
    facts = json.loads(tables.read_text(encoding="utf-8"))
    if facts.get("source", source) != source:
        yield Finding("data", "note", f"source {source}: imported, not processed yet", "`recops run`.")
        return
    rows = facts.get("n_rows")
    n_rows = rows.get("interactions") if isinstance(rows, dict) else rows
    counted = f", {n_rows:,} interactions" if isinstance(n_rows, int) else ""
    if source == "simulator":
        yield Finding("data", "ok", f"the simulated world{counted}; `recops data import` brings yours")
        return
    if facts.get("artificial_time"):
        yield Finding("data", "ok", f"source {source}{counted}, without times")
        return
    newest = datetime.fromtimestamp(project.data_until() / 1e6, UTC)
    what = f"source {source}{counted}, the newest row of {newest:%Y-%m-%d %H:%M} UTC"
    instant = now or datetime.now(UTC)
    max_age_days = project.section("freshness", Params, optional=True).max_age_days
    if (instant - newest).total_seconds() > max_age_days * 86_400:
        older = f"{what} is {age(instant, newest)}, more than freshness.max_age_days {max_age_days:g}"
        yield Finding(
            "data", "note", older, "import newer events: `recops data import --append`, `recops events export`."
        )
        return
    yield Finding("data", "ok", f"{what} is {age(instant, newest)}")


def age(now: datetime, newest: datetime) -> str:
    """How old a row is, in days, or in hours within two days."""
    hours = (now - newest).total_seconds() / 3600
    return f"{hours / 24:,.0f} days old" if hours >= 48 else f"{hours:,.0f} hours old"


def check_stages(project: Project, settings: Settings) -> Iterator[Finding]:
    """Which stages are not up to date."""
    from flows.project.dag import Dag
    from flows.project.resolve import stale_here

    if holder := holder_of(project.root):
        yield Finding("stages", "note", f"a run is under way (process {holder})", "ask again when it has ended.")
        return
    names, stale = stale_here(Dag(project.root), None, settings)
    if not stale:
        yield Finding("stages", "ok", f"all {len(names)} stages are up to date")
        return
    more = f" and {len(stale) - SHOWN} more" if len(stale) > SHOWN else ""
    what = f"{len(stale)} of {len(names)} stages are not up to date: {', '.join(stale[:SHOWN])}{more}"
    yield Finding("stages", "note", what, "`recops run` runs them, and what depends on them.")


def check_verdict(project: Project, settings: Settings) -> Iterator[Finding]:
    """What the gate said of data/bundle, and whether that bundle is live."""
    path = project.paths.reports / "decision.json"
    manifest = project.paths.bundle / MANIFEST
    if not path.is_file() or not manifest.is_file():
        yield Finding("verdict", "note", "no bundle was judged here yet", "`recops run`.")
        return
    decision = json.loads(path.read_text(encoding="utf-8"))
    judged = json.loads(manifest.read_text(encoding="utf-8"))["hash"]
    if decision.get("bundle_hash") != judged:
        yield Finding("verdict", "note", "data/bundle is not the bundle that was judged last", "`recops run`.")
        return
    store = ReleaseStore(settings.home)
    live = store.live()
    is_live = bool(live and store.has(live) and store.read(live).judged == judged)
    remedy = "" if is_live or not decision["promote"] else "`recops release` puts it live."
    yield Finding("verdict", "ok", f"{decision['reasons'][0]}{' It is live.' if is_live else ''}", remedy)
