// The native local edge: `tollgate serve`.

import { needed } from '../../../lambda-adapter/local/chromium.mjs';
import { records, responds, until } from '../scene.mjs';

/** Starts the edge; `files` are those of the policy. */
export async function start(scene, { files, port, origin }) {
  const folder = scene.folder(files);
  const args = ['serve', folder, '--upstream', origin, '--listen', `127.0.0.1:${port}`, '--log', 'json'];
  const lines = scene.program(needed('TOLLGATE'), args);
  await until(() => responds(`http://127.0.0.1:${port}/`), () => `tollgate serve: ${lines.join('\n')}`);
  return { records: () => records(lines), lines: () => lines };
}
