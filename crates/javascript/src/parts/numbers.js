// Integers of 64 bits, exactly: three parts in base 10^7, of which the last has the sign and the others
// are never negative. Everything on the way is far below 2^53. What does not fit is `null`: not known.

function fitted(parts) {
  var at, carry;
  for (at = 0; at < 4; at++) {
    carry = Math.floor(parts[at] / 1e7);
    parts[at] -= carry * 1e7;
    parts[at + 1] += carry;
  }
  // Where this is not exact it is so large that it does not fit anyway.
  parts = [parts[0], parts[1], (parts[4] * 1e7 + parts[3]) * 1e7 + parts[2]];
  return order(parts, [4775807, 7203685, 92233]) > 0 || order(parts, [5224192, 2796314, -92234]) < 0 ? unknown : parts;
}

// An integer written in plain digits.
function integer(text) {
  var sign = text[0] == '-' ? -1 : 1, digits = text.slice(sign < 0);
  return /\D/.test(digits) || digits.length > 19 || text == '-0'
    ? unknown
    : fitted([sign * digits.slice(-7), sign * digits.slice(-14, -7), sign * digits.slice(0, -14), 0, 0]);
}
