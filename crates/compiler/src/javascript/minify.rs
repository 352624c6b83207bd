//! Making JavaScript short: no comments, no white space, short names.
//!
//! It works on tokens, not on a syntax tree, and only on the kind of source that `parts/` is written in:
//! top-level functions and variables, `var` inside them, semicolons everywhere, no labels and no template
//! literals. Names that begin with `_` are ours also where they are properties. The same source always
//! gives the same text. Not here: whether the text is allowed at an edge, which the linter says.

use std::collections::{BTreeMap, BTreeSet};

/// What stands for itself: the language's words, and what engines provide.
const KEPT: [&str; 62] = [
    "Array",
    "Buffer",
    "Date",
    "JSON",
    "Math",
    "Object",
    "String",
    "Uint8Array",
    "arguments",
    "async",
    "atob",
    "btoa",
    "decodeURIComponent",
    "encodeURIComponent",
    "await",
    "break",
    "case",
    "catch",
    "cf",
    "console",
    "const",
    "continue",
    "crypto",
    "default",
    "delete",
    "do",
    "else",
    "eval",
    "export",
    "false",
    "finally",
    "for",
    "function",
    "handler",
    "if",
    "import",
    "in",
    "instanceof",
    "is",
    "let",
    "logger",
    "data",
    "engines",
    "new",
    "null",
    "onClientRequest",
    "parseInt",
    "return",
    "static",
    "switch",
    "this",
    "throw",
    "true",
    "try",
    "typeof",
    "undefined",
    "var",
    "void",
    "while",
    "with",
    "yield",
    "as",
];

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Word,
    Number,
    /// A string or a regular expression.
    Literal,
    Mark,
}

#[derive(Clone, Copy, Debug)]
struct Token<'s> {
    kind: Kind,
    text: &'s str,
}

/// The shortest form of `source`.
pub(super) fn minify(source: &str) -> String {
    let tokens = without_brackets(&as_arrows(&tokens(source)));
    let (tops, bodies) = scopes(&tokens);
    let roles: Vec<Role> = (0..tokens.len()).map(|at| role(&tokens, at)).collect();
    let mut used: BTreeSet<String> = KEPT.iter().map(|name| (*name).to_owned()).collect();
    let counted = |range: core::ops::Range<usize>, wanted: &dyn Fn(&str, Role) -> bool| {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for at in range {
            if let (Some(token), Some(role)) = (tokens.get(at), roles.get(at))
                && wanted(token.text, *role)
            {
                *counts.entry(token.text).or_default() += 1;
            }
        }
        let mut names: Vec<(&str, usize)> = counts.into_iter().collect();
        names.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
        names.into_iter().map(|(name, _)| name).collect::<Vec<_>>()
    };
    let all = 0..tokens.len();
    let is_top = |name: &str, role: Role| role == Role::Variable && tops.contains(name);
    let top_names = counted(all.clone(), &is_top);
    let tops_short = shorten(&top_names, 26, &mut used);
    let is_ours = |name: &str, role: Role| role == Role::Property && name.starts_with('_');
    let properties = shorten(&counted(all, &is_ours), 0, &mut BTreeSet::new());
    let mut names: Vec<Option<String>> = vec![None; tokens.len()];
    for body in &bodies {
        let is_local = |name: &str, role: Role| {
            role == Role::Variable && !tops.contains(name) && !KEPT.contains(&name)
        };
        let locals = shorten(&counted(body.clone(), &is_local), 0, &mut used.clone());
        for at in body.clone() {
            if let (Some(token), Some(Role::Variable)) = (tokens.get(at), roles.get(at))
                && let Some(name) = locals.get(token.text)
                && let Some(place) = names.get_mut(at)
            {
                *place = Some(name.clone());
            }
        }
    }
    let mut short = String::with_capacity(source.len() / 2);
    let (mut depth, mut in_variables) = (0, false);
    for (at, token) in tokens.iter().enumerate() {
        let text = match roles.get(at) {
            Some(Role::Variable) => tops_short
                .get(token.text)
                .or(names.get(at).and_then(Option::as_ref)),
            Some(Role::Property) => properties.get(token.text),
            _ => None,
        };
        let text = text.map_or(token.text, String::as_str);
        append(
            &mut short,
            if text == "undefined" { "void 0" } else { text },
        );
        // Declarations outside of functions follow each other as one.
        match token.text {
            "{" | "(" | "[" if token.kind == Kind::Mark => depth += 1,
            "}" | ")" | "]" if token.kind == Kind::Mark => depth -= 1,
            "var" if depth == 0 => {
                if in_variables && short.ends_with(";var") {
                    short.truncate(short.len() - ";var".len());
                    short.push(',');
                }
                in_variables = true;
            }
            "function" if depth == 0 => in_variables = false,
            _ => {}
        }
    }
    short
}

/// Appends a token, with a space only where two would run together.
fn append(short: &mut String, text: &str) {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '$';
    let (last, first) = (short.chars().last(), text.chars().next());
    if let (Some(last), Some(first)) = (last, first) {
        if (is_word(last) && is_word(first)) || (last == first && (first == '+' || first == '-')) {
            short.push(' ');
        }
        // The last statement of a block needs no semicolon.
        if last == ';' && first == '}' {
            short.pop();
        }
    }
    short.push_str(text);
}

/// Short names by rank, the first `skip` letters left to others.
fn shorten(names: &[&str], skip: usize, used: &mut BTreeSet<String>) -> BTreeMap<String, String> {
    const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    let mut number = skip;
    let mut short = BTreeMap::new();
    for name in names {
        if KEPT.contains(name) {
            continue;
        }
        loop {
            let mut text = String::new();
            let mut rest = number;
            loop {
                let letter = LETTERS.get(rest % LETTERS.len()).copied().unwrap_or(b'a');
                text.insert(0, char::from(letter));
                rest /= LETTERS.len();
                if rest == 0 {
                    break;
                }
                rest -= 1;
            }
            number += 1;
            if used.insert(text.clone()) {
                short.insert((*name).to_owned(), text);
                break;
            }
        }
    }
    short
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Role {
    /// The name of a variable or function.
    Variable,
    /// The name of a property, after a dot or before a colon.
    Property,
    /// Anything else.
    Other,
}

fn role(tokens: &[Token<'_>], at: usize) -> Role {
    let text = |at: Option<usize>| {
        at.and_then(|at| tokens.get(at))
            .map_or("", |token| token.text)
    };
    let Some(Token {
        kind: Kind::Word, ..
    }) = tokens.get(at)
    else {
        return Role::Other;
    };
    let (before, after) = (text(at.checked_sub(1)), text(at.checked_add(1)));
    if before == "." || (matches!(before, "{" | ",") && after == ":") {
        Role::Property
    } else {
        Role::Variable
    }
}

/// The names declared outside of functions, and where the functions are.
fn scopes<'s>(tokens: &[Token<'s>]) -> (BTreeSet<&'s str>, Vec<core::ops::Range<usize>>) {
    let mut tops = BTreeSet::new();
    let mut bodies = Vec::new();
    let mut depth = 0_usize;
    let (mut start, mut is_variable) = (None, false);
    let mut before = "";
    for (at, token) in tokens.iter().enumerate() {
        if depth == 0 && matches!(before, "function" | "var") && token.kind == Kind::Word {
            tops.insert(token.text);
            start = Some(at);
            is_variable = before == "var";
        }
        match token.text {
            "{" | "(" | "[" if token.kind == Kind::Mark => depth += 1,
            "}" | ")" | "]" if token.kind == Kind::Mark => {
                depth = depth.saturating_sub(1);
                if depth == 0
                    && token.text == "}"
                    && !is_variable
                    && let Some(start) = start.take()
                {
                    bodies.push(start..at);
                }
            }
            ";" if depth == 0 => bodies.extend(start.take().map(|start| start..at)),
            _ => {}
        }
        before = token.text;
    }
    (tops, bodies)
}

/// Writes functions outside of others as variables: `var a = (b) => {…};`. Those that edges call keep their form,
/// and so do `async` ones, which CloudFront takes as declarations only.
fn as_arrows<'s>(tokens: &[Token<'s>]) -> Vec<Token<'s>> {
    let text = |at: usize| tokens.get(at).map_or("", |token| token.text);
    let mark = |text| Token {
        kind: Kind::Mark,
        text,
    };
    let mut made = Vec::with_capacity(tokens.len());
    let (mut depth, mut at) = (0_usize, 0);
    // Where the body of a function begins, and where it ends.
    let (mut body_follows, mut in_body) = (false, false);
    while let Some(token) = tokens.get(at) {
        let is_async = at.checked_sub(1).is_some_and(|before| text(before) == "async");
        if depth == 0
            && token.text == "function"
            && !is_async
            && let Some(name) = tokens.get(at + 1)
            && !KEPT.contains(&name.text)
        {
            let var = Token {
                kind: Kind::Word,
                text: "var",
            };
            made.extend([var, *name, mark("=")]);
            body_follows = true;
            at += 2;
            continue;
        }
        match token.text {
            "{" | "(" | "[" if token.kind == Kind::Mark => depth += 1,
            "}" | ")" | "]" if token.kind == Kind::Mark => depth = depth.saturating_sub(1),
            _ => {}
        }
        made.push(*token);
        if depth == 0 && body_follows && token.text == ")" {
            made.extend([mark("="), mark(">")]);
            (body_follows, in_body) = (false, true);
        } else if depth == 0 && in_body && token.text == "}" {
            made.push(mark(";"));
            in_body = false;
        }
        at += 1;
    }
    made
}

/// Takes out what means nothing: brackets around the one parameter of an arrow function.
fn without_brackets<'s>(tokens: &[Token<'s>]) -> Vec<Token<'s>> {
    let text = |at: usize| tokens.get(at).map_or("", |token| token.text);
    let is_word = |at: usize| tokens.get(at).is_some_and(|token| token.kind == Kind::Word);
    let is_arrow = |at: usize| {
        text(at) == "("
            && is_word(at + 1)
            && text(at + 2) == ")"
            && text(at + 3) == "="
            && text(at + 4) == ">"
    };
    let mut kept = Vec::with_capacity(tokens.len());
    for (at, token) in tokens.iter().enumerate() {
        if !is_arrow(at) && at.checked_sub(2).is_none_or(|before| !is_arrow(before)) {
            kept.push(*token);
        }
    }
    kept
}

fn tokens(source: &str) -> Vec<Token<'_>> {
    let mut tokens: Vec<Token<'_>> = Vec::new();
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '$';
        let length = |text: &str, wanted: &dyn Fn(char) -> bool| {
            text.find(|c| !wanted(c)).unwrap_or(text.len())
        };
        let (kind, end) = if first.is_whitespace() {
            rest = rest.trim_start();
            continue;
        } else if rest.starts_with("//") {
            rest = rest.split_once('\n').map_or("", |(_, after)| after);
            continue;
        } else if first.is_ascii_digit() {
            (Kind::Number, length(rest, &|c| is_word(c) || c == '.'))
        } else if is_word(first) {
            (Kind::Word, length(rest, &is_word))
        } else if first == '\'' || first == '"' {
            (Kind::Literal, literal_end(rest, first))
        } else if first == '/' && may_begin_regex(tokens.last()) {
            let end = literal_end(rest, '/');
            let flags = rest.get(end..).map_or(0, |after| length(after, &is_word));
            (Kind::Literal, end + flags)
        } else if rest.starts_with("++") || rest.starts_with("--") {
            (Kind::Mark, 2)
        } else {
            (Kind::Mark, first.len_utf8())
        };
        let (text, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
        tokens.push(Token { kind, text });
        rest = after;
    }
    tokens
}

/// Where a string or regular expression ends that begins here.
fn literal_end(text: &str, quote: char) -> usize {
    let (mut escaped, mut in_class) = (false, false);
    for (at, c) in text.char_indices().skip(1) {
        if escaped {
            escaped = false;
            continue;
        }
        match c {
            '\\' => escaped = true,
            '[' if quote == '/' => in_class = true,
            ']' if quote == '/' => in_class = false,
            _ if c == quote && !in_class => return at + c.len_utf8(),
            _ => {}
        }
    }
    text.len()
}

/// Whether `/` after this token begins a regular expression, not a division.
fn may_begin_regex(before: Option<&Token<'_>>) -> bool {
    before.is_none_or(|token| match token.kind {
        Kind::Word => matches!(token.text, "return" | "typeof" | "case" | "throw" | "in"),
        Kind::Mark => !matches!(token.text, ")" | "]" | "}"),
        Kind::Number | Kind::Literal => false,
    })
}

#[cfg(test)]
mod tests {
    use super::minify;

    #[test]
    fn table() {
        let cases = [
            ("var one = 1; // a comment\n", "var A=1;"),
            (
                "function area(width, height) {\n  return width * height;\n}\n",
                "var A=(b,a)=>{return b*a};",
            ),
            // Properties stay, but for ours; strings stay.
            (
                "function f(a) { return { width: a.width, _own: a._own, text: '_own // no' }; }",
                "var A=a=>{return{width:a.width,a:a.a,text:'_own // no'}};",
            ),
            (
                "function f(x) { return x + +x - -x; }",
                "var A=a=>{return a+ +a- -a};",
            ),
            (
                "function f(x) { return /[/'\"]/g.test(x) / 2 / 1; }",
                "var A=a=>{return/[/'\"]/g.test(a)/2/1};",
            ),
            // Declarations stand together; `async` ones and what edges call stay what they are.
            (
                "var a = 1; function f() { function g() {} } async function h() {} function i() {}",
                "var A=1,B=()=>{function a(){}};async function C(){}var D=()=>{};",
            ),
            (
                "async function handler(event) { await event; }",
                "async function handler(a){await a}",
            ),
            (
                "function f(g) { return g(() => 1); }",
                "var A=a=>{return a(()=>1)};",
            ),
            (
                "var f = (x) => x.map((y) => y + 1);",
                "var A=a=>a.map(b=>b+1);",
            ),
            // A conditional is no property.
            (
                "function f(x, y) { return x ? y : (x, y); }",
                "var A=(a,b)=>{return a?b:(a,b)};",
            ),
        ];
        for (source, want) in cases {
            assert_eq!(minify(source), want, "{source}");
        }
    }

    #[test]
    fn nothing_takes_a_name_that_is_in_use() {
        let locals: Vec<String> = (0..200).map(|at| format!("local{at}")).collect();
        let list = locals.join(", ");
        let source = format!("function top({list}) {{ return [{list}, undefined, crypto]; }}");
        let short = minify(&source);
        let names = short
            .split_once("=(")
            .and_then(|(_, rest)| rest.split_once(')'));
        let names: Vec<&str> = names
            .map(|(names, _)| names.split(',').collect())
            .unwrap_or_default();
        let mut distinct = names.clone();
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(distinct.len(), 200);
        for kept in ["do", "if", "in", "is", "cf", "A"] {
            assert!(!names.contains(&kept), "{kept}");
        }
    }
}
