// The canonical path: ambiguity is refused, in the same order and with the same words as
// `tollgate_core::path`. All texts here are byte strings: one character for each byte of UTF-8. `==` stands
// where both sides are of one type, because every byte counts.

// Two values that stand in many places, under shorter names.
var unknown = null;
var nothing;

// Whether a value is a text.
var isText = (value) => typeof value == 'string';

// Refuses with a word for what is wrong.
function refuse(isWrong, word) {
  if (isWrong) throw word;
}

// The bytes that the escapes of a text stand for.
var bytesOf = (text) => text.replace(/%(..)/g, (all, hex) => String.fromCharCode(parseInt(hex, 16)));

// The text that bytes stand for; nothing where they are not UTF-8, which engines judge strictly.
function textFrom(bytes) {
  try {
    return decodeURIComponent(bytes.replace(/[%\x80-\xff]/g, (byte) => '%' + byte.charCodeAt(0).toString(16)));
  } catch (fault) {}
}

// Characters that some reader drops, folds into structure, or shows as others: how far each range is
// from the one before, and how long it is, in base 36.
var ambiguous = '3k+v e 12n 3jm 1ki+f l+2 2+6 m r+g 41+1 4+1 10+1 6i 11ij+4xr y9+v 2r m 47 4 2 6 3+1 c 4 t 59+4 i9dv+3j 1egx+2t4v'.split(' ');

function isAmbiguous(point) {
  var from = 0;
  return (
    (point & 65534) == 65534 ||
    ambiguous.some((range) => {
      from += parseInt(range, 36);
      range = range.split('+')[1];
      return point >= from && point <= (from += range ? parseInt(range, 36) : 0);
    })
  );
}

// The decoded segments of a raw path; a trailing slash is an empty one at the end.
function parsePath(raw) {
  var segments = [], segment = '', length = 0, at = 1, piece, count;
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
    refuse(segment.slice(-1) == '.', 'trailing_dot');
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
        refuse(!/[ +!*'():@&=$,]/.test(piece), 'forbidden_escape');
      } else {
        refuse(count < 194 || count > 244, 'bad_utf8');
        unescape('bad_utf8');
        if (count > 223) unescape('bad_utf8');
        if (count > 239) unescape('bad_utf8');
        piece = bytesOf(piece);
        count = textFrom(piece);
        refuse(!count, 'bad_utf8');
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
        refuse(!/[\w\-.~!*'():@&=$,]/.test(piece), 'forbidden_byte');
        segment += piece;
      }
    }
    length += piece.length;
    refuse(length > 1024, 'too_long');
  }
  if (!segment && (segments.length || raw.length < 2)) segments.push('');
  else finish();
  return segments;
}
