/** Against the running service that RECOPS_URL names (key: RECOPS_KEY); tests/service/test_generated_clients.py starts one. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { Recops, RecopsError, unwrap } from "../src/index.js";

const url = process.env.RECOPS_URL ?? "";
const key = process.env.RECOPS_KEY;
const options = { skip: url ? false : "RECOPS_URL names no service" };

test("a known user gets a list in order of rank", options, async () => {
  const recops = new Recops({ url, key });
  const { users } = unwrap(await recops.api.GET("/users", { params: { query: { limit: 1 } } }));
  const answer = await recops.recommend({ user_id: users[0]!, k: 3, explain: true });
  assert.deepEqual(answer.items.map((item) => item.rank), [1, 2, 3]);
  assert.ok(answer.items.every((item) => item.reason));
});

test("an event is recorded once and shows in the history", options, async () => {
  const recops = new Recops({ url, key });
  const [item] = (await recops.recommend({ user_id: "typescript", k: 1 })).items;
  const event = { user_id: "typescript", item_id: item!.item_id, event: "click", event_id: "typescript-1" };
  assert.deepEqual(await recops.record([event]), { accepted: 1, duplicates: 0 });
  assert.deepEqual(await recops.record([event]), { accepted: 0, duplicates: 1 });
  const history = await recops.history("typescript");
  assert.deepEqual(history.items.map((one) => one.item_id), [item!.item_id]);
});

test("similar items are not the item itself", options, async () => {
  const recops = new Recops({ url, key });
  const [item] = (await recops.recommend({ user_id: "anyone", k: 1 })).items;
  const { items } = await recops.similar({ item_id: item!.item_id, k: 5 });
  assert.ok(items.length > 0 && items.every((one) => one.item_id !== item!.item_id));
});

test("an error names the field", options, async () => {
  const recops = new Recops({ url, key });
  await assert.rejects(recops.recommend({ user_id: " " }), (error: unknown) => {
    assert.ok(error instanceof RecopsError);
    assert.deepEqual([error.status, error.code, error.field], [400, "invalid", "user_id"]);
    return true;
  });
});

test("without the key the service refuses", { skip: options.skip || (key ? false : "the service has no keys") }, async () => {
  await assert.rejects(new Recops({ url }).recommend({ user_id: "u" }), { status: 401, code: "unauthorized" });
});
