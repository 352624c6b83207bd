//! Rules with one part changed.

use tollgate_core::{Effect, MethodSet};
use tollgate_policy::spec::{ClaimSpec, Pattern, Principals, RuleSpec, Template};

use super::condition::without;
use super::network::neighbours;
use super::{condition, pattern};
use crate::locate::{Part, RuleSpans};
use crate::syntax;

/// A change: the part, its description, and the changed rule.
type Change = (Part, String, Option<RuleSpec>);

/// Every change of a rule.
pub(super) fn changes(rule: &RuleSpec, places: &RuleSpans, claims: &[ClaimSpec]) -> Vec<Change> {
    // Without `..`, so that a new part does not compile before its changes are below.
    let RuleSpec {
        // Not changed: nothing is decided by these.
        course: _,
        id: _,
        because: _,
        // Changed by the function of that name; `from` and `until` by `window`, conditions by `conditions`.
        effect: _,
        patterns: _,
        who: _,
        methods: _,
        networks: _,
        from: _,
        until: _,
        when: _,
        unless: _,
    } = rule;
    let mut all = vec![(Part::Rule, "the rule was removed".to_owned(), None)];
    effect(rule, &mut all);
    patterns(rule, places.base_segments, &mut all);
    who(rule, &mut all);
    methods(rule, places, &mut all);
    networks(rule, &mut all);
    window(rule, &mut all);
    conditions(rule, claims, &mut all);
    all
}

fn effect(rule: &RuleSpec, all: &mut Vec<Change>) {
    let (effect, words) = match rule.effect {
        Effect::Allow => (Effect::Deny, "`allow` became `deny`"),
        Effect::Deny => (Effect::Allow, "`deny` became `allow`"),
    };
    let now = RuleSpec {
        effect,
        ..rule.clone()
    };
    all.push((Part::Effect, words.to_owned(), Some(now)));
}

fn patterns(rule: &RuleSpec, base: usize, all: &mut Vec<Change>) {
    let shown = |pattern: &Pattern| {
        let own = Pattern {
            segments: pattern.segments.get(base..).unwrap_or_default().to_vec(),
            trailing_slash: pattern.trailing_slash,
            source: String::new(),
        };
        syntax::pattern(&own)
    };
    for (at, pattern) in rule.patterns.iter().enumerate() {
        let was = shown(pattern);
        if rule.patterns.len() > 1 {
            let now = RuleSpec {
                patterns: without(&rule.patterns, at),
                ..rule.clone()
            };
            all.push((Part::Pattern(at), format!("`{was}` was removed"), Some(now)));
        }
        for changed in pattern::changes(pattern, base) {
            let words = format!("`{was}` became `{}`", shown(&changed));
            let mut now = rule.clone();
            if let Some(place) = now.patterns.get_mut(at) {
                *place = changed;
            }
            all.push((Part::Pattern(at), words, Some(now)));
        }
    }
}

fn who(rule: &RuleSpec, all: &mut Vec<Change>) {
    let with = |who: Principals| {
        Some(RuleSpec {
            who,
            ..rule.clone()
        })
    };
    let anyone = || Principals {
        anyone: true,
        ..Principals::default()
    };
    let signed_in = || Principals {
        signed_in: true,
        ..Principals::default()
    };
    let old = &rule.who;
    let Principals {
        anyone: is_anyone,
        signed_in: is_signed_in,
        groups,
        scopes,
        subjects,
        issuers: names,
    } = old;
    if *is_anyone {
        let words = "`anyone` became `signed_in`".to_owned();
        all.push((Part::Key("anyone"), words, with(signed_in())));
    }
    if *is_signed_in {
        let words = "`signed_in` became `anyone`".to_owned();
        all.push((Part::Key("signed_in"), words, with(anyone())));
    }
    let lists = [
        ("groups", groups),
        ("scopes", scopes),
        ("subjects", subjects),
    ];
    if let Some(names) = names {
        issuers(rule, names, all);
    }
    let kinds = lists.iter().filter(|(_, list)| list.is_some()).count()
        + usize::from(*is_signed_in)
        + usize::from(names.is_some());
    for (key, list) in lists {
        let Some(list) = list else { continue };
        let put = |list: Option<Vec<Template>>| {
            let mut who = old.clone();
            match key {
                "groups" => who.groups = list,
                "scopes" => who.scopes = list,
                _ => who.subjects = list,
            }
            with(who)
        };
        for (at, entry) in list.iter().enumerate() {
            let was = syntax::template(entry);
            if list.len() > 1 {
                let words = format!("`{was}` was removed from `{key}`");
                all.push((Part::Entry(key, at), words, put(Some(without(list, at)))));
            }
            for bare in bare_templates(entry) {
                let words = format!("`{was}` became `{}`", syntax::template(&bare));
                let mut list = list.clone();
                if let Some(place) = list.get_mut(at) {
                    *place = bare;
                }
                all.push((Part::Entry(key, at), words, put(Some(list))));
            }
        }
        if kinds > 1 || rule.effect == Effect::Deny {
            all.push((Part::Key(key), format!("`{key}` was removed"), put(None)));
        } else {
            let words = format!("`{key}` became `signed_in`");
            all.push((Part::Key(key), words, with(signed_in())));
            all.push((
                Part::Key(key),
                format!("`{key}` became `anyone`"),
                with(anyone()),
            ));
        }
    }
}

fn issuers(rule: &RuleSpec, names: &[String], all: &mut Vec<Change>) {
    let key = "issuers";
    let with = |issuers: Option<Vec<String>>| {
        let mut now = rule.clone();
        now.who.issuers = issuers;
        // All users of these issuers, or only some of them.
        now.who.signed_in |= now.who == Principals::default();
        Some(now)
    };
    all.push((Part::Key(key), format!("`{key}` was removed"), with(None)));
    for (at, name) in names.iter().enumerate() {
        if names.len() > 1 {
            let words = format!("`{name}` was removed from `{key}`");
            all.push((Part::Entry(key, at), words, with(Some(without(names, at)))));
        }
    }
}

/// A name with a capture, without the text around it.
fn bare_templates(entry: &Template) -> Vec<Template> {
    if entry.capture.is_none() {
        return Vec::new();
    }
    let without_prefix = Template {
        prefix: String::new(),
        ..entry.clone()
    };
    let without_suffix = Template {
        suffix: String::new(),
        ..entry.clone()
    };
    [without_prefix, without_suffix]
        .into_iter()
        .filter(|bare| bare != entry)
        .collect()
}

fn methods(rule: &RuleSpec, places: &RuleSpans, all: &mut Vec<Change>) {
    let mut add = |methods: MethodSet, words: String| {
        let now = RuleSpec {
            methods,
            ..rule.clone()
        };
        all.push((Part::Key("methods"), words, Some(now)));
    };
    if rule.methods != MethodSet::ALL {
        add(MethodSet::ALL, "`methods` became every method".to_owned());
    }
    // Without the key there is no list with entries to remove.
    if !places.has("methods") || rule.methods.names().count() < 2 {
        return;
    }
    for name in rule.methods.names() {
        let rest = rule.methods.names().filter(|other| *other != name);
        let rest = rest
            .filter_map(MethodSet::from_name)
            .fold(MethodSet::EMPTY, |all, one| all | one);
        add(rest, format!("`{name}` was removed from `methods`"));
    }
}

fn networks(rule: &RuleSpec, all: &mut Vec<Change>) {
    let Some(list) = &rule.networks else { return };
    let with = |networks| {
        Some(RuleSpec {
            networks,
            ..rule.clone()
        })
    };
    all.push((
        Part::Key("networks"),
        "`networks` was removed".to_owned(),
        with(None),
    ));
    for (at, network) in list.iter().enumerate() {
        let (part, was) = (Part::Entry("networks", at), syntax::network(network));
        if list.len() > 1 {
            let words = format!("`{was}` was removed from `networks`");
            all.push((part.clone(), words, with(Some(without(list, at)))));
        }
        for near in neighbours(network) {
            let words = format!("`{was}` became `{}`", syntax::network(&near));
            let mut list = list.clone();
            if let Some(place) = list.get_mut(at) {
                *place = near;
            }
            all.push((part.clone(), words, with(Some(list))));
        }
    }
}

fn window(rule: &RuleSpec, all: &mut Vec<Change>) {
    for key in ["from", "until"] {
        let old = if key == "from" { rule.from } else { rule.until };
        let Some(old) = old else { continue };
        let with = |moment| {
            let mut now = rule.clone();
            if key == "from" {
                now.from = moment;
            } else {
                now.until = moment;
            }
            Some(now)
        };
        let part = Part::Key(key);
        all.push((part.clone(), format!("`{key}` was removed"), with(None)));
        for (by, words) in [(1, "later"), (-1, "earlier")] {
            if let Some(moved) = old.checked_add(by) {
                let words = format!("`{key}` became a second {words}");
                all.push((part.clone(), words, with(Some(moved))));
            }
        }
    }
}

fn conditions(rule: &RuleSpec, claims: &[ClaimSpec], all: &mut Vec<Change>) {
    for key in ["when", "unless"] {
        let is_when = key == "when";
        let (old, other) = if is_when {
            (&rule.when, &rule.unless)
        } else {
            (&rule.unless, &rule.when)
        };
        let Some(old) = old else { continue };
        let with = |condition| {
            let mut now = rule.clone();
            if is_when {
                now.when = condition;
            } else {
                now.unless = condition;
            }
            Some(now)
        };
        let part = Part::Key(key);
        all.push((part.clone(), format!("`{key}` was removed"), with(None)));
        if other.is_none() {
            let mut now = rule.clone();
            core::mem::swap(&mut now.when, &mut now.unless);
            let opposite = if is_when { "unless" } else { "when" };
            all.push((part, format!("`{key}` became `{opposite}`"), Some(now)));
        }
        for change in condition::changes(old, claims) {
            let words = format!("`{}` became `{}`", change.was, change.is);
            let part = Part::Piece(key, change.was, change.nth);
            all.push((part, words, with(Some(change.now))));
        }
    }
}
