import assert from "node:assert/strict";
import { runNotes } from "../../src/engine/run_notes.ts";
import { tinyConfig } from "../support/commands.ts";

const notes = (method: string, ...more: string[]) =>
  runNotes(tinyConfig(`method=${method}`, "iterations=9", "data.batch=2", ...more));

Deno.test("a method that never begins is noticed", () => {
  assert.deepEqual(notes("{name: supervised}"), []);
  assert.deepEqual(notes("{name: mean-teacher, supervisedIterations: 8}"), []);
  assert.deepEqual(notes("{name: mean-teacher, supervisedIterations: 9}"), [
    "all 9 iterations look at labels alone: for the method to begin, set " +
    '"method.supervisedIterations" (9) below "iterations"',
  ]);
  const shared = "supervisedIterations: 3, teacher: {sharedIterations: 6}";
  assert.deepEqual(notes(`{name: weak-to-strong, ${shared}}`), [
    "the teacher is the student in all iterations: for it to be an average, set " +
    '"method.teacher.sharedIterations" (6) below 6',
  ]);
});

Deno.test("pasting from the only image of a batch is noticed", () => {
  const alone = (method: string) => notes(method, "data.batch=1");
  const pasting = "{name: mean-teacher, perturbation: {name: cutmix}}";
  assert.deepEqual(notes(pasting), []);
  assert.match(
    alone(pasting).join(),
    /^"method\.perturbation" changes nothing: .*2 or more$/,
  );
  assert.deepEqual(alone("{name: mean-teacher, perturbation: {name: cutout}}"), []);
  assert.match(
    alone("{name: weak-to-strong}").join(),
    /^"method\.views\.cutmixProbability"/,
  );
  assert.deepEqual(alone("{name: weak-to-strong, views: {cutmixProbability: 0}}"), []);
});
