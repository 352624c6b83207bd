//! Making JavaScript short: no comments, no white space, short names, and repeated strings once.
//!
//! It works on tokens, not on a syntax tree, and only on the kind of source that `parts/` is written in:
//! top-level functions and variables, `var` inside them, semicolons everywhere, no labels and no template
//! literals. Names that begin with `_` are ours also where they are properties. The same source always
//! gives the same text. Not here: whether an engine accepts the text ([`lint`](super::lint)).

use std::collections::{BTreeMap, BTreeSet};

/// Names that are kept: keywords, and names that engines provide.
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

/// The characters of short names.
const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_$";
/// Fewest and most letters that are left to names inside of functions.
const FEWEST_LOCALS: usize = 6;
const MOST_LOCALS: usize = 26;

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
    let source = hoisted(source);
    let tokens = variables_first(&without_brackets(&arrows(&tokens(&source))));
    // Names inside of functions take letters from the start of the alphabet, and those outside of them after that. How
    // many letters are best left to the former depends on the source.
    let shortest = (FEWEST_LOCALS..=MOST_LOCALS)
        .rev()
        .map(|locals| rename(&tokens, locals))
        .min_by_key(String::len);
    shortest.unwrap_or_default()
}

/// The source of tokens, with the first names outside of functions after so many letters.
fn rename(tokens: &[Token<'_>], locals: usize) -> String {
    let (tops, bodies) = scopes(tokens);
    let roles: Vec<Role> = (0..tokens.len()).map(|at| role(tokens, at)).collect();
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
    let tops_short = shorten(&top_names, locals, &mut used);
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
    let mut short = String::with_capacity(2 * tokens.len());
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
            match (token.kind, text) {
                (Kind::Word, "undefined") => "void 0",
                (Kind::Word, "true") => "!0",
                (Kind::Word, "false") => "!1",
                _ => text,
            },
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

/// The source with strings that repeat in variables, where that is shorter.
fn hoisted(source: &str) -> String {
    /// Most characters of a variable's short name.
    const NAME: usize = 2;
    /// Characters of a declaration in addition to its name and its value.
    const DECLARATION: usize = 2;
    let tokens = tokens(source);
    let is_hoistable = |at: usize| {
        let text = |at: Option<usize>| at.and_then(|at| tokens.get(at)).map_or("", |t| t.text);
        let is_name =
            matches!(text(at.checked_sub(1)), "{" | ",") && text(at.checked_add(1)) == ":";
        tokens.get(at).is_some_and(|token| {
            token.kind == Kind::Literal && token.text.starts_with(['\'', '"']) && !is_name
        })
    };
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for at in (0..tokens.len()).filter(|at| is_hoistable(*at)) {
        if let Some(token) = tokens.get(at) {
            *counts.entry(token.text).or_default() += 1;
        }
    }
    counts.retain(|text, count| {
        *count * text.len() > *count * NAME + text.len() + NAME + DECLARATION
    });
    let names: BTreeMap<&str, String> = counts
        .into_keys()
        .enumerate()
        .map(|(at, text)| (text, format!("hoisted{at}")))
        .collect();
    let mut source = String::with_capacity(source.len());
    for (text, name) in &names {
        source.push_str(&format!("var {name}={text};"));
    }
    for (at, token) in tokens.iter().enumerate() {
        let name = names.get(token.text).filter(|_| is_hoistable(at));
        source.push_str(name.map_or(token.text, String::as_str));
        source.push(' ');
    }
    source
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

/// Turns functions outside of functions into variables, which are shorter: nothing calls them before all of the
/// source has been evaluated. Engines find handlers by name, and accept `async` functions only in this form, so those
/// stay.
fn arrows<'s>(tokens: &[Token<'s>]) -> Vec<Token<'s>> {
    const MARK: fn(&'static str) -> Token<'static> = |text| Token {
        kind: Kind::Mark,
        text,
    };
    const WORD: fn(&'static str) -> Token<'static> = |text| Token {
        kind: Kind::Word,
        text,
    };
    let text = |at: usize| tokens.get(at).map_or("", |token| token.text);
    let mut turned: Vec<Token<'s>> = Vec::with_capacity(tokens.len() + 64);
    // How deep the parameters and the body of the function being turned are, if there is one.
    let (mut depth, mut in_function) = (0, false);
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let is_plain = token.text == "function" && turned.last().map(|t| t.text) != Some("async");
        if depth == 0 && is_plain && !KEPT.contains(&text(at + 1)) {
            turned.push(WORD("var"));
            turned.extend(tokens.get(at + 1));
            turned.push(MARK("="));
            in_function = true;
            at += 2;
            continue;
        }
        if token.kind == Kind::Mark {
            match token.text {
                "{" | "(" | "[" => depth += 1,
                "}" | ")" | "]" => depth -= 1,
                _ => {}
            }
        }
        turned.push(*token);
        if in_function && depth == 0 {
            match token.text {
                ")" => turned.extend([MARK("="), MARK(">")]),
                "}" => {
                    turned.push(MARK(";"));
                    in_function = false;
                }
                _ => {}
            }
        }
        at += 1;
    }
    turned
}

/// Moves declarations of variables outside of functions to the front, where they become one. Functions can be called
/// before they are declared, so no order matters but that of the variables.
fn variables_first<'s>(tokens: &[Token<'s>]) -> Vec<Token<'s>> {
    let (mut variables, mut rest) = (Vec::new(), Vec::new());
    let (mut depth, mut in_variables) = (0, false);
    for token in tokens {
        if depth == 0 && token.text == "var" {
            in_variables = true;
        }
        let place = if in_variables {
            &mut variables
        } else {
            &mut rest
        };
        place.push(*token);
        match token.text {
            "{" | "(" | "[" if token.kind == Kind::Mark => depth += 1,
            "}" | ")" | "]" if token.kind == Kind::Mark => depth -= 1,
            ";" if depth == 0 => in_variables = false,
            _ => {}
        }
    }
    variables.append(&mut rest);
    variables
}

/// Removes redundant tokens: parentheses around the only parameter of an arrow function.
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

/// The end of the string or regular expression that begins here.
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
            // Properties stay, except ours; strings stay.
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
            (
                "function f(x) { return x == true ? false : 'true'; }",
                "var A=a=>{return a==!0?!1:'true'};",
            ),
            // A string that repeats is a variable, but not where it is a name or too short for that.
            (
                "function f(x) { return x('bad claim', 'bad claim') || { 'bad claim': x['bad claim'] } || x('a', 'a'); }",
                "var A='bad claim',B=a=>{return a(A,A)||{'bad claim':a[A]}||a('a','a')};",
            ),
            (
                "async function f(x) { await x; }\nvar y = 1;\nfunction g() { return [f, y]; }",
                "var B=1,C=()=>{return[A,B]};async function A(a){await a}",
            ),
            (
                "function f() { function g() { return 1; } return g; }",
                "var A=()=>{function a(){return 1}return a};",
            ),
            // A conditional is not a property.
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
            .split_once('(')
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
