// The console: choose a user, read their list with its reasons, act on an item, watch the list change.
import { age, ago, day, hue, initials, plural, price } from "./format.js";

const $ = (id) => document.getElementById(id);
const state = { user: "", ranks: null, fresh: "", answer: null, turn: 0, suggestion: 0, categories: [], loaded: "", conversation: null };

// ---- small makers: text always goes in as text, so that ids and titles may hold any character
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "onclick") element.addEventListener("click", value);
    else if (value !== null && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

// ---- talking to the service
class Failure extends Error {}

async function call(path, body) {
  const headers = { "Content-Type": "application/json" };
  if (path.startsWith("admin/")) headers["X-Recops-Admin"] = "1";
  const key = sessionStorage.getItem("recops-key");
  if (key) headers.Authorization = `Bearer ${key}`;
  let reply;
  try {
    reply = await fetch(path, body === undefined ? { headers } : { method: "POST", headers, body: JSON.stringify(body) });
  } catch {
    throw new Failure("The service does not answer. Is it still running?");
  }
  const answer = await reply.json().catch(() => null);
  if (reply.status === 401 && (await askForKey())) return call(path, body);
  if (!reply.ok) throw new Failure(answer?.error?.message ?? `The service answered ${reply.status}.`);
  return answer;
}

let keyRequest = null;
function askForKey() {
  keyRequest ??= new Promise((resolve) => {
    const dialog = $("key");
    dialog.showModal();
    dialog.addEventListener("close", () => {
      const key = $("key-input").value.trim();
      $("key-input").value = "";
      keyRequest = null;
      if (key) sessionStorage.setItem("recops-key", key);
      resolve(Boolean(key) && dialog.returnValue === "use");
    }, { once: true });
  });
  return keyRequest;
}

async function attempt(work) {
  try {
    await work();
    $("notice").hidden = true;
  } catch (error) {
    if (!(error instanceof Failure)) console.error(error);
    $("notice").textContent = error instanceof Failure ? error.message : "This page failed; reload it.";
    $("notice").hidden = false;
    for (const list of document.querySelectorAll("[aria-busy=true]")) {
      list.replaceChildren(make("li", { class: "empty" }, "Nothing to show."));
      list.setAttribute("aria-busy", "false");
    }
  }
}

// ---- today's list
function itemRow(item, { badge = null, sources = true } = {}) {
  const title = item.title ?? item.item_id;
  const cover = make("span", { class: "cover", "aria-hidden": "true" }, initials(title));
  cover.style.setProperty("--hue", hue(item.item_id));
  if (item.picture) cover.append(picture(item.picture));
  const tags = [badge && make("span", { class: `tag ${badge.kind}` }, badge.text)];
  if (sources) for (const source of item.sources ?? []) tags.push(make("span", { class: "tag" }, source));
  const choose = make(
    "button",
    { class: "choose", type: "button", title: `Record an event on ${item.item_id}`, onclick: () => attempt(() => act(item)) },
    make("span", { class: "title" }, title),
    facts(item),
    item.reason ? make("span", { class: "reason" }, item.reason) : null,
  );
  const row = make(
    "li",
    { class: badge ? `is-${badge.kind}` : null },
    make("span", { class: "rank" }, String(item.rank)),
    cover,
    make("div", {}, choose, make("div", { class: "tags" }, ...tags.filter(Boolean))),
    make("button", { class: "quiet", type: "button", "aria-label": `Items similar to ${title}`, onclick: () => attempt(() => showSimilar(item)) }, "Similar"),
  );
  row.dataset.item = item.item_id;
  return row;
}

// category and price, where the item has them
function facts(item) {
  const words = [item.category, Number.isFinite(item.price) ? price(item.price) : null].filter((word) => word !== null && word !== undefined);
  return words.length ? make("span", { class: "about" }, words.join(" · ")) : null;
}

// the picture over the initials; one that does not load leaves them
function picture(address) {
  const image = make("img", { src: address, alt: "", loading: "lazy", referrerpolicy: "no-referrer" });
  image.addEventListener("error", () => image.remove(), { once: true });
  return image;
}

function badgeOf(item, before) {
  if (!before) return null;
  const rank = before.get(item.item_id);
  if (rank === undefined) return { kind: "new", text: "new" };
  if (rank === item.rank) return null;
  return { kind: "moved", text: rank > item.rank ? `↑ ${rank - item.rank}` : `↓ ${item.rank - rank}` };
}

async function showList({ compare = false } = {}) {
  const list = $("list");
  const turn = ++state.turn;
  if (!compare) {
    list.replaceChildren(...Array.from({ length: 6 }, () => make("li", { class: "skeleton" })));
    list.setAttribute("aria-busy", "true");
  }
  const request = { user_id: state.user, k: Number($("k").value), explain: true, details: true, include_seen: $("seen").checked };
  const answer = await call("recommend", { ...request, ...filter() });
  if (turn !== state.turn) return;
  $("warnings").replaceChildren(...(answer.warnings ?? []).map((warning) => make("li", {}, warning)));
  const before = compare ? state.ranks : null;
  const places = new Map([...list.children].map((row) => [row.dataset.item, row.getBoundingClientRect().top]));
  list.replaceChildren(...answer.items.map((item) => itemRow(item, { badge: badgeOf(item, before) })));
  if (!answer.items.length) list.replaceChildren(make("li", { class: "empty" }, filter().filter ? "No item passes the filter for this user." : "Nothing is left to offer this user."));
  list.setAttribute("aria-busy", "false");
  if (before && !matchMedia("(prefers-reduced-motion: reduce)").matches) slide(list, places);
  const fallback = answer.fallback ? `cold start: ${answer.fallback} · ` : "";
  $("today-note").textContent = `${fallback}${answer.took_ms.toFixed(1)} ms`;
  if (before) tell(answer.items, before);
  state.ranks = new Map(answer.items.map((item) => [item.item_id, item.rank]));
  state.answer = answer;
}

function slide(list, places) {
  for (const row of list.children) {
    const from = places.get(row.dataset.item);
    const gap = from === undefined ? 0 : from - row.getBoundingClientRect().top;
    const first = from === undefined ? { opacity: 0 } : { transform: `translateY(${gap}px)` };
    row.animate([first, { opacity: 1, transform: "none" }], { duration: 380, easing: "cubic-bezier(.2,.8,.2,1)" });
  }
}

function tell(items, before) {
  const fresh = items.filter((item) => !before.has(item.item_id)).length;
  const moved = items.filter((item) => before.has(item.item_id) && before.get(item.item_id) !== item.rank).length;
  $("said").textContent = fresh + moved ? `The list changed: ${fresh} new, ${moved} moved.` : "The list stayed as it was.";
}

async function act(item) {
  const event = $("event").value;
  const sent = { event_id: crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`, user_id: state.user, item_id: item.item_id, event };
  if (state.answer?.request_id) sent.request_id = state.answer.request_id;
  await call("events", { events: [sent] });
  $("similar").close();
  state.fresh = item.item_id;
  await Promise.all([showList({ compare: true }), showHistory(), showLive()]);
}

async function showSimilar(item) {
  $("similar-title").textContent = `Similar to ${item.title ?? item.item_id}`;
  $("similar-list").replaceChildren(make("li", { class: "skeleton" }));
  if (!$("similar").open) $("similar").showModal();
  const answer = await call("similar", { item_id: item.item_id, k: 8, details: true });
  const rows = answer.items.map((other) => itemRow(other, { sources: false }));
  $("similar-list").replaceChildren(...(rows.length ? rows : [make("li", { class: "empty" }, "No similar items are known.")]));
}

// ---- conversation: the reply comes into the log, its items into today's list
async function talk() {
  const message = $("message").value.trim();
  if (!message || !state.user) return;
  const user = state.user;
  $("message").value = "";
  $("chat").append(make("li", { class: "asked" }, message));
  const request = { user_id: user, message, k: Number($("k").value) };
  if (state.conversation) request.conversation_id = state.conversation;
  const turn = ++state.turn;
  const answer = await call("chat", request);
  if (user !== state.user || turn !== state.turn) return;
  Object.assign(state, { conversation: answer.conversation_id, answer, ranks: new Map(answer.items.map((item) => [item.item_id, item.rank])) });
  $("chat").append(make("li", {}, answer.reply));
  $("chat").lastElementChild.scrollIntoView({ block: "nearest" });
  $("warnings").replaceChildren();
  $("list").replaceChildren(...(answer.items.length ? answer.items.map((item) => itemRow(item)) : [make("li", { class: "empty" }, "Nothing is left to offer.")]));
  $("list").setAttribute("aria-busy", "false");
  $("today-note").textContent = "by the conversation";
}

function beginAnew() {
  state.conversation = null;
  $("chat").replaceChildren();
}

// ---- history
async function showHistory() {
  const user = state.user;
  const [answer, words] = await Promise.all([
    call(`history?user_id=${encodeURIComponent(user)}&limit=60`), call(`users/${encodeURIComponent(user)}/profile`)]);
  if (user !== state.user) return;
  $("profile").textContent = words.profile ?? "";
  $("history-note").textContent = answer.n_events ? plural(answer.n_events, "event") : "new user";
  const runs = []; // events on one item that follow each other are one line
  for (const item of answer.items) {
    const last = runs.at(-1);
    if (last?.item_id === item.item_id && last.positive === item.positive) last.times += 1;
    else runs.push({ ...item, times: 1 });
  }
  const rows = runs.map((item, place) =>
    make("li", { class: [item.positive ? "" : "seen", place === 0 && item.item_id === state.fresh ? "fresh" : ""].join(" ") },
      make("span", { class: "title" }, item.title ?? item.item_id), item.times > 1 ? make("span", { class: "tag" }, `×${item.times}`) : null,
      make("time", { datetime: item.timestamp }, `${item.timestamp ? day(item.timestamp) : ""}${item.positive ? "" : " · no sign of liking it"}`)));
  $("history").replaceChildren(...(rows.length ? rows : [make("li", { class: "empty" }, "No history yet. Click an item of the list: the next list reflects it.")]));
}

// ---- what is live
const HEADLINE = ["ndcg@10", "recall@10", "hr@10", "coverage@10", "novelty@10"];
const pairs = (facts) => Object.entries(facts).flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]);

async function showLive() {
  try {
    const [status, releases] = await Promise.all([call("status"), call("releases")]);
    const data = age(status);
    $("live").className = `live ${data.kind}`;
    $("live-text").replaceChildren("live ", make("b", {}, status.release), ` · ${data.text} · model made ${ago(status.release_age_days)}`);
    const instant = (iso, days) => iso === null ? "unknown" : make("span", {}, day(iso), make("span", { class: "age" }, ago(days)));
    const about = {
      Release: make("code", {}, status.release), Bundle: make("code", { title: status.bundle_hash }, status.bundle_hash.slice(0, 12)),
      "Newest event": instant(status.newest_event, status.newest_event_age_days),
      "Data until": instant(status.data_until, status.data_age_days),
      "Model made": instant(status.created_at, status.release_age_days),
      "Live since": status.live_from ? day(status.live_from) : "–",
      Items: status.counts.items.toLocaleString(), "Events since": status.counts.events_since_release.toLocaleString(),
      Retrievers: status.retrievers.join(", "), Version: status.versions.recops,
    };
    $("status").replaceChildren(...pairs(about));
    if (state.loaded !== status.release) await loadFilters(status.release);
    const metrics = Object.entries(status.metrics).map(([name, value]) => [name, Number(value).toPrecision(3)]);
    const first = metrics.filter(([name]) => HEADLINE.includes(name)).sort((a, b) => HEADLINE.indexOf(a[0]) - HEADLINE.indexOf(b[0]));
    $("metrics").replaceChildren(...pairs(Object.fromEntries(first.length ? first : metrics)));
    $("all-metrics").hidden = metrics.length <= first.length || !first.length;
    $("more-metrics").replaceChildren(...pairs(Object.fromEntries(metrics.filter(([name]) => !HEADLINE.includes(name)))));
    const rows = [...releases.releases].reverse().slice(0, 12).map((span) =>
      make("li", {}, make("b", {}, span.release), span.live_to || !span.live_from ? "" : make("span", { class: "tag new" }, "live"),
        span.release === releases.live || !span.bundle_hash ? null : make(
          "button", { class: "quiet", type: "button", title: `Put ${span.release} live again`, onclick: () => attempt(() => bringBack(releases.live, span.release)) }, "Bring back"),
        make("span", { class: "when" }, span.live_from ? `${day(span.live_from)} – ${span.live_to ? day(span.live_to) : "now"}` : "inside this Bento"),
        make("span", { class: "when" }, span.why ?? "")));
    $("releases").replaceChildren(...rows);
  } catch (error) {
    $("live").className = "live off";
    $("live-text").textContent = error.message;
  }
}

// what was seen live goes along: when somebody else was quicker, nothing changes
async function bringBack(from, to) {
  if (!confirm(`Put ${to} live in place of ${from}?`)) return;
  const done = await call("admin/rollback", { from, to, why: "rolled back in the console" });
  $("said").textContent = done.changed ? `${done.release} is live.` : `Nothing changed: ${done.release} is live.`;
  await Promise.all([showLive(), state.user ? showList({ compare: true }) : null]);
}

// ---- choosing a user (a combobox as ARIA describes it)
const options = () => [...$("users").querySelectorAll("[role=option]")];

async function suggest() {
  const typed = $("user").value;
  const turn = ++state.suggestion;
  const answer = await call(`users?q=${encodeURIComponent(typed)}&limit=12`).catch(() => ({ users: [] }));
  if (turn !== state.suggestion || document.activeElement !== $("user")) return;
  const rows = answer.users.map((id, place) => option(id, id, place));
  if (typed && !answer.users.includes(typed)) rows.push(option(typed, `“${typed}” as a new user`, rows.length));
  $("users").replaceChildren(...(rows.length ? rows : [make("li", { class: "hint" }, "No users are known yet; type any id.")]));
  $("users").hidden = false;
  $("user").setAttribute("aria-expanded", "true");
}

function option(id, text, place) {
  const row = make("li", { role: "option", id: `user-${place}`, "aria-selected": "false" }, text);
  row.addEventListener("mousedown", (event) => { event.preventDefault(); choose(id); });
  row.dataset.user = id;
  return row;
}

function closeUsers() {
  state.suggestion += 1; // an answer still on its way opens nothing
  $("users").hidden = true;
  $("user").setAttribute("aria-expanded", "false");
  $("user").removeAttribute("aria-activedescendant");
}

function choose(id) {
  closeUsers();
  if (!id) return;
  Object.assign(state, { user: id, ranks: null, fresh: "", answer: null });
  $("user").value = id;
  beginAnew();
  rememberInAddress();
  attempt(() => Promise.all([showList(), showHistory()]));
}

$("chat-form").addEventListener("submit", (event) => { event.preventDefault(); attempt(talk); });
$("chat-new").addEventListener("click", () => { beginAnew(); if (state.user) attempt(() => showList()); });
$("user").addEventListener("input", suggest);
$("user").addEventListener("focus", () => { $("user").select(); suggest(); });
$("user").addEventListener("blur", () => { closeUsers(); if ($("user").value !== state.user) $("user").value = state.user; });
$("user").addEventListener("keydown", (event) => {
  const rows = options();
  const at = rows.findIndex((row) => row.getAttribute("aria-selected") === "true");
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    if ($("users").hidden || !rows.length) return void suggest();
    const next = (at + (event.key === "ArrowDown" ? 1 : rows.length + (at < 0 ? 0 : -1))) % rows.length;
    rows.forEach((row, place) => row.setAttribute("aria-selected", String(place === next)));
    rows[next].scrollIntoView({ block: "nearest" });
    $("user").setAttribute("aria-activedescendant", rows[next].id);
  } else if (event.key === "Enter") choose(at >= 0 ? rows[at].dataset.user : $("user").value);
  else if (event.key === "Escape") closeUsers();
});
// the address says what is shown, so that it can be handed on
function rememberInAddress() {
  const named = [["user", state.user], ...state.categories.map((name) => ["category", name])];
  if ($("price").value) named.push(["price_max", $("price").value]);
  history.replaceState(null, "", `?${new URLSearchParams(named)}`);
}

function showFiltered() {
  if (!state.user) return;
  rememberInAddress();
  attempt(() => showList());
}

$("k").addEventListener("change", () => state.user && attempt(() => showList()));

// ---- what the list is filtered by; a category may be typed that the release does not have: the service then says so
function filter() {
  const wanted = {};
  if (state.categories.length) wanted.category = state.categories;
  if ($("price").value !== "" && Number($("price").value) >= 0) wanted.price_max = Number($("price").value);
  return Object.keys(wanted).length ? { filter: wanted } : {};
}

async function loadFilters(release) {
  const answer = await call("filters?limit=500");
  state.loaded = release;
  $("categories").replaceChildren(...answer.categories.map(({ name, n_items }) => make("option", { value: name }, plural(n_items, "item"))));
  $("category-field").hidden = !answer.n_categories;
  $("price-field").hidden = !answer.n_items_with_price;
  if (answer.price_max !== null) $("price").placeholder = `${price(answer.price_min)} – ${price(answer.price_max)}`;
}

function changeCategories(names) {
  state.categories = names;
  $("chosen").replaceChildren(...names.map((name) => make("button", {
    class: "chip", type: "button", "aria-label": `Remove ${name}`,
    onclick: () => changeCategories(names.filter((other) => other !== name)),
  }, name, make("span", { "aria-hidden": "true" }, "×"))));
  showFiltered();
}

$("category").addEventListener("change", () => {
  const name = $("category").value.trim();
  $("category").value = "";
  if (name && !state.categories.includes(name)) changeCategories([...state.categories, name]);
});
for (const id of ["price", "seen"]) $(id).addEventListener("change", showFiltered);

await showLive();
setInterval(showLive, 10_000);
const wanted = new URLSearchParams(location.search);
$("price").value = wanted.get("price_max") ?? "";
changeCategories(wanted.getAll("category"));
const first = wanted.get("user") ? null : await call("users?limit=1").catch(() => null);
choose(wanted.get("user") || first?.users[0] || "guest");
