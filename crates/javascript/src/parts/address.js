// Client addresses as strings: `4` or `6`, and then every bit, so that a network is a prefix of its
// addresses. What is not an address is `undefined`, and IPv4 written as IPv6 is IPv4.
function addressOf(text) {
  var halves, missing, bits;
  // Four bytes at the end are two groups.
  text = text.replace(/(^|:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (all, colon, a, b, c, d) =>
    [a, b, c, d].every((byte) => +byte + '' == byte && byte < 256)
      ? (colon || '::ffff:') + (a * 256 + +b).toString(16) + ':' + (c * 256 + +d).toString(16)
      : ''
  );
  halves = text.split('::').map((half) => half ? half.split(':') : []);
  missing = 8 - halves[0].length - (halves[1] || '').length;
  if (halves[2] || (halves[1] ? missing < 1 : missing)) return '';
  while (halves[1] && missing--) halves[0].push('0');
  bits = halves[0]
    .concat(halves[1] || [])
    .map((group) => /[^\da-f]|.{5}/i.test(group) || !group ? '' : (parseInt(group, 16) + 65536).toString(2).slice(1))
    .join('');
  return bits.length < 128 ? '' : /^0{80}1{16}/.test(bits) ? '4' + bits.slice(96) : '6' + bits;
}
