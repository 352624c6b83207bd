//! Parses one `*.test.toml`: its users, tests and tables, as requests with expected decisions. The
//! format is described in `policy/README.md`. Not here: evaluating requests.

use core::net::IpAddr;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;
use tollgate_compiler::diagnostic::codes::test_files::{
    BAD_ADDRESS, BAD_CLAIM, BAD_EXPECTATION, BAD_NAME, NO_TESTS, PERSON_TWICE, TABLE_SHAPE,
    TEST_TWICE, UNKNOWN_ISSUER, UNKNOWN_PERSON,
};
use tollgate_compiler::diagnostic::{Span, codes, render};
use tollgate_compiler::schema::TestTable;
use tollgate_core::Reason;
use tollgate_gate::Gate;
use tollgate_token::{COGNITO_GROUPS_CLAIM, ClaimPath, Claims, IssuerConfig};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::case::{BAD_TOKEN, Case, Expect, Misplaced, NOBODY, Person, TestUser};
use super::reader::{At, Reader, Table, nearest, quoted, suggest};

/// The users of a file, with their declarations.
pub(super) type People = BTreeMap<String, Arc<Person>>;

const REASONS: [Reason; 7] = [
    Reason::Allow,
    Reason::NoToken,
    Reason::BadToken,
    Reason::Forbidden,
    Reason::DeniedByRule,
    Reason::BadPath,
    Reason::BadMethod,
];

/// Parses a test file. `shared` are the users of `site.test.toml`.
pub(super) fn read(
    reader: &mut Reader<'_>,
    text: &str,
    shared: &People,
    gate: Option<&Gate<Vec<u8>>>,
) -> Read {
    let root = reader.parse(text);
    let keys = TestTable::File.key_names();
    let table = reader.table(&root, Span::default(), "a test file", &keys);
    let mut file = File {
        text,
        people: BTreeMap::new(),
        declared: BTreeSet::new(),
        shared,
        now: reader.time(table, "now"),
        ip: address(reader, table).unwrap_or_default(),
        names: BTreeSet::new(),
        cases: Vec::new(),
    };
    if !table.has("now") {
        reader.missing(table, "now");
    }
    if let Some(people) = reader.inner(table, "people") {
        file.declare_people(reader, people.value, gate);
    }
    for test in reader.tables(table, "test") {
        file.test(reader, test);
    }
    for test in reader.tables(table, "table") {
        file.table(reader, test);
    }
    if file.cases.is_empty() && reader.findings.is_empty() {
        let message = "the file has neither `[[test]]` nor `[[table]]`";
        reader
            .add(&NO_TESTS, Span::default(), message)
            .help("add a `[[test]]` with `name`, `get` and `expect`, or remove the file");
    }
    Read {
        now: file.now,
        ip: file.ip,
        cases: file.cases,
        people: file.people,
    }
}

/// The content of a test file.
pub(super) struct Read {
    pub(super) now: Option<i64>,
    pub(super) ip: Option<String>,
    pub(super) cases: Vec<Case>,
    pub(super) people: People,
}

struct File<'a> {
    text: &'a str,
    people: People,
    /// The names of all users of the file, including those with errors.
    declared: BTreeSet<String>,
    shared: &'a People,
    now: Option<i64>,
    ip: Option<String>,
    names: BTreeSet<String>,
    cases: Vec<Case>,
}

impl File<'_> {
    fn declare_people(
        &mut self,
        reader: &mut Reader<'_>,
        people: &DeTable<'_>,
        gate: Option<&Gate<Vec<u8>>>,
    ) {
        for (key, value) in people {
            let (name, span) = (key.get_ref().as_ref(), key.span().into());
            let is_letter = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
            if [NOBODY, BAD_TOKEN].contains(&name) || self.shared.contains_key(name) {
                let message = format!("`{name}` is already defined");
                reader
                    .add(&PERSON_TWICE, span, message)
                    .help("choose another name");
                continue;
            }
            if name.is_empty() || !name.chars().all(is_letter) {
                let message = format!("`{name}` is not a valid name for a person");
                reader
                    .add(&BAD_NAME, span, message)
                    .help("use letters, digits, `-` and `_`");
                continue;
            }
            self.declared.insert(name.to_owned());
            let Some(person) = reader.table_of(name, value) else {
                continue;
            };
            let keys = TestTable::Person.key_names();
            let person = reader.table(person.value, span, "a person", &keys);
            let issuers: Vec<_> =
                gate.map_or(Vec::new(), |gate| gate.config().sign_in_issuers().collect());
            // Without a policy no issuers are known, which is not an error of the tests.
            let issuer = gate.and_then(|_| issuer(reader, person, &issuers));
            let Some(claims) = reader.inner(person, "claims") else {
                if !person.has("claims") {
                    reader.missing(person, "claims");
                }
                continue;
            };
            let misplaced =
                issuer.and_then(|issuer| misplaced(reader.file, claims, issuer, &issuers));
            if let Some(claims) = self::claims(reader, claims, issuer, gate) {
                let person = Person {
                    name: name.to_owned(),
                    claims,
                    misplaced,
                };
                self.people.insert(name.to_owned(), Arc::new(person));
            }
        }
    }

    fn test(&mut self, reader: &mut Reader<'_>, test: At<&DeTable<'_>>) {
        let keys = TestTable::Test.key_names();
        let test = reader.table(test.value, test.span, "a test", &keys);
        let name = self.name(reader, test);
        let who = match reader.text(test, "who") {
            Some(who) => self.person(reader, who),
            None => Some(TestUser::Nobody),
        };
        let target = match test.key_span("get") {
            Some(get) => {
                for key in ["method", "target"] {
                    if test.has(key) {
                        let message = format!("a test has both `get` and `{key}`");
                        reader
                            .add(&codes::EXCLUSIVE_KEYS, get, message)
                            .help("write either `get`, or `method` and `target`");
                    }
                }
                reader.text(test, "get").map(|get| ("GET", get))
            }
            None if test.has("method") || test.has("target") => reader
                .needed_text(test, "method")
                .map(|method| method.value)
                .zip(reader.needed_text(test, "target")),
            None => {
                reader.missing(test, "get");
                None
            }
        };
        let expected = reader.needed_text(test, "expect");
        let expect = expected.and_then(|text| expectation(reader, text));
        let rule = reader.text(test, "rule");
        let expect = match (expect, rule) {
            (Some(expect), Some(rule)) => with_rule(reader, expect, rule.value, rule.span),
            (expect, _) => expect,
        };
        let (ip, now) = self.circumstances(reader, test);
        if let (Some(name), Some(who), Some((method, target)), Some(at), Some(expect), Some(now)) =
            (name, who, target, expected, expect, now)
        {
            let (line, _) = render::line_and_column(self.text, at.span.start);
            self.cases.push(Case {
                name,
                line,
                target_at: target.span,
                rule_at: rule.map_or(at.span, |rule| rule.span),
                is_cell: false,
                who,
                method: method.to_owned(),
                target: target.value.to_owned(),
                ip,
                now,
                expect,
            });
        }
    }

    fn table(&mut self, reader: &mut Reader<'_>, table: At<&DeTable<'_>>) {
        let keys = TestTable::Table.key_names();
        let table = reader.table(table.value, table.span, "a table", &keys);
        let name = self.name(reader, table);
        let people = reader.needed_texts(table, "people");
        let paths = reader.needed_texts(table, "paths");
        let rows = reader.needed_rows(table, "expect");
        let method = reader
            .text(table, "method")
            .map_or("GET", |method| method.value);
        let (ip, now) = self.circumstances(reader, table);
        if rows.len() != paths.len() {
            let span = table.key_span("expect").unwrap_or(table.span);
            let message = format!("`expect` has {} rows for {} paths", rows.len(), paths.len());
            reader
                .add(&TABLE_SHAPE, span, message)
                .help("write one row per path, in the order of `paths`");
        }
        let known: Vec<Option<TestUser>> =
            people.iter().map(|who| self.person(reader, *who)).collect();
        for (row, path) in rows.iter().zip(&paths) {
            if row.value.len() != people.len() {
                let (cells, people) = (row.value.len(), people.len());
                let message = format!("this row has {cells} cells for {people} people");
                reader
                    .add(&TABLE_SHAPE, row.span, message)
                    .help("write one cell per person, in the order of `people`");
            }
            for (cell, (person, who)) in row.value.iter().zip(people.iter().zip(&known)) {
                let expect = cell_expectation(reader, *cell);
                if let (Some(name), Some(who), Some(expect), Some(now)) = (&name, who, expect, now)
                {
                    self.cases.push(Case {
                        name: format!("{name} / {} / {}", path.value, person.value),
                        line: render::line_and_column(self.text, cell.span.start).0,
                        target_at: path.span,
                        rule_at: cell.span,
                        is_cell: true,
                        who: who.clone(),
                        method: method.to_owned(),
                        target: path.value.to_owned(),
                        ip: ip.clone(),
                        now,
                        expect,
                    });
                }
            }
        }
    }

    fn name(&mut self, reader: &mut Reader<'_>, table: Table<'_>) -> Option<String> {
        let name = reader.needed_text(table, "name")?;
        if !self.names.insert(name.value.to_owned()) {
            let message = format!("`{}` names two tests", name.value);
            reader
                .add(&TEST_TWICE, name.span, message)
                .help("give each test a unique name: reports and filters use it");
        }
        Some(name.value.to_owned())
    }

    fn person(&self, reader: &mut Reader<'_>, who: At<&str>) -> Option<TestUser> {
        match who.value {
            NOBODY => return Some(TestUser::Nobody),
            BAD_TOKEN => return Some(TestUser::BadToken),
            _ => {}
        }
        if let Some(person) = self
            .people
            .get(who.value)
            .or_else(|| self.shared.get(who.value))
        {
            return Some(TestUser::Person(Arc::clone(person)));
        }
        if self.declared.contains(who.value) {
            return None;
        }
        let known = || {
            self.people
                .keys()
                .chain(self.shared.keys())
                .map(String::as_str)
        };
        let near = nearest(who.value, known().chain([NOBODY, BAD_TOKEN]));
        let message = format!("no person `{}` is declared", who.value);
        let finding = reader.add(&UNKNOWN_PERSON, who.span, message);
        match near {
            Some(near) => suggest(finding, who, near),
            None => {
                finding.help(format!("declare `[people.{}]`", who.value));
            }
        }
        None
    }

    /// The address and the time of a test: its own, or the file's.
    fn circumstances(
        &self,
        reader: &mut Reader<'_>,
        table: Table<'_>,
    ) -> (Option<String>, Option<i64>) {
        let ip = address(reader, table).unwrap_or_else(|| self.ip.clone());
        // A file without a time has been reported; its tests are still parsed.
        let now = if table.has("now") {
            reader.time(table, "now")
        } else {
            self.now
        };
        (ip, now)
    }
}

/// The table's `ip`, if it has one: `Some(None)` means that the address is unknown.
#[expect(
    clippy::option_option,
    reason = "a missing key and an unknown address differ"
)]
fn address(reader: &mut Reader<'_>, table: Table<'_>) -> Option<Option<String>> {
    let ip = reader.text(table, "ip")?;
    if ip.value == "unknown" {
        return Some(None);
    }
    if ip.value.parse::<IpAddr>().is_err() {
        let message = format!("`{}` is not an address", ip.value);
        reader
            .add(&BAD_ADDRESS, ip.span, message)
            .help("write one such as `203.0.113.7` or `2001:db8::7`, or `unknown`");
    }
    Some(Some(ip.value.to_owned()))
}

fn reason(reader: &mut Reader<'_>, word: &str, span: Span) -> Option<Reason> {
    let found = REASONS.into_iter().find(|reason| reason.code() == word);
    if found.is_none() {
        let words = REASONS.map(Reason::code);
        let finding = reader.add(&BAD_EXPECTATION, span, format!("`{word}` is not a reason"));
        match nearest(word, words.into_iter()) {
            Some(near) => finding.help(format!("did you mean `{near}`?")),
            None => finding.help(format!("the reasons are {}", quoted(&words))),
        };
    }
    found
}

fn expectation(reader: &mut Reader<'_>, text: At<&str>) -> Option<Expect> {
    let reason = reason(reader, text.value, text.span)?;
    Some(Expect { reason, rule: None })
}

/// A reason, or a reason, one space and a rule.
fn cell_expectation(reader: &mut Reader<'_>, cell: At<&str>) -> Option<Expect> {
    let Some((word, rule)) = cell.value.split_once(' ') else {
        return expectation(reader, cell);
    };
    let expect = expectation(
        reader,
        At {
            value: word,
            span: cell.span,
        },
    )?;
    with_rule(reader, expect, rule, cell.span)
}

fn with_rule(reader: &mut Reader<'_>, expect: Expect, rule: &str, span: Span) -> Option<Expect> {
    if !matches!(expect.reason, Reason::Allow | Reason::DeniedByRule) {
        let message = format!("`{}` names no rule", expect.reason.code());
        reader
            .add(&BAD_EXPECTATION, span, message)
            .help("remove the rule: only `allow` and `denied_by_rule` have one");
        return None;
    }
    let is_name = |part: &str| !part.is_empty() && !part.contains([' ', '/']);
    if !rule
        .split_once('/')
        .is_some_and(|(course, id)| is_name(course) && is_name(id))
    {
        let finding = reader.add(&BAD_EXPECTATION, span, format!("`{rule}` is not a rule"));
        finding.help("write `course/id`, or `site/id` for a rule of `site.toml`");
        return None;
    }
    Some(Expect {
        rule: Some(rule.to_owned()),
        ..expect
    })
}

fn issuer<'i>(
    reader: &mut Reader<'_>,
    person: Table<'_>,
    issuers: &[&'i IssuerConfig],
) -> Option<&'i IssuerConfig> {
    let mut issuers = issuers.iter().copied();
    let Some(name) = reader.text(person, "issuer") else {
        return issuers.next();
    };
    let known: Vec<&str> = issuers.clone().map(|issuer| issuer.name.as_str()).collect();
    let found = issuers.find(|issuer| issuer.name == name.value);
    if found.is_none() {
        let message = format!("`site.toml` has no issuer `{}`", name.value);
        let finding = reader.add(&UNKNOWN_ISSUER, name.span, message);
        match nearest(name.value, known.iter().copied()) {
            Some(near) => suggest(finding, name, near),
            None if known.is_empty() => {
                finding.help("add an `[[issuer]]` to `site.toml`");
            }
            None => {
                finding.help(format!("the issuers are {}", quoted(&known)));
            }
        }
    }
    found
}

/// The claims of a user, validated by the code that validates those of tokens.
fn claims(
    reader: &mut Reader<'_>,
    claims: At<&DeTable<'_>>,
    issuer: Option<&IssuerConfig>,
    gate: Option<&Gate<Vec<u8>>>,
) -> Option<Claims> {
    let mut object = serde_json::Map::new();
    for (key, value) in claims.value {
        object.insert(key.get_ref().to_string(), claim(reader, value)?);
    }
    if let Some(iss) = issuer.and_then(|issuer| issuer.issuers.first()) {
        object.entry("iss").or_insert_with(|| iss.clone().into());
    }
    let text = Value::Object(object).to_string();
    let judged = Claims::from_json(text.as_bytes()).and_then(|claims| match issuer.zip(gate) {
        Some((issuer, gate)) => claims
            .facts(gate.image(), issuer, &gate.config().claim_places)
            .map(|_| claims),
        None => Ok(claims),
    });
    match judged {
        Ok(claims) => Some(claims),
        Err(error) => {
            let message = format!("no token carries these claims: {error}");
            reader.add(&BAD_CLAIM, claims.span, message).help(
                "write what a real token of this issuer contains; `sub` is a string, groups are strings",
            );
            None
        }
    }
}

/// Groups in a claim from which this issuer reads none.
fn misplaced(
    file: &str,
    claims: At<&DeTable<'_>>,
    issuer: &IssuerConfig,
    issuers: &[&IssuerConfig],
) -> Option<Misplaced> {
    let place = issuer.claims.groups.as_ref()?;
    if claims.value.contains_key(place.first()) {
        return None;
    }
    let (key, _) = issuers
        .iter()
        .filter_map(|other| other.claims.groups.as_ref())
        .map(ClaimPath::first)
        .chain(["groups", COGNITO_GROUPS_CLAIM])
        .find_map(|name| claims.value.get_key_value(name))?;
    Some(Misplaced {
        file: file.to_owned(),
        at: key.span().into(),
        claim: key.get_ref().to_string(),
        issuer: issuer.name.clone(),
        place: place.clone(),
    })
}

fn claim(reader: &mut Reader<'_>, value: &Spanned<DeValue<'_>>) -> Option<Value> {
    match value.get_ref() {
        DeValue::String(text) => Some(text.to_string().into()),
        DeValue::Boolean(flag) => Some((*flag).into()),
        DeValue::Integer(number) => {
            let number = i64::from_str_radix(number.as_str(), number.radix()).ok();
            if number.is_none() {
                reader
                    .add(&BAD_CLAIM, value.span().into(), "the number is too large")
                    .help(format!("write a number from {} to {}", i64::MIN, i64::MAX));
            }
            number.map(Value::from)
        }
        DeValue::Array(list) => list
            .iter()
            .map(|value| claim(reader, value))
            .collect::<Option<Vec<_>>>()
            .map(Value::Array),
        DeValue::Table(entries) => entries
            .iter()
            .map(|(key, value)| Some((key.get_ref().to_string(), claim(reader, value)?)))
            .collect::<Option<serde_json::Map<_, _>>>()
            .map(Value::Object),
        DeValue::Float(_) | DeValue::Datetime(_) => {
            let message = "claims in tests cannot be fractions or date-times";
            reader
                .add(&BAD_CLAIM, value.span().into(), message)
                .help("write a whole number; times are seconds since 1970");
            None
        }
    }
}
