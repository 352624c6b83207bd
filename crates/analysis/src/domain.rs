//! The values of a variable that must be tried.
//!
//! Two values that no part of the current rules can distinguish are equivalent. So a variable
//! needs one value of each class, and these follow from the constants that it is compared with: the neighbours
//! of every boundary for times and integers, both edges of every network, and for strings the constants
//! themselves, their successors, and combinations of prefixes, suffixes and contained parts. Where an expression
//! compares two claims, the values of the second one are computed when the first is chosen.
//!
//! Not here: combining values ([`search`](crate::search)).

mod addresses;
mod numbers;
pub(crate) mod texts;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::rc::Rc;

use tollgate_core::{ClaimKind, MethodSet, Tri};
use tollgate_policy::spec::{Comparison, Expr, Principals, RuleSpec, StringTest};

use crate::eval::{Eval, Term, Truth, filled, order};
use crate::space::{Alias, Assignment, Hit, Space, Value, Var};
use texts::Material;

/// A smallest part of a rule that can be evaluated.
#[derive(Clone, Copy)]
enum Probe<'a> {
    /// A part of a condition without logic in it.
    Atom(&'a Expr),
    Method,
    Window,
    Networks,
    Who,
}

struct Place<'a, 'p> {
    hit: &'a Hit<'p>,
    probe: Probe<'a>,
    vars: Vec<Var>,
}

/// The parts of the rules that name one path, by the variables in them.
pub(crate) struct Domain<'a, 'p> {
    space: &'a Space<'p>,
    hits: &'a [Hit<'p>],
    places: Vec<Place<'a, 'p>>,
    known: HashMap<Var, Rc<[Value]>>,
}

/// The result at a place: a truth value, or the order of the sides of a comparison.
type Mark = u8;
const LOOSE: Mark = 9;

impl<'a, 'p> Domain<'a, 'p> {
    pub(crate) fn new(space: &'a Space<'p>, hits: &'a [Hit<'p>]) -> Self {
        let mut domain = Self {
            space,
            hits,
            places: Vec::new(),
            known: HashMap::new(),
        };
        for hit in hits {
            let RuleSpec {
                methods,
                who,
                networks,
                from,
                until,
                when,
                unless,
                // The hit is about these.
                course: _,
                id: _,
                effect: _,
                because: _,
                patterns: _,
            } = hit.spec;
            let Principals {
                subjects,
                issuers,
                // The existence of a token and its names are not variables with values of their own.
                anyone: _,
                signed_in: _,
                groups: _,
                scopes: _,
            } = who;
            let mut add = |probe, vars| domain.places.push(Place { hit, probe, vars });
            if *methods != MethodSet::ALL {
                add(Probe::Method, vec![Var::Method]);
            }
            if from.is_some() || until.is_some() {
                add(Probe::Window, vec![Var::Now]);
            }
            if networks.is_some() {
                add(Probe::Networks, vec![Var::Ip]);
            }
            if subjects.is_some() {
                add(Probe::Who, vec![Var::Subject]);
            }
            if issuers.is_some() {
                add(Probe::Who, vec![Var::Issuer]);
            }
            for condition in [when, unless].into_iter().flatten() {
                each_atom(condition, &mut |atom| {
                    let mut vars = Vec::new();
                    atom.each(&mut |expr| variable(space, hit, expr, &mut vars));
                    add(Probe::Atom(atom), vars);
                });
            }
        }
        domain
    }

    /// Whether any rule reads the variable.
    pub(crate) fn reads(&self, var: &Var) -> bool {
        self.places.iter().any(|place| place.vars.contains(var))
    }

    /// The values to try for a variable, simple ones first.
    pub(crate) fn values(&mut self, var: &Var, chosen: &mut Assignment) -> Rc<[Value]> {
        if let Some(values) = self.known.get(var) {
            return values.clone();
        }
        let is_separate = self
            .places
            .iter()
            .filter(|place| place.vars.contains(var))
            .all(|place| {
                let asks_names = matches!(
                    place.probe,
                    Probe::Atom(Expr::InGroups(_) | Expr::InClaim(..))
                );
                !asks_names && place.vars.iter().all(|other| other == var)
            });
        let values: Rc<[Value]> = self.work_out(var, chosen).into();
        if is_separate {
            self.known.insert(var.clone(), values.clone());
        }
        values
    }

    fn work_out(&self, var: &Var, chosen: &mut Assignment) -> Vec<Value> {
        let candidates = match var {
            Var::Token => return vec![Value::Bool(false), Value::Bool(true)],
            Var::Group(_) | Var::Scope(_) | Var::Member(..) => {
                return vec![Value::Bool(true), Value::Bool(false)];
            }
            Var::Method => MethodSet::ALL
                .names()
                .map(|name| Value::Text(name.into()))
                .collect(),
            Var::Ip => addresses::candidates(self.networks())
                .into_iter()
                .map(Value::Ip)
                .collect(),
            Var::Now if self.space.is_only_now => return vec![Value::Int(self.space.now)],
            Var::Now => {
                let seeds = numbers::times(self.space.now, &self.integers());
                self.boundaries(var, seeds, chosen)
            }
            Var::Issuer if !self.space.issuers.is_empty() => {
                let issuers = self.space.issuers.iter();
                let issuers = issuers
                    .map(|issuer| Value::Text(issuer.iss.clone()))
                    .collect();
                // Issuers that can grant different names are different, whatever rules compare.
                if self.space.is_restricted {
                    return issuers;
                }
                issuers
            }
            Var::Issuer | Var::Capture(_) => self.texts(var, chosen),
            Var::Subject => {
                let mut values = self.texts(var, chosen);
                values.insert(0, Value::Missing);
                values
            }
            Var::Claim(number) => self.claim_values(var, *number, chosen),
        };
        self.distinguished(var, candidates, chosen)
    }

    fn claim_values(&self, var: &Var, number: u16, chosen: &mut Assignment) -> Vec<Value> {
        let kinds = self
            .space
            .claim_var(number)
            .map(|claim| claim.kinds.clone())
            .unwrap_or_default();
        let mut values = vec![Value::Missing];
        for kind in kinds {
            match kind {
                ClaimKind::String => values.extend(self.texts(var, chosen)),
                ClaimKind::Int => {
                    let seeds = numbers::integers(&self.integers());
                    values.extend(self.boundaries(var, seeds, chosen));
                }
                ClaimKind::Bool => values.extend([Value::Bool(true), Value::Bool(false)]),
                ClaimKind::StringList => values.push(Value::List),
            }
        }
        values.push(Value::Wrong);
        values
    }

    /// One value of each class that some place distinguishes from the others.
    fn distinguished(
        &self,
        var: &Var,
        candidates: Vec<Value>,
        chosen: &mut Assignment,
    ) -> Vec<Value> {
        let mut seen = HashSet::new();
        let mut values = Vec::new();
        let mut names = self.names_asked(chosen);
        names.extend(chosen.iter().filter_map(|(_, value)| match value {
            Value::Text(text) => Some(text.to_string()),
            _ => None,
        }));
        for value in candidates {
            let mut marks = self.marks(var, &value, chosen, &names);
            // A value still to be compared with an unset variable forms its own class.
            let itself = marks.contains(&LOOSE) && matches!(value, Value::Text(_) | Value::Int(_));
            if itself {
                marks.push(LOOSE);
            }
            if seen.insert((marks, itself.then(|| value.clone()))) {
                values.push(value);
            }
        }
        values
    }

    fn marks(
        &self,
        var: &Var,
        value: &Value,
        chosen: &mut Assignment,
        names: &[String],
    ) -> Vec<Mark> {
        chosen.push(var.clone(), value.clone());
        let eval = Eval {
            space: self.space,
            chosen,
        };
        let marks = self
            .places
            .iter()
            .filter(|place| place.vars.contains(var))
            .flat_map(|place| place.mark(&eval, names))
            .collect();
        chosen.pop();
        marks
    }

    /// Integers at which the marks change, with one in each stretch between.
    fn boundaries(&self, var: &Var, seeds: Vec<i64>, chosen: &mut Assignment) -> Vec<Value> {
        let mut marks = |int: i64| self.marks(var, &Value::Int(int), chosen, &[]);
        let first = seeds.first().copied();
        let ints = numbers::where_it_changes(&seeds, &mut marks);
        let mut ints: Vec<i64> = ints.into_iter().collect();
        // Numbers that people would write come first.
        ints.sort_by_key(|int| (Some(*int) != first, int.unsigned_abs(), *int < 0));
        if *var == Var::Now {
            ints.sort_by_key(|int| int.abs_diff(self.space.now));
        }
        ints.into_iter().map(Value::Int).collect()
    }

    fn networks(&self) -> Vec<tollgate_policy::spec::Network> {
        let mut networks = Vec::new();
        for place in &self.places {
            match place.probe {
                Probe::Networks => networks.extend(place.hit.spec.networks.iter().flatten()),
                Probe::Atom(atom) => atom.each(&mut |expr| match expr {
                    Expr::Ip(addr) => networks.push(addresses::single(*addr)),
                    Expr::InNetworks(_, list) => networks.extend(list),
                    _ => {}
                }),
                Probe::Method | Probe::Window | Probe::Who => {}
            }
        }
        networks
    }

    fn integers(&self) -> BTreeSet<i64> {
        let mut ints = BTreeSet::new();
        for place in &self.places {
            match place.probe {
                Probe::Window => {
                    ints.extend(place.hit.spec.from.iter().chain(&place.hit.spec.until))
                }
                Probe::Atom(atom) => atom.each(&mut |expr| match expr {
                    Expr::Int(int) | Expr::Time(int) | Expr::TimeShift(_, int) => {
                        ints.insert(*int);
                    }
                    Expr::InInts(_, list) => ints.extend(list),
                    _ => {}
                }),
                Probe::Method | Probe::Networks | Probe::Who => {}
            }
        }
        ints
    }

    /// Texts for a variable, made from what it meets.
    fn texts(&self, var: &Var, chosen: &Assignment) -> Vec<Value> {
        let mut material = Material::default();
        let joined = self
            .places
            .iter()
            .any(|place| place.vars.contains(var) && place.vars.iter().any(|other| other != var));
        for place in &self.places {
            if joined || place.vars.contains(var) {
                self.material(place, chosen, &mut material);
            }
        }
        texts::candidates(&material)
            .into_iter()
            .map(|text| Value::Text(text.into()))
            .collect()
    }

    fn material(&self, place: &Place<'_, '_>, chosen: &Assignment, material: &mut Material) {
        let hit = place.hit;
        let atom = match place.probe {
            Probe::Atom(atom) => atom,
            Probe::Who => {
                let names = hit.spec.who.subjects.iter().flatten();
                for name in names.filter_map(|name| filled(name, hit, chosen).ok()) {
                    material.constants.insert(name.to_string());
                }
                return;
            }
            Probe::Method | Probe::Window | Probe::Networks => return,
        };
        atom.each(&mut |expr| match expr {
            Expr::Str(text) => drop(material.constants.insert(text.clone())),
            Expr::InStrings(_, list) => material.constants.extend(list.iter().cloned()),
            Expr::Capture(name) => {
                if let Some(value) = hit.capture(name) {
                    material.constants.insert(value.to_string());
                }
            }
            Expr::Method => material
                .constants
                .extend(MethodSet::ALL.names().map(str::to_owned)),
            Expr::InGroups(_) | Expr::InClaim(..) => {
                material.constants.extend(self.names_asked(chosen));
            }
            Expr::Compare(_, left, right) | Expr::StringTest(_, left, right) => {
                let unordered = [Comparison::Eq, Comparison::Ne];
                material.ordered |=
                    !matches!(expr, Expr::Compare(how, ..) if unordered.contains(how));
                let eval = Eval {
                    space: self.space,
                    chosen,
                };
                let known = [left, right].map(|side| match (&**side, eval.term(side, hit)) {
                    (_, Term::Text(text)) => vec![text.to_string()],
                    // Not chosen yet, and there are few.
                    (Expr::Issuer, _) => self
                        .space
                        .issuers
                        .iter()
                        .map(|issuer| issuer.iss.to_string())
                        .collect(),
                    _ => Vec::new(),
                });
                material.constants.extend(known.iter().flatten().cloned());
                if let Expr::StringTest(test, ..) = expr
                    && let [_, parts] = known
                {
                    match test {
                        StringTest::StartsWith => material.prefixes.extend(parts),
                        StringTest::EndsWith => material.suffixes.extend(parts),
                        StringTest::Contains => material.parts.extend(parts),
                    };
                }
            }
            _ => {}
        });
    }

    /// Names of groups and list members that some rule reads.
    fn names_asked(&self, chosen: &Assignment) -> Vec<String> {
        let mut names = Vec::new();
        for hit in self.hits {
            let who = &hit.spec.who;
            for name in who.groups.iter().flatten() {
                names.extend(filled(name, hit, chosen).ok().map(|name| name.to_string()));
            }
        }
        for place in &self.places {
            if let Probe::Atom(Expr::InGroups(inner) | Expr::InClaim(inner, _)) = place.probe
                && let Expr::Str(text) = &**inner
            {
                names.push(text.clone());
            }
        }
        names
    }
}

impl Place<'_, '_> {
    fn mark(&self, eval: &Eval<'_, '_>, names: &[String]) -> [Mark; 2] {
        let truth = match self.probe {
            Probe::Method => eval.method_part(self.hit.spec),
            Probe::Window => eval.window(self.hit),
            Probe::Networks => eval.networks(self.hit),
            Probe::Who => eval.who(self.hit),
            Probe::Atom(Expr::Compare(_, left, right)) => {
                let (left, right) = (eval.term(left, self.hit), eval.term(right, self.hit));
                if let Some(order) = order(&left, &right) {
                    return [5 + u8::from(order.is_ge()) + u8::from(order.is_gt()), 0];
                }
                self.truth(eval)
            }
            Probe::Atom(Expr::InGroups(inner) | Expr::InClaim(inner, _)) => {
                // Which name is looked for makes a difference if others look for it too.
                let name = match eval.term(inner, self.hit) {
                    Term::Unknown => 4,
                    Term::Text(text) => names
                        .iter()
                        .position(|name| **name == *text)
                        .map_or(8, |at| {
                            u8::try_from(at).map_or(u8::MAX, |at| at.saturating_add(20))
                        }),
                    _ => 3,
                };
                let truth = match self.truth(eval).set {
                    Tri::FALSE => 0,
                    Tri::TRUE => 1,
                    Tri::UNKNOWN => 2,
                    _ => 3,
                };
                return [name, truth];
            }
            Probe::Atom(_) => self.truth(eval),
        };
        let mark = match truth.set {
            Tri::FALSE => 0,
            Tri::TRUE => 1,
            Tri::UNKNOWN => 2,
            _ => LOOSE,
        };
        [mark, 0]
    }

    fn truth(&self, eval: &Eval<'_, '_>) -> Truth {
        match self.probe {
            Probe::Atom(atom) => eval.truth(atom, self.hit),
            _ => eval.rule(self.hit),
        }
    }
}

/// The parts of a condition that are not made of smaller truths.
fn each_atom<'e>(expr: &'e Expr, visit: &mut impl FnMut(&'e Expr)) {
    match expr {
        Expr::Not(inner) => each_atom(inner, visit),
        Expr::And(left, right) | Expr::Or(left, right) => {
            each_atom(left, visit);
            each_atom(right, visit);
        }
        Expr::Compare(_, left, right) if left.is_logic() || right.is_logic() => {
            each_atom(left, visit);
            each_atom(right, visit);
        }
        atom => visit(atom),
    }
}

fn variable(space: &Space<'_>, hit: &Hit<'_>, expr: &Expr, vars: &mut Vec<Var>) {
    let claim = |slot: u16| {
        let (number, _) = space.slot(hit.side, slot)?;
        match space.claim_var(number)?.alias {
            Alias::None => Some(Var::Claim(number)),
            Alias::Subject => Some(Var::Subject),
            Alias::Issuer => Some(Var::Issuer),
            Alias::Groups => None,
        }
    };
    let var = match expr {
        Expr::Claim(slot) | Expr::Has(slot) | Expr::InClaim(_, slot) => claim(*slot),
        Expr::Subject => Some(Var::Subject),
        Expr::Issuer => Some(Var::Issuer),
        Expr::Method => Some(Var::Method),
        Expr::ClientIp => Some(Var::Ip),
        Expr::Now => Some(Var::Now),
        Expr::Capture(name) if hit.capture(name).is_none() => {
            Some(Var::Capture(name.as_str().into()))
        }
        _ => None,
    };
    vars.extend(var.filter(|var| !vars.contains(var)));
}
