// The Cloudflare Worker in workerd, the engine of Cloudflare's edge.

import { build, serve } from '../../../edge-wasm/cloudflare/test/support.mjs';
import { records } from '../scene.mjs';

/** Starts the edge; `files` are those of the policy. */
export async function start(scene, { files, port, origin }) {
  const { folder } = build(scene, files);
  const { output } = await serve(scene, folder, { origin: { port: new URL(origin).port }, port });
  return { records: () => records(output), lines: () => output };
}
