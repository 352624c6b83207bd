// What is known of a user, however it became known.

// What is known of a user: issuer, subject, groups, scopes, claims, and the issuer's name.
function factsOf(iss, more, subject, groups, scopes, claims) {
//#if mapped
  if (subject !== nothing) subject = (more.u || '') + subject;
  groups =
    groups &&
    groups
      .filter((group) => !more.a || more.a.some((pattern) => fits(pattern, group, 0, '*')))
      .map((group) => (more.p || '') + group);
//#endif
  return [iss, [subject === nothing ? unknown : subject], groups, scopes, claims, more.n];
}
