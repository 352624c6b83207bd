// The file name to save under, and the URLs that a file may be fetched from if the API returns one. Not here:
// the page, and network access.

const MAX_NAME_CHARS = 150;
const FALLBACK = 'download';

/** The name in a `Content-Disposition` field (RFC 6266), made safe; otherwise the last segment of the file's path. */
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

/** Without directories, control or direction characters, or names with a special meaning in file systems. */
function safe(name) {
  const last = name.split(/[/\\]/).filter(Boolean).at(-1) ?? '';
  const clean = last
    .replace(/[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}]/gu, '')
    .replace(/[<>:"|?*]/g, '_')
    .replace(/^[\s.]+|[\s.]+$/g, '');
  const whole = [...clean];
  if (whole.length <= MAX_NAME_CHARS) return clean || FALLBACK;
  // The extension determines the type of the file.
  const kind = /\.[^.]{1,16}$/.exec(clean)?.[0] ?? '';
  return whole.slice(0, MAX_NAME_CHARS - kind.length).join('') + kind;
}

/**
 * The URL in a response like `{"url":"…"}`, if its origin is in the page's own configuration; otherwise
 * undefined.
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
