// The canonical path: ambiguity is rejected, in the same order and with the same codes as
// `tollgate_core::path`. All texts here are byte strings: one character for each byte of UTF-8. `==` is used
// where both sides are of one type, because every byte counts.

// Two values that are used often, under shorter names.
var unknown = null;
var nothing;

// Whether a value is a text.
var isText = (value) => typeof value == 'string';

// Rejects with the code of the fault.
function refuse(isWrong, word) {
  if (isWrong) throw word;
}

// The bytes that the escapes of a text encode.
var bytesOf = (text) => text.replace(/%(..)/g, (all, hex) => String.fromCharCode(parseInt(hex, 16)));

//#if navigates
// The escape of a byte that is not a control character.
var escapeOf = (byte) => '%' + byte.charCodeAt(0).toString(16).toUpperCase();
//#endif

// The string that bytes encode; `undefined` if they are not UTF-8, which engines check strictly.
function textFrom(bytes) {
  try {
//#if navigates
    return decodeURIComponent(bytes.replace(/[%\x80-\xff]/g, escapeOf));
//#endif
//#if !navigates
    return decodeURIComponent(bytes.replace(/[%\x80-\xff]/g, (byte) => '%' + byte.charCodeAt(0).toString(16)));
//#endif
  } catch (fault) {}
}

// Characters that no path may hold for the site's reader: how far each is from the one before. A negative step is
// the way through a range to its end.
var ambiguous = RANGES;

function isAmbiguous(point) {
  var at = 0;
  return (
    (point & 65534) == 65534 ||
    ambiguous.some((step) => {
      at += step < 0 ? -step : step;
      // Nothing is between the two for a step that is not negative.
      return point == at || (point > at + step && point < at);
    })
  );
}

// The decoded segments of a raw path; a trailing slash is an empty one at the end.
function parsePath(raw) {
  var segments = [], segment = '', length = 0, at = 1, badText = 'bad_utf8', piece, count;
  // One more byte, which was escaped.
  function unescape(fault) {
    refuse(raw[at] != '%', fault);
    refuse(!/^[\da-f]{2}/i.test(raw.slice(at + 1, at + 3)), 'broken_escape');
    at += 3;
    piece += raw.slice(at - 3, at);
  }
  // A segment is finished: it must not be one that readers repair.
  function finish() {
    refuse(!segment, 'empty_segment');
    refuse(!/[^.]/.test(segment), 'dot_segment');
//#if strict
    refuse(/\.$/.test(segment), 'trailing_dot');
//#endif
    refuse(/^[ \xa0\u202f\u3000]|[ \xa0\u202f\u3000]$/.test(textFrom(segment)), 'outer_space');
    refuse(segments.length > 63, 'too_many_segments');
    segments.push(segment);
    segment = '';
  }
  refuse(raw.length > 3072, 'too_long');
  refuse(raw[0] != '/', 'not_origin_form');
  while (at < raw.length) {
    piece = '';
    if (raw[at] == '%') {
      unescape();
      count = parseInt(piece.slice(1), 16);
      if (count < 128) {
        piece = bytesOf(piece);
        // Not: controls, slashes, unreserved characters but `~`; for `strict` also what ends a path or an escape.
//#if strict
        refuse(!/[ -"$&-,:<=>@[\]^`{-~]/.test(piece), 'forbidden_escape');
//#endif
//#if !strict
        refuse(!/[ -,:-@[\]^`{-~]/.test(piece), 'forbidden_escape');
//#endif
      } else {
        refuse(count < 194 || count > 244, badText);
        for (count = count > 239 ? 3 : count > 223 ? 2 : 1; count--; ) unescape(badText);
        piece = bytesOf(piece);
        count = textFrom(piece);
        refuse(!count, badText);
        refuse(isAmbiguous(count.codePointAt(0)), 'forbidden_character');
//#if ascii_only
        throw 'not_ascii';
//#endif
      }
      segment += piece;
    } else {
      piece = raw[at++];
      if (piece == '/') {
        finish();
      } else {
//#if strict
        refuse(!/[\w~!$&-*,-.:=@[\]^|]/.test(piece), 'forbidden_byte');
//#endif
//#if !strict
        // With `+`, which is between `*` and `,`.
        refuse(!/[\w~!$&-.:=@[\]^|]/.test(piece), 'forbidden_byte');
//#endif
//#if s3
        if (piece == '+') piece = ' ';
//#endif
        segment += piece;
      }
    }
    length += piece.length;
    refuse(length > 1024, 'too_long');
  }
  // Nothing follows a slash at the end.
//#if index
  if (!segment) {
    segment = indexName;
    refuse((length += segment.length) > 1024, 'too_long');
  }
  finish();
//#endif
//#if !index
  if (segment) finish();
  else segments.push('');
//#endif
  return segments;
}
