//! From text to CEL's tree, with the span of every node.
//!
//! The only module that names the parser crate's parser. Not here: what the tree means.

use core::cell::OnceCell;
use std::sync::Arc;

use cel::IdedExpr;
use cel::common::ast::{EntryExpr, Expr, SourceInfo};
use cel::parser::{ParseError, PrattParser};

use super::guard;
use crate::diagnostic::Span;
use crate::diagnostic::shown;

/// A parsed condition.
#[derive(Debug)]
pub(super) struct Tree<'a> {
    pub(super) root: IdedExpr,
    source: &'a str,
    places: OnceCell<Option<Arc<SourceInfo>>>,
}

/// Something wrong with the grammar.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct SyntaxError {
    pub(super) span: Option<Span>,
    pub(super) message: String,
    pub(super) help: Option<&'static str>,
}

/// Parses a condition that the guard let through.
pub(super) fn parse(source: &str) -> Result<Tree<'_>, Vec<SyntaxError>> {
    match PrattParser::new().parse(source) {
        Ok(root) => Ok(Tree {
            root,
            source,
            places: OnceCell::new(),
        }),
        Err(errors) => {
            let mut list: Vec<_> = errors
                .errors
                .iter()
                .map(|error| syntax_error(source, error))
                .collect();
            list.dedup();
            // The second error is mostly an echo of the first.
            list.truncate(2);
            Err(list)
        }
    }
}

fn syntax_error(source: &str, error: &ParseError) -> SyntaxError {
    let offsets = error
        .source_info
        .as_ref()
        .and_then(|info| info.offset_for(error.expr_id));
    let span = offsets.map(|(start, end)| Span {
        start: start as usize,
        end: end as usize,
    });
    let found = span
        .and_then(|span| source.get(span.start..span.end))
        .unwrap_or_default();
    let message = plain(&error.msg, found);
    let help = match found {
        "=" => Some("equality is written `==`"),
        "&" => Some("and is written `&&`"),
        "|" => Some("or is written `||`"),
        "`" => Some("write `claims[\"…\"]` for a claim whose name is not a plain word"),
        _ if found.starts_with('`') => {
            Some("write `claims[\"…\"]` for a claim whose name is not a plain word")
        }
        _ if error.msg.contains("has()") => Some(
            "write `has(claims.name)`, or `\"name\" in claims` if the name is not a plain word",
        ),
        _ if ["and", "or", "not"].contains(&found) => {
            Some("CEL writes `&&` for and, `||` for or, `!` for not")
        }
        _ => Some(help_for(&message)),
    };
    SyntaxError {
        span: span.or_else(|| from_position(source, error.pos)),
        message,
        help,
    }
}

/// The help for a message of the parser.
fn help_for(message: &str) -> &'static str {
    const HELPS: [(&str, &str); 8] = [
        ("ends too early", "write what is missing at the end"),
        ("expected `)`", "close the parenthesis"),
        ("expected `]`", "close the list"),
        (
            "unterminated string",
            "close the text with the quote that it starts with",
        ),
        (
            "after a whole expression",
            "join two conditions by `&&` or `||`",
        ),
        (
            "reserved word",
            "write `claims[\"…\"]` for a claim of that name",
        ),
        ("escape in a string", "write `\\\\` for a backslash"),
        ("int literal", "write a whole number that fits 64 bits"),
    ];
    let known = HELPS.iter().find(|(part, _)| message.contains(part));
    known.map_or(
        "write a CEL expression, such as `claims.level >= 3 && \"staff\" in groups`",
        |(_, help)| help,
    )
}

/// The parser's message in the words of this compiler. `found` is the text at the place.
fn plain(message: &str, found: &str) -> String {
    let message = message.strip_prefix("Syntax error: ").unwrap_or(message);
    match message {
        "mismatched input '<EOF>' expecting expression" => {
            "the condition ends too early".to_owned()
        }
        "unexpected token" | "unexpected character" => format!("unexpected `{}`", shown(found)),
        "unsupported syntax: '`'" => "a name in backticks".to_owned(),
        "invalid argument to has() macro" => "`has` of something that is not a field".to_owned(),
        "unable to unescape string" => "unknown escape in a string".to_owned(),
        "argument must be a simple name" => "the first argument is not a name".to_owned(),
        _ if message.ends_with("expecting <EOF>") => {
            format!("unexpected `{}` after a whole expression", shown(found))
        }
        _ if message.starts_with("reserved identifier") => {
            format!("`{}` is a reserved word", shown(found))
        }
        _ => {
            let message = message.replace("'<EOF>'", "the end").replace('\'', "`");
            let mut chars = message.chars();
            chars
                .next()
                .map_or(String::new(), |c| c.to_lowercase().chain(chars).collect())
        }
    }
}

/// A place from a line and column, both from 1; columns count bytes.
fn from_position(source: &str, (line, column): (isize, isize)) -> Option<Span> {
    let (line, column) = (usize::try_from(line).ok()?, usize::try_from(column).ok()?);
    let before: usize = source
        .split_inclusive('\n')
        .take(line.checked_sub(1)?)
        .map(str::len)
        .sum();
    let start = source.floor_char_boundary(before + column.checked_sub(1)?);
    let end = source.ceil_char_boundary((start + 1).min(source.len()));
    Some(Span { start, end })
}

impl Tree<'_> {
    /// The depth of the tree. Not recursive, because it may be deeper than any stack.
    pub(super) fn depth(&self) -> usize {
        let mut deepest = 0;
        let mut open = vec![(1, &self.root)];
        while let Some((depth, node)) = open.pop() {
            deepest = deepest.max(depth);
            open.extend(
                children(&node.expr)
                    .into_iter()
                    .map(|child| (depth + 1, child)),
            );
        }
        deepest
    }

    /// The span of a node, from its first to its last token.
    pub(super) fn place(&self, node: &IdedExpr) -> Span {
        let whole = Span {
            start: 0,
            end: self.source.len(),
        };
        self.extent(node).unwrap_or(whole)
    }

    /// The span of a node's own token: the operator, the dot, the parenthesis of a call.
    pub(super) fn token(&self, node: &IdedExpr) -> Option<Span> {
        let places = self.places.get_or_init(|| places(self.source)).as_ref()?;
        let (start, end) = places.offset_for(node.id)?;
        Some(Span {
            start: start as usize,
            end: end as usize,
        })
    }

    /// The name before the bracket of a macro, which the parser has replaced.
    pub(super) fn macro_name(&self, node: &IdedExpr) -> Option<&str> {
        let before = self.source.get(..self.token(node)?.start)?.trim_end();
        let start = before
            .trim_end_matches(|c: char| c.is_ascii_alphanumeric() || c == '_')
            .len();
        before.get(start..)
    }

    fn extent(&self, node: &IdedExpr) -> Option<Span> {
        let token = self.token(node)?;
        let mut place = token;
        for child in children(&node.expr) {
            if let Some(child) = self.extent(child) {
                place = place.to(child);
            }
        }
        // Closing brackets and field names have no node of their own.
        let end = match &node.expr {
            Expr::Select(select) if !select.test => {
                let rest = self.source.get(place.end..)?.trim_start();
                let rest = rest.strip_prefix(select.field.as_str())?;
                Some(self.source.len() - rest.len())
            }
            Expr::Select(_) | Expr::Comprehension(_) => self.closing(token, "("),
            Expr::Call(call) if call.func_name == "_[_]" => self.closing(token, "["),
            Expr::Call(call) if is_function(&call.func_name) => self.closing(token, "("),
            Expr::List(_) => self.closing(token, "["),
            Expr::Map(_) | Expr::Struct(_) => self.closing(token, "{"),
            _ => None,
        };
        place.end = place.end.max(end.unwrap_or(place.end));
        Some(place)
    }

    /// The end of what the first `bracket` at or after a token opens.
    fn closing(&self, token: Span, bracket: &str) -> Option<usize> {
        let start = token.start + self.source.get(token.start..)?.find(bracket)?;
        Some(start + guard::bracketed_length(self.source.get(start..)?))
    }
}

fn is_function(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic())
}

/// The parser returns positions only with an error, so the text is parsed again with a superfluous parenthesis
/// at the end. Node ids follow the order of the text, so they are the same as without it. Done only when a
/// span is needed, which is when an error is reported.
fn places(source: &str) -> Option<Arc<SourceInfo>> {
    let errors = PrattParser::new().parse(&format!("{source}\n)")).err()?;
    errors
        .errors
        .into_iter()
        .find_map(|error| error.source_info)
}

fn children(expr: &Expr) -> Vec<&IdedExpr> {
    match expr {
        Expr::Call(call) => call
            .target
            .as_deref()
            .into_iter()
            .chain(&call.args)
            .collect(),
        Expr::List(list) => list.elements.iter().collect(),
        Expr::Select(select) => vec![&*select.operand],
        Expr::Comprehension(comprehension) => vec![&comprehension.iter_range],
        Expr::Map(map) => map
            .entries
            .iter()
            .flat_map(|entry| entry_values(&entry.expr))
            .collect(),
        Expr::Struct(object) => object
            .entries
            .iter()
            .flat_map(|entry| entry_values(&entry.expr))
            .collect(),
        Expr::Ident(_) | Expr::Literal(_) | Expr::Unspecified => Vec::new(),
    }
}

fn entry_values(entry: &EntryExpr) -> Vec<&IdedExpr> {
    match entry {
        EntryExpr::MapEntry(entry) => vec![&entry.key, &entry.value],
        EntryExpr::StructField(field) => vec![&field.value],
    }
}
