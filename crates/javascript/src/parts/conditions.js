// Three-valued truth as sets of possible values (1 false, 2 true, 4 unknown), and conditions over it.
// A value that cannot be known is `null`; one that depends on a token of unknown content, for the
// question whether a token could help, is `undefined`, as then all facts are.

var and = (one, other) =>
  (one | other) & 1 | one & other & 2 | (one & 4 && other & 6 || other & 4 && one & 6 ? 4 : 0);

var not = (set) => (set & 1) << 1 | (set & 2) >> 1 | set & 4;

//#if conditions
var truth = (value) =>
  value === !!value ? value + 1 : value === unknown ? 4 : value === nothing ? 7 : value;

//#if order
// Below zero, zero or above, as one value is less, equal or greater.
var order = (one, other) =>
//#if integers
  typeof one == 'object' ? one[2] - other[2] || one[1] - other[1] || one[0] - other[0] :
//#endif
  one < other ? -1 : +(one > other);
//#endif

//#if claims
// A declared claim: its value, `null` if it is of another type, `undefined` if it is missing.
function declared(facts, name, kind) {
  var value = facts[4] && facts[4]['$' + name];
  return !facts[4]
    ? unknown
    : value == unknown
    ? nothing
    :
//#if integers
    kind == 1 ? value && value.n ? integer(value.n) : unknown :
//#endif
//#if claim_lists
    kind == 3 ? areTexts(value) && value.length < 257 ? value : unknown :
//#endif
    typeof value == (kind ? 'boolean' : 'string') ? value : unknown;
}
//#endif

// The value of an expression, which is a list that begins with its operator, or a constant. A truth value is
// a boolean, `null`, `undefined`, or a set.
function evaluate(expr, env) {
  var facts = env._facts, op = expr[0], one = expr[1], other;
  if (typeof expr != 'object') return expr;
  // What has no parts.
//#if op_claim op_has
  if (op == 'c' || op == 'h') {
    if (!facts) return facts;
    other = declared(facts, one, expr[2]);
    return op == 'c' ? other === nothing ? unknown : other : other === nothing ? false : other === unknown ? unknown : true;
  }
//#endif
//#if op_subject
  if (op == 's') return facts && facts[1][0];
//#endif
//#if op_issuer
  if (op == 'o') return facts && facts[0];
//#endif
//#if op_method
  if (op == 'm') return env._method;
//#endif
//#if op_ip
  if (op == 'ip') return env._ip || unknown;
//#endif
//#if op_now
  if (op == 'n') return env._now;
//#endif
//#if op_capture
  if (op == 'p') return env._path.slice(one)[0];
//#endif
//#if integers
  if (op == 'i') return one;
//#endif
  one = evaluate(one, env);
//#if op_not
  if (op == '!') return not(truth(one));
//#endif
  other = expr[2];
//#if op_groups
  if (op == 'g') other = facts && facts[2];
//#endif
//#if claim_lists
  if (op == 'l') other = facts ? declared(facts, other, 3) || unknown : facts;
//#endif
//#if binary
  if (/[&|~<t+]/.test(op)) other = evaluate(other, env);
//#endif
//#if op_and
  if (op == '&') return and(truth(one), truth(other));
//#endif
//#if op_or
  if (op == '|') return not(and(not(truth(one)), not(truth(other))));
//#endif
//#if op_same
  // Two truth values are the same.
  if (op == '~') {
    one = truth(one);
    other = truth(other);
    return (one & other & 3 ? 2 : 0) | (one & not(other) & 3 ? 1 : 0) | (one | other) & 4;
  }
//#endif
  // What is not known of either is not known of both.
  return one === unknown || other === unknown
    ? unknown
    : one === nothing || other === nothing
      ? nothing
      :
//#if op_compare
      // Which of less (1), equal (2) and greater (4) hold.
      op == '<' ? (expr[3] & (order(one, other) < 0 ? 1 : order(one, other) ? 4 : 2)) > 0 :
//#endif
//#if op_text
      op == 't' ? one[expr[3]](other) :
//#endif
//#if op_in
      op == 'e' ? other.some((item) => !order(one, item)) :
//#endif
//#if op_networks
      op == 'w' ? isWithin(one, other) :
//#endif
//#if op_shift
      op == 'd' ? one + other :
//#endif
//#if arithmetic
      op == '+' ? fitted(
//#if multiply
        !expr[3] ? [
            one[0] * other[0],
            one[0] * other[1] + one[1] * other[0],
            one[0] * other[2] + one[1] * other[1] + one[2] * other[0],
            one[1] * other[2] + one[2] * other[1],
            one[2] * other[2]
          ] :
//#endif
        [one[0] + expr[3] * other[0], one[1] + expr[3] * other[1], one[2] + expr[3] * other[2], 0, 0]) :
//#endif
      other.includes(one);
}
//#endif
