// The name under which a file is saved, and which address a file may be fetched from when the API
// answers with one. No page and no network in here.

const MAX_NAME_CHARS = 150;
const FALLBACK = 'download';

/** The name in a `Content-Disposition` field (RFC 6266), made safe; else the last part of the file's path. */
export function fileName(disposition, file) {
  return safe(extended(disposition) ?? plain(disposition) ?? file);
}

/** `filename*=UTF-8''…` */
function extended(disposition) {
  const found = /(?:^|;)\s*filename\*\s*=\s*utf-8'[^']*'([^;\s]+)/i.exec(disposition ?? '');
  if (!found) return undefined;
  try {
    return decodeURIComponent(found[1]);
  } catch {
    return undefined;
  }
}

/** `filename="…"` or `filename=…` */
function plain(disposition) {
  const found = /(?:^|;)\s*filename\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;\s"]+))/i.exec(disposition ?? '');
  if (!found) return undefined;
  return found[1] === undefined ? found[2] : found[1].replace(/\\(.)/g, '$1');
}

/** No folder, no control or direction characters, nothing that a file system takes for something else. */
function safe(name) {
  const last = name.split(/[/\\]/).filter(Boolean).at(-1) ?? '';
  const clean = last
    .replace(/[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}]/gu, '')
    .replace(/[<>:"|?*]/g, '_')
    .replace(/^[\s.]+|[\s.]+$/g, '');
  const whole = [...clean];
  if (whole.length <= MAX_NAME_CHARS) return clean || FALLBACK;
  // The end of a name says what kind of file it is.
  const kind = /\.[^.]{1,16}$/.exec(clean)?.[0] ?? '';
  return whole.slice(0, MAX_NAME_CHARS - kind.length).join('') + kind;
}

/**
 * The address in an answer like `{"url":"…"}`, if it is of an origin that the page's own configuration
 * names; otherwise nothing.
 */
export function permittedUrl(answer, downloads) {
  try {
    const url = new URL(answer.url);
    const isWeb = url.protocol === 'https:' || url.protocol === 'http:';
    return isWeb && downloads.includes(url.origin) ? url.href : undefined;
  } catch {
    return undefined;
  }
}
