//! `[paths]`: who reads a path after the gate, and what that reader does with it.
//!
//! Not here: the rules that follow from it, which are the core's.

use tollgate_core::PathScratch;
use tollgate_core::path::{MAX_INDEX_BYTES, PathOptions, PathReader, is_index_name};

use crate::diagnostic::{Report, codes, shown};
use crate::document::Table;

/// The settings of `[paths]`.
#[derive(Debug, Default)]
pub(crate) struct Paths {
    pub(crate) ascii_only: bool,
    pub(crate) reader: PathReader,
    pub(crate) index: Option<String>,
}

impl Paths {
    pub(super) fn read(root: Table<'_>, report: &mut Report) -> Self {
        let Some(table) = root.table("paths") else {
            return Self::default();
        };
        let origin = table.text("origin").map(|origin| origin.value);
        Self {
            ascii_only: table.flag("ascii_only").unwrap_or(false),
            // Another word was reported with the shape of the file.
            reader: origin.and_then(PathReader::from_code).unwrap_or_default(),
            index: index(table, report),
        }
    }

    /// The same for the core.
    pub(crate) fn options(&self) -> PathOptions<'_> {
        PathOptions {
            ascii_only: self.ascii_only,
            reader: self.reader,
            index: self.index.as_deref(),
        }
    }
}

/// Whether every reader accepts a path of the gate's own, and a header can contain it as it is.
pub(super) fn is_plain(path: &str) -> bool {
    let options = PathOptions {
        ascii_only: true,
        ..PathOptions::default()
    };
    let is_allowed =
        |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!*'():@&=$,/%".contains(&byte);
    path.bytes().all(is_allowed) && PathScratch::new().parse(path.as_bytes(), options).is_ok()
}

fn index(table: Table<'_>, report: &mut Report) -> Option<String> {
    // Nothing and too much were reported with the shape of the file.
    let has_size = |name: &str| (1..=MAX_INDEX_BYTES).contains(&name.len());
    let text = table.text("index").filter(|name| has_size(name.value))?;
    if is_index_name(text.value) {
        return Some(text.value.to_owned());
    }
    let message = format!(
        "`{}` is not the name of an index document",
        shown(text.value)
    );
    let diagnostic = report.add(&codes::BAD_INDEX, text.span, message);
    let name = text.value.rsplit('/').next().unwrap_or_default();
    if name != text.value && is_index_name(name) {
        diagnostic.help(format!(
            "the name is appended to every path that ends in `/`; write `{name}`"
        ));
    } else {
        diagnostic.help(format!(
            "write a file name of letters, digits, `-`, `.`, `_` and `~`, at most {MAX_INDEX_BYTES} bytes, \
             such as `index.html`"
        ));
    }
    None
}
