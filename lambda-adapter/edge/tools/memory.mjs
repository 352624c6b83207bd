// Measures the memory of a Node process that runs a package, in bytes: `{"bare":…,"peak":…}`.
//
// Arguments: the directory of an unpacked package, the number of courses in its policy, a token for course-7.
// The requests are for all courses in turn, with the token, with a tampered one and without one.

import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const ROUNDS = 20;

const [folder, courses, token] = process.argv.slice(2);
const peak = () => process.resourceUsage().maxRSS * 1024;
const bare = peak();

const { makeHandler } = await import(pathToFileURL(join(resolve(folder), "index.mjs")).href);
const fetch = () => Promise.reject(new Error("no network here"));
const handler = makeHandler({ log() {}, report() {}, fetch });

function event(uri, authorization) {
  const line = (key, value) => [{ key, value }];
  const headers = { host: line("Host", "d111111abcdef8.cloudfront.net") };
  if (authorization) headers.authorization = line("Authorization", `Bearer ${authorization}`);
  const request = { clientIp: "203.0.113.7", method: "GET", uri, querystring: "", headers };
  return { Records: [{ cf: { config: { eventType: "viewer-request" }, request } }] };
}

const spoiled = token.replace(/.{8}$/, "AAAAAAAA");
const answers = {};
for (let round = 0; round < ROUNDS; round += 1) {
  for (let course = 0; course < Number(courses); course += 1) {
    const uri = `/courses/course-${course}/week-1/lesson-2.html`;
    for (const sent of [token, spoiled, undefined]) {
      const { status = "forward" } = await handler(event(uri, sent));
      answers[status] = (answers[status] ?? 0) + 1;
    }
  }
}
// Check that requests were really evaluated: the token grants one of all courses.
const all = ROUNDS * Number(courses);
const expect = { 401: 2 * all, 403: all - ROUNDS, forward: ROUNDS };
if (JSON.stringify(answers) !== JSON.stringify(expect)) {
  throw new Error(`unexpected responses: ${JSON.stringify(answers)}`);
}
console.log(JSON.stringify({ bare, peak: peak() }));
